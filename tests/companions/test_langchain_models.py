import asyncio
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI

from companions.model_catalog import ModelCatalog
from companions.models import Message, Sampling, Task
from companions.openai_line import OpenAILine
from tests.provider import replies
from tests.provider.editor import NobodysEditor
from tests.provider.server import KEY, Provider

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
ODD_TEXT = "Braces {x} {{}} %s %(y)d, quotes \"'`, line\u2028breaks, \U0001f600 日本語 עברית \x07 end\n\n  "
MODEL = "gpt-4.1-mini"


def task_of(*messages: Message, **sampling: float | None) -> Task:
    prompt = messages or (Message("human", "Why is the sky blue?"),)
    return Task(step="draft", messages=prompt, query=prompt[-1].text, sampling=Sampling(**sampling))  # pyright: ignore[reportArgumentType] -- max_tokens is an int in each caller


async def test_pieces_are_heard_in_order_before_the_end_and_none_is_lost(
    provider: Provider, open_catalog: Open
) -> None:
    gate, first = replies.Signal(), asyncio.Event()
    heard: list[str] = []

    def hear(piece: str) -> None:
        heard.append(piece)
        first.set()

    provider.queue(replies.text(ODD_TEXT * 20, pieces=97, gate=gate))
    writing = asyncio.create_task(open_catalog().get(MODEL).write(task_of(), hear))
    await asyncio.wait_for(first.wait(), 10)
    assert not writing.done()
    assert len(heard) == 1
    gate.set()
    written = await writing
    assert len(heard) > 50
    assert "".join(heard) == written.text == ODD_TEXT * 20


async def test_the_prompt_arrives_byte_for_byte(provider: Provider, open_catalog: Open) -> None:
    long = ODD_TEXT * 3_000
    prompt = (Message("system", ODD_TEXT), Message("human", "{0}"), Message("ai", "%"), Message("human", long))
    await open_catalog().get(MODEL).write(task_of(*prompt))
    assert [(message["role"], message["content"]) for message in provider.bodies[0]["messages"]] == [
        ("system", ODD_TEXT),
        ("user", "{0}"),
        ("assistant", "%"),
        ("user", long),
    ]


async def test_usage_is_recorded_flat_with_cached_and_reasoning_tokens(provider: Provider, open_catalog: Open) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    provider.queue(replies.text("Because.", usage=usage))
    written = await open_catalog().get(MODEL).write(task_of())
    assert written.usage == {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "cache_read_tokens": 64,
        "reasoning_tokens": 30,
    }
    assert written.meta["retries"] == 0
    assert provider.bodies[0]["stream_options"] == {"include_usage": True}


async def test_a_reported_zero_of_cached_and_reasoning_tokens_is_told_from_none_reported(
    provider: Provider, open_catalog: Open
) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    details = {
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    provider.queue(replies.text("Because.", usage=usage), replies.text("Because.", usage=usage | details))
    silent, telling = [(await open_catalog().get(MODEL).write(task_of())).usage for _ in range(2)]
    assert silent == {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}
    assert telling == {**silent, "cache_read_tokens": 0, "reasoning_tokens": 0}


async def test_how_often_the_client_asked_again_is_recorded(provider: Provider, open_catalog: Open) -> None:
    provider.queue(*[replies.refusal(503, retry_after="0.01")] * 2, "There it is.")
    written = await open_catalog().get(MODEL).write(task_of())
    assert (written.meta["retries"], len(provider.bodies)) == (2, 3)


async def test_what_is_recorded_is_the_model_that_really_wrote(provider: Provider, open_catalog: Open) -> None:
    provider.queue(replies.text("Because.", model="gpt-4.1-mini-2025-04-14"))
    model = open_catalog().get(MODEL)
    written = await model.write(task_of())
    assert (model.name, written.model) == ("openai:gpt-4.1-mini", "gpt-4.1-mini-2025-04-14")
    assert written.meta["finish_reason"] == "stop"
    assert 0 < written.meta["first_token_seconds"] <= written.meta["seconds"]
    assert written.meta["response_metadata"]["model_name"] == "gpt-4.1-mini-2025-04-14"
    assert json.loads(json.dumps(written.meta)) == written.meta


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        (MODEL, {"temperature": 0.2, "max_tokens": 77}, {"temperature": 0.2, "max_tokens": 77}),
        (MODEL, {"temperature": 0.0}, {"temperature": 0.0}),
        (MODEL, {}, {}),
        ("gpt-5-mini", {"temperature": 0.2, "max_tokens": 77}, {"max_tokens": 77}),
        ("openai/gpt-5", {"temperature": 0.2}, {}),
        ("o3", {"temperature": 0.2}, {}),
        ("gpt-5-mini", {"temperature": 1}, {"temperature": 1}),
        ("gpt-5-chat-latest", {"temperature": 0.2}, {"temperature": 0.2}),
    ],
)
async def test_what_is_recorded_of_the_sampling_is_what_was_sent(
    provider: Provider, open_catalog: Open, model: str, asked: dict[str, float], sent: dict[str, float]
) -> None:
    written = await open_catalog().get(model).write(task_of(**asked))
    body = provider.bodies[0]
    assert {name: body[name] for name in ("temperature", "max_tokens", "max_completion_tokens") if name in body} == sent
    assert written.meta["sampling"] == {"execution_mode": "server", **sent}
    assert written.meta.get("not_sent", {}) == {name: asked[name] for name in asked if name not in sent}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (None, "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1/", "max_completion_tokens"),
        ("http://localhost:11434/v1", "max_tokens"),
        ("https://api.mistral.ai/v1", "max_tokens"),
    ],
)
async def test_each_server_is_told_the_limit_under_the_name_that_it_knows(url: str | None, name: str) -> None:
    line = OpenAILine(api_key=KEY, base_url=url)
    chat = await line.chat(MODEL)
    payload = chat._get_request_payload("hello", max_tokens=5)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType] -- the only look at it without the network
    assert payload[name] == 5
    await line.aclose()


async def test_no_variable_of_the_environment_changes_a_request(
    provider: Provider, open_catalog: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "LANGSMITH_GATEWAY_API_KEY", "OPENAI_ORG_ID"):
        monkeypatch.setenv(name, "stray")
    for name in ("OPENAI_ORGANIZATION", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "stray")
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_PROXY", "LANGSMITH_GATEWAY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/stray")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Extra: stray\nAuthorization: Bearer stray")
    monkeypatch.setenv("LC_OUTPUT_VERSION", "responses/v1")
    written = await open_catalog().get(MODEL).write(task_of())
    exchange = provider.exchanges[0]
    assert written.text
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert [header for header in exchange.headers.items() if "stray" in header[1] or "openai-" in header[0]] == []


async def test_a_local_server_is_asked_without_a_key_of_ours(
    provider: Provider, open_catalog: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    await open_catalog(openai_api_key=None).get("llama3.2:3b").write(task_of())
    assert KEY not in provider.exchanges[0].headers["authorization"]
    assert provider.bodies[0]["model"] == "llama3.2:3b"


async def test_calls_of_one_process_go_through_one_client_whatever_their_model(
    provider: Provider, open_catalog: Open
) -> None:
    catalog = open_catalog()
    for name in ("gpt-4.1", "gpt-5", "gpt-4.1"):
        await catalog.get(name).write(task_of())
    assert [body["model"] for body in provider.bodies] == ["gpt-4.1", "gpt-5", "gpt-4.1"]
    assert len({exchange.peer for exchange in provider.exchanges}) == 1


def test_one_catalog_serves_one_event_loop_after_another(provider: Provider) -> None:
    catalog = ModelCatalog(offline=NobodysEditor(), openai_base_url=provider.url)

    async def write() -> str:
        try:
            return (await catalog.get(MODEL).write(task_of())).text
        finally:
            await catalog.aclose()

    assert asyncio.run(write()) == asyncio.run(write())


async def test_any_chat_model_can_be_wrapped_also_one_that_reports_nothing(open_catalog: Open) -> None:
    heard: list[str] = []
    chat = GenericFakeChatModel(messages=iter([AIMessage("two words")]))
    written = await open_catalog().wrap(chat).write(task_of(), heard.append)
    assert heard == ["two", " ", "words"]
    assert (written.text, written.model, written.usage) == ("two words", "GenericFakeChatModel", {})


async def test_a_wrapped_models_own_sampling_is_recorded_when_the_call_leaves_it(
    provider: Provider, open_catalog: Open
) -> None:
    chat = ChatOpenAI(model=MODEL, api_key=lambda: KEY, base_url=provider.url, temperature=0.9)
    written = await open_catalog().wrap(chat).write(task_of())
    assert written.meta["sampling"] == {"execution_mode": "server", "temperature": 0.9}
    assert provider.bodies[0]["temperature"] == 0.9
    await chat.root_async_client.close()


def test_the_sdk_is_imported_only_to_warm_up_or_to_write() -> None:
    code = """
import sys
heavy = lambda: sorted({"openai", "langchain_openai", "langchain_core", "httpx", "httpx2"} & set(sys.modules))
from companions import langchain_models, model_catalog
catalog = model_catalog.ModelCatalog(offline=None, default="openai:x", openai_api_key="k")
catalog.get()
print(heavy())
model_catalog.ModelCatalog(offline=None).warm()
print(heavy())
model_catalog.ModelCatalog(offline=None, further=["openai:x"], openai_api_key="k").warm()
print(heavy())
"""
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[:2] == ["[]", "[]"]
    assert "langchain_openai" in lines[2]
