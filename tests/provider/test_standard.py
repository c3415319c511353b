"""LangChain's standard tests (langchain-tests), over the chat models through which each of our lines asks.

The loopback provider answers them; what is left out is named in ``LEFT_OUT``, with the reason. Lines open clients for
event loops alone, so that the tests that call without one are answered from a loop in another thread.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, cast

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from langchain_tests.unit_tests.chat_models import ChatModelTests

from companions.provider_line import Line
from companions.provider_lines import open_lines
from companions.providers import Account
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.provider.spoken import SPOKEN

pytest_plugins = ("tests.provider.fixtures",)
pytestmark = pytest.mark.usefixtures("few_certificates", "nothing_is_skipped")

MADE = "it makes a chat model of its own, as nobody here does: lines make ours"
FETCHED = "it fetches a file from the internet; tests/provider/test_every_attachment.py sends each provider a picture"
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


@pytest.fixture
def nothing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a standard test would skip itself: what does not apply is left out by name."""
    monkeypatch.setattr(pytest, "skip", pytest.fail)


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def lines(_served_provider: Provider, portal: BlockingPortal) -> Iterator[dict[str, Line]]:
    served = _served_provider
    urls = {name: served.url if name == "openai" else served.root for name in SPOKEN}
    opened = open_lines({name: Account(key=KEY, url=url) for name, url in urls.items()})
    yield opened
    for line in opened.values():
        portal.call(line.aclose)


@pytest.fixture(params=list(SPOKEN))
async def chat(
    request: pytest.FixtureRequest, lines: dict[str, Line], portal: BlockingPortal
) -> AsyncIterator[BaseChatModel]:
    line, model = lines[request.param], SPOKEN[request.param].model.partition(":")[2]
    if inspect.iscoroutinefunction(request.function):
        yield await line.chat(model)
        await line.aclose()
    else:
        yield _without_loop(await asyncio.wrap_future(portal.start_task_soon(line.chat, model)), portal)


class Asked(ChatModelTests):
    """The chat model that a line gives, in place of one that the tests would make."""

    _chat: BaseChatModel

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return cast("type[BaseChatModel]", partial(_given, self._chat))  # it is only called

    @property
    def has_tool_calling(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return True

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest, chat: BaseChatModel, provider: Provider) -> BaseChatModel:
        provider.queue(*ANSWERS.get(request.node.originalname, ()))
        self._chat = chat
        return _given(chat, **getattr(request, "param", {}))


def _given(chat: BaseChatModel, **given: Any) -> BaseChatModel:
    """Give the chat model with other parameters, by their names or aliases."""
    fields = type(chat).model_fields
    names = {field.alias: name for name, field in fields.items()} | {name: name for name in fields}
    return chat.model_copy(update={names[name]: value for name, value in given.items()})


def _without_loop(chat: BaseChatModel, portal: BlockingPortal) -> BaseChatModel:
    """Answer calls that are made without an event loop from the portal's."""

    asked: Any = chat  # what a chat model answers with is protected

    def generate(messages: list[BaseMessage], stop: list[str] | None = None, **given: Any) -> ChatResult:
        return portal.call(partial(asked._agenerate, messages, stop, **given))

    async def heard(messages: list[BaseMessage], **given: Any) -> list[ChatGenerationChunk]:
        return [chunk async for chunk in asked._astream(messages, **given)]

    def stream(messages: list[BaseMessage], **given: Any) -> list[ChatGenerationChunk]:
        return portal.call(partial(heard, messages, **given | {"run_manager": None}))

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
