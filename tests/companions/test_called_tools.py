"""How calls of tools are read from the pieces of a reply, and which are too long to be read."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import model_validator

from companions.called_tools import MOST_ARGUMENTS, called
from companions.langchain_models import LangChainModel
from companions.models import Message, Task
from companions.tool_use import ToolUser
from tests.provider.looking_up import LookUp

PIECE = 20
TASK = Task(step="critique", messages=(Message("human", "Q?"),), query="Q?")


def piece(arguments: str, index: int = 0) -> AIMessageChunk:
    return AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name=None, args=arguments, index=index)])


class Rambling(BaseChatModel):
    """Calls a tool with arguments that hardly end, if it is offered one."""

    told: int = 0
    closed: bool = False

    @property
    def _llm_type(self) -> str:
        return "rambling"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, Any]:
        return self.bind(tools=tools, **kwargs)

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError

    async def _astream(self, *_: Any, tools: Sequence[Any] = (), **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        if not tools:
            yield ChatGenerationChunk(message=AIMessageChunk(content="Say more."))
            return
        try:
            while self.told < 3 * MOST_ARGUMENTS:
                self.told += PIECE
                yield ChatGenerationChunk(message=piece("x" * PIECE, self.told % 2))
        finally:
            self.closed = True


def test_arguments_in_many_pieces_are_put_together_once() -> None:
    sums: list[object] = []

    class Counted(AIMessageChunk):
        @model_validator(mode="after")
        def _count(self) -> "Counted":
            sums.append(self)
            return self

    given = {"words": "{sky} \\ \U0001f600" * 40}
    written = json.dumps(given)
    first = tool_call_chunk(name="look_up", args="", id="one", index=0)
    chunks: list[AIMessageChunk] = [Counted(content="I look.", tool_call_chunks=[first])]
    chunks += [piece(character) for character in written]
    sums.clear()
    (call,), turn = called(chunks)
    assert (call.name, call.id, call.arguments) == ("look_up", "one", given)
    assert len(sums) == 1
    assert isinstance(turn, AIMessageChunk)
    assert (turn.content, turn.tool_calls[0]["args"]) == ("I look.", given)


async def test_a_model_whose_arguments_hardly_end_is_cut_off_and_asked_without_tools() -> None:
    chat, looking = Rambling(), LookUp("It is blue.")
    user = ToolUser(model=LangChainModel(chat, name="rambling"))
    written = await user.write(replace(TASK, tools=(looking.tool,)))
    assert (written.text, looking.calls) == ("Say more.", [])
    assert "over 4,000 characters of arguments" in written.meta["without_tools"]
    assert (chat.told, chat.closed) == (MOST_ARGUMENTS + PIECE, True)
