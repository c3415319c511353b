"""LangChain's standard tests (langchain-tests), over the chat models through which each of our lines asks.

The loopback provider answers them; what is left out is named in ``LEFT_OUT``, with the reason. Lines open clients for
event loops alone, so that the tests that call without one are answered from a loop in another thread.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from companions.provider_line import Line
from companions.provider_lines import open_lines
from companions.providers import Account
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.provider.spoken import SPOKEN

pytest_plugins = ("tests.provider.fixtures",)

MADE = "it makes a chat model of its own, as nobody here does: lines make ours"
FETCHED = "it fetches a file from the internet; tests/provider/test_lines.py sends each provider a picture"
STRUCTURED = "no step asks for a structured answer"
RENAMED = "no call names another model than its chat model's; Google's and Ollama's cannot"
LEFT_OUT = {
    "test_no_overrides_DO_NOT_OVERRIDE": "it refuses what is left out",
    "test_init": MADE,
    "test_init_from_env": "nothing is taken from variables of the environment",
    "test_init_streaming": MADE,
    "test_init_time": MADE,
    "test_serdes": "chat models are not stored",
    "test_stream_time": "it times a recorded request to a real provider",
    "test_standard_params": MADE,
    "test_standard_params_model_override": RENAMED,
    "test_invoke_with_model_override": RENAMED,
    "test_ainvoke_with_model_override": RENAMED,
    "test_stream_with_model_override": RENAMED,
    "test_astream_with_model_override": RENAMED,
    "test_with_structured_output": STRUCTURED,
    "test_structured_output": STRUCTURED,
    "test_structured_output_async": STRUCTURED,
    "test_structured_output_optional_param": STRUCTURED,
    "test_structured_output_pydantic_2_v1": STRUCTURED,
    "test_json_mode": STRUCTURED,
    "test_audio_inputs": FETCHED,
    "test_image_inputs": FETCHED,
    "test_image_tool_message": FETCHED,
    "test_pdf_inputs": FETCHED,
    "test_pdf_tool_message": FETCHED,
    "test_anthropic_inputs": FETCHED,
}
MAGIC = replies.call("magic_function", '{"input": 3}')
CUSTOMERS = ("你好啊集团", "こんにちは株式会社")
ANSWERS = {
    "test_tool_calling": [MAGIC] * 2,
    "test_tool_calling_async": [MAGIC] * 2,
    "test_tool_choice": [MAGIC] * 2,
    "test_tool_calling_with_no_arguments": [replies.call("magic_function_no_args")] * 2,
    "test_bind_runnables_as_tools": [replies.call("greeting_generator", '{"answer_style": "pirate"}')],
    "test_agent_loop": [replies.call("get_weather", '{"location": "San Francisco, CA"}'), replies.text("Sunny.")],
    "test_unicode_tool_call_integration": [
        replies.call("unicode_customer", json.dumps({"customer_name": customer, "description": "new"}))
        for customer in CUSTOMERS
    ],
}
"""What the provider answers where its author's words will not do."""


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def lines(_served_provider: Provider, portal: BlockingPortal) -> Iterator[dict[str, Line]]:
    served = _served_provider
    opened = open_lines({name: Account(key=KEY, url=served.url if name == "openai" else served.root) for name in SPOKEN})
    yield opened
    for line in opened.values():
        portal.call(line.aclose)


@pytest.fixture(params=list(SPOKEN))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


class Asked:
    """The chat model that a line gives, for LangChain's tests to ask."""

    _chat: BaseChatModel

    @property
    def chat_model_class(self) -> Callable[..., BaseChatModel]:
        return lambda **given: _given(self._chat, given)

    @property
    def has_tool_calling(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return True

    @pytest.fixture
    async def model(
        self,
        request: pytest.FixtureRequest,
        provider: Provider,
        lines: dict[str, Line],
        portal: BlockingPortal,
        name: str,
        few_certificates: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[BaseChatModel]:
        monkeypatch.setattr(pytest, "skip", pytest.fail)  # what does not apply is left out above, and nothing else
        provider.queue(*ANSWERS.get(request.node.originalname, ()))
        model = SPOKEN[name].model.partition(":")[2]
        if inspect.iscoroutinefunction(request.function):
            self._chat = await lines[name].chat(model)
        else:
            opened = portal.start_task_soon(lines[name].chat, model)
            self._chat = _without_loop(await asyncio.wrap_future(opened), portal)
        yield _given(self._chat, getattr(request, "param", {}))
        await lines[name].aclose()


def _given(chat: BaseChatModel, given: dict[str, Any]) -> BaseChatModel:
    """Give the chat model with other parameters, by their names or aliases."""
    fields = type(chat).model_fields
    names = {field.alias: name for name, field in fields.items()} | {name: name for name in fields}
    return chat.model_copy(update={names[name]: value for name, value in given.items()})


def _without_loop(chat: BaseChatModel, portal: BlockingPortal) -> BaseChatModel:
    """Answer calls that are made without an event loop from the portal's."""

    def generate(messages: list[BaseMessage], stop: list[str] | None = None, **given: Any) -> ChatResult:
        return portal.call(lambda: chat._agenerate(messages, stop, **given))

    def stream(messages: list[BaseMessage], stop: list[str] | None = None, **given: Any) -> list[ChatGenerationChunk]:
        given.pop("run_manager", None)

        async def heard() -> list[ChatGenerationChunk]:
            return [chunk async for chunk in chat._astream(messages, stop, **given)]

        return portal.call(heard)

    object.__setattr__(chat, "_generate", generate)
    object.__setattr__(chat, "_stream", stream)
    return chat


def leaving_out(tests: type) -> type:
    for test in LEFT_OUT:
        setattr(tests, test, None)
    return tests


@leaving_out
class TestByItself(Asked, ChatModelUnitTests): ...


@leaving_out
class TestWithItsProvider(Asked, ChatModelIntegrationTests): ...


def test_what_is_left_out_is_a_standard_test() -> None:
    assert LEFT_OUT.keys() <= {*dir(ChatModelUnitTests), *dir(ChatModelIntegrationTests)}
