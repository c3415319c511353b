"""Tools between us and LangChain: how a chat model is offered them, and which it called in a reply.

It reads LangChain's values by what they carry and imports nothing of it. Carrying a call out is ``tool_use``'s work.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from companions.chats import Chat
from companions.errors import ToolsRefusedError
from companions.tool_calls import Tool, ToolCall

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

MOST_ARGUMENTS = 4_000
"""Characters of arguments in one reply; what is far longer is no call but a model that repeats itself."""
WITHOUT = "Ask it without tools, or choose another model."
REFUSING = frozenset({400, 404, 405, 415, 422, 501})
"""What providers answer where a model takes no tools, among other reasons: without tools those come up again."""


def offered(chat: Chat, tools: Sequence[Tool], *, model: str) -> dict[str, Any]:
    """Give the arguments of a call that offers tools, as the chat model's own integration makes them.

    Raises:
        ToolsRefusedError: It knows no tools, or LangChain knows that the model takes none.
    """
    if not tools:
        return {}
    if (chat.profile or {}).get("tool_calling") is False:
        raise refused(model)
    try:
        bound = chat.bind_tools([tool.offered() for tool in tools])
    except (NotImplementedError, ValueError) as error:
        raise refused(model) from error
    # Only its arguments: closing the stream of a binding would leave the model's own open.
    made: dict[str, Any] | None = getattr(bound, "kwargs", None)
    if not made:
        raise refused(model)
    return dict(made)


def refused(model: str, status: int | None = None) -> ToolsRefusedError:
    """Make the error for a model that cannot be asked with tools, or whose provider refused to with a status."""
    what = f"The model {model!r} takes no tools."
    if status is not None:
        what = f"The provider refused the request with tools to the model {model!r} (HTTP {status})."
    return ToolsRefusedError(what, WITHOUT, status=status)


def argued(chunk: "AIMessageChunk") -> int:
    """Count the characters of arguments in a piece of a reply."""
    return sum(len(call["args"] or "") for call in getattr(chunk, "tool_call_chunks", ()))


def called(chunks: "Sequence[AIMessageChunk]") -> tuple[tuple[ToolCall, ...], object]:
    """Read which tools a reply calls.

    Returns:
        The calls, and the reply as LangChain sends it back: what its provider signs or thinks beside them is in it.
    """
    if not chunks:
        return (), None
    whole = chunks[0] + list(chunks[1:])  # at once: each sum reads the arguments so far as JSON
    given: list[tuple[Any, Any]] = [(call, _sound(call["args"])) for call in whole.tool_calls]
    given += [(call, None) for call in whole.invalid_tool_calls]
    calls = tuple(
        ToolCall(id=call["id"] or f"call_{number}", name=call["name"] or "", arguments=arguments)
        for number, (call, arguments) in enumerate(given)
    )
    # Arguments that are no JSON are not repeated to the provider: some servers refuse a history that holds them.
    said = [
        {"type": "tool_call", "id": call.id, "name": call.name, "args": dict(call.arguments or {})} for call in calls
    ]
    turn = whole.model_copy(update={"tool_calls": said, "invalid_tool_calls": [], "tool_call_chunks": []})
    return calls, turn


def _sound(arguments: dict[str, Any]) -> Any:
    """Give arguments without halves of characters: no request that repeats those could be sent."""
    said = json.dumps(arguments, ensure_ascii=False, default=str)
    return json.loads(said.encode(errors="replace"))
