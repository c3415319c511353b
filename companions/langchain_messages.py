"""LangChain's messages: a question read from them, and a companion's history told as them.

It reads and tells; what is done with a question is ``face``'s work. Texts are joined, never formatted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    convert_to_messages,
    get_buffer_string,
)
from langchain_core.prompt_values import PromptValue

from companions.companion import Slot
from companions.entries import Entry
from companions.errors import InputError

TAKEN = "a question as a str, a prompt's value, a list of messages, or a mapping with 'messages'"
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def question(given: object, answers: Collection[str]) -> str:
    """Read the question from whatever a runnable may be given.

    One message is taken word for word. Of several, what stands behind the companion's own last answer is the question:
    what was before that is in its history. If that still is several, they are set down in LangChain's own way, each
    behind its role, so that neither a system message nor another node's finding is lost.

    Args:
        given: The runnable's input.
        answers: What the companion has answered so far.

    Raises:
        TypeError: It is nothing that a question can be read from.
        InputError: The messages hold nothing that the companion has not answered.
    """
    if isinstance(given, str):
        return given
    messages = _new(_messages(given), answers)
    if not messages:
        raise InputError(
            "The messages hold nothing after this companion's own last answer.", "Add a message that asks something."
        )
    texts = [_text(message) for message in messages]
    return texts[0] if len(texts) == 1 else get_buffer_string(messages)


def history(slots: Iterable[Slot]) -> list[BaseMessage]:
    """Tell slots as messages: each query and the text that stands as its answer, if there is one."""
    told: list[BaseMessage] = []
    for slot in slots:
        told.append(HumanMessage(slot.query.text))
        if slot.current is not None:
            told.append(reply(slot.current))
    return told


def reply(entry: Entry) -> AIMessage:
    """Tell a text as the message of a model, with what the model said about it."""
    usage = entry.meta.get("usage", {})
    return AIMessage(
        entry.text,
        response_metadata=deepcopy(dict(entry.meta.get("response_metadata", {}))),
        usage_metadata={name: usage[name] for name in _COUNTS} if all(name in usage for name in _COUNTS) else None,
    )


def _messages(given: object) -> list[BaseMessage]:
    if isinstance(given, PromptValue):
        return given.to_messages()
    found = cast("Mapping[str, Any]", given).get("messages") if isinstance(given, Mapping) else given
    if isinstance(found, BaseMessage) or (isinstance(found, str) and found is not given):
        found = [found]
    if isinstance(found, Sequence) and not isinstance(found, str | bytes):
        try:
            return convert_to_messages(cast("Sequence[Any]", found))
        except (NotImplementedError, ValueError, TypeError) as error:
            raise TypeError(f"These are not LangChain's messages. A companion takes {TAKEN}.") from error
    what = "a mapping without 'messages'" if isinstance(given, Mapping) else f"{type(given).__name__!r}"
    raise TypeError(f"A companion cannot read a question from {what}. It takes {TAKEN}.")


def _new(messages: list[BaseMessage], answers: Collection[str]) -> list[BaseMessage]:
    own = [
        place
        for place, message in enumerate(messages)
        if isinstance(message, AIMessage) and str(message.text) in answers
    ]
    return messages[own[-1] + 1 :] if own else messages


def _text(message: BaseMessage) -> str:
    """Give a message's text; a picture in a question is refused rather than passed over."""
    blocks = [] if isinstance(message.content, str) else message.content
    kinds = [str(block.get("type")) for block in blocks if isinstance(block, dict)]
    other = [kind for kind in kinds if kind != "text"]
    if isinstance(message, HumanMessage) and other:
        raise TypeError(
            f"A companion reads text only, and this message holds {', '.join(other)}. Describe it in words."
        )
    return str(message.text)
