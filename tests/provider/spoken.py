"""What differs between the providers, of all that a test of every one of them looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One provider, as a test sees it.

    Attributes:
        model: One of its models, by its whole name.
        sent: Where its requests have the temperature and the limit of 7 tokens.
        usage: Counts as it reports them, of 100 tokens read and 50 written.
        counted: The same as we record them.
        prompt: Gives the roles and texts of a request.
        picture: Gives what a request has of a picture.
        document: Gives what a request has of a PDF; ``None`` if it can have none.
        offered: Gives the names of the tools that a request offers.
        result: Gives what a request says last: what a call of a tool gave.
        stray: Variables that its SDK or LangChain's integration reads.
        package: What is missing where its extra is not installed.
    """

    model: str
    sent: Callable[[Body], Body]
    usage: Mapping[str, Any]
    counted: Mapping[str, int]
    prompt: Callable[[Body], list[tuple[str, str]]]
    picture: Callable[[Body], Any]
    document: Callable[[Body], Any] | None
    offered: Callable[[Body], list[str]]
    result: Callable[[Body], str]
    stray: tuple[str, ...]
    package: str


def _by_messages(body: Body) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in body["messages"]]


def _by_parts(body: Body) -> list[tuple[str, str]]:
    system = [("system", body["systemInstruction"]["parts"][0]["text"])]
    return system + [(content["role"], content["parts"][0]["text"]) for content in body["contents"]]


def _by_functions(body: Body) -> list[str]:
    return [tool["function"]["name"] for tool in body["tools"]]


def _by_content(body: Body) -> str:
    return body["messages"][-1]["content"]


def _only_block(body: Body, kind: str) -> Any:
    (block,) = [each for each in body["messages"][-1]["content"] if each["type"] == kind]
    return block


COUNTED = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}
DETAILED = {**COUNTED, "cache_read_tokens": 64, "reasoning_tokens": 30}

SPOKEN = {
    "openai": Spoken(
        model="openai:gpt-4.1-mini",
        sent=lambda body: {"temperature": body["temperature"], "limit": body["max_tokens"]},
        usage={
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        counted=DETAILED,
        prompt=_by_messages,
        picture=lambda body: body["messages"][-1]["content"][0]["image_url"]["url"],
        document=lambda body: body["messages"][-1]["content"][0]["file"]["file_data"],
        offered=_by_functions,
        result=_by_content,
        stray=("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_KEY"),
        package="langchain_openai",
    ),
    "anthropic": Spoken(
        model="anthropic:claude-test",
        sent=lambda body: {"temperature": body["temperature"], "limit": body["max_tokens"]},
        usage={
            "input_tokens": 36,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 0,
            "output_tokens": 50,
            "output_tokens_details": {"thinking_tokens": 30},
        },
        counted=DETAILED,
        prompt=lambda body: [("system", body["system"]), *_by_messages(body)],
        picture=lambda body: _only_block(body, "image")["source"],
        document=lambda body: _only_block(body, "document")["source"],
        offered=lambda body: [tool["name"] for tool in body["tools"]],
        result=lambda body: body["messages"][-1]["content"][0]["content"],
        stray=(
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_API_URL",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_CUSTOM_HEADERS",
            "ANTHROPIC_PROFILE",
            "ANTHROPIC_PROXY",
        ),
        package="langchain_anthropic",
    ),
    "google": Spoken(
        model="google:gemini-2.5-flash",
        sent=lambda body: {
            "temperature": body["generationConfig"]["temperature"],
            "limit": body["generationConfig"]["maxOutputTokens"],
        },
        usage={
            "promptTokenCount": 100,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 30,
            "cachedContentTokenCount": 64,
            "totalTokenCount": 150,
        },
        counted=DETAILED,
        prompt=_by_parts,
        picture=lambda body: body["contents"][-1]["parts"][0]["inlineData"],
        document=lambda body: body["contents"][-1]["parts"][0]["inlineData"],
        offered=lambda body: [tool["name"] for tool in body["tools"][0]["functionDeclarations"]],
        result=lambda body: body["contents"][-1]["parts"][0]["functionResponse"]["response"]["output"],
        stray=(
            "GOOGLE_API_KEY",
            "GEMINI_API_KEY",
            "GOOGLE_CLOUD_LOCATION",
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_GEMINI_BASE_URL",
            "GOOGLE_GENAI_USE_VERTEXAI",
            "GOOGLE_GENAI_USE_ENTERPRISE",
        ),
        package="langchain_google_genai",
    ),
    "ollama": Spoken(
        model="ollama:llama3.2:3b",
        sent=lambda body: {"temperature": body["options"]["temperature"], "limit": body["options"]["num_predict"]},
        usage={"prompt_eval_count": 100, "eval_count": 50},
        counted=COUNTED,
        prompt=_by_messages,
        picture=lambda body: body["messages"][-1]["images"],
        document=None,
        offered=_by_functions,
        result=_by_content,
        stray=("OLLAMA_HOST", "OLLAMA_API_KEY"),
        package="langchain_ollama",
    ),
}
