"""Messages of ours as LangChain takes them: a text as it is, and beside attachments in LangChain's standard blocks.

It knows what models say of themselves that they take, and imports nothing of LangChain's.
"""

import asyncio
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from companions.attachments import Attachment, Kind
from companions.errors import ModelError
from companions.models import Message
from companions.providers import UNKNOWN, Provider

TAKEN_BY: Mapping[Kind, str] = {"image": "image_inputs", "pdf": "pdf_inputs"}
"""Under which name a model's profile tells whether it takes a kind."""
NAMES: Mapping[Kind, str] = {"image": "an image", "pdf": "a PDF"}


def spoken(message: Message) -> Any:
    """Give a message as LangChain takes it; attachments stand before the text that is about them."""
    if message.turn is not None:
        return message.turn
    if message.role == "tool":
        return {"role": "tool", "content": message.text, "tool_call_id": message.answers}
    said: object = message.text
    if message.attachments:
        said = [*map(_block, message.attachments), {"type": "text", "text": message.text}]
    return {"role": message.role, "content": said}


async def all_spoken(messages: Sequence[Message]) -> list[Any]:
    """Give messages as LangChain takes them; where files are among them, their bytes are written out on a thread."""
    if any(message.attachments for message in messages):
        return await asyncio.to_thread(lambda: [spoken(message) for message in messages])
    return [spoken(message) for message in messages]


def carried(messages: Iterable[Message]) -> str:
    """Name the kinds of what messages carry beside text, for errors; "" if nothing."""
    kinds = {each.kind for message in messages for each in message.attachments}
    return " and ".join(name for kind, name in NAMES.items() if kind in kinds)


def check_takes(
    profile: Mapping[str, Any] | None, messages: Sequence[Message], *, model: str, of: Provider = UNKNOWN
) -> None:
    """Refuse what a model is known not to take; of most models nothing is known.

    Args:
        profile: What LangChain knows of the model, if anything.
        messages: What it is to be sent.
        model: Its name, for the error.
        of: Whose model it is.

    Raises:
        ModelError: It takes no attachments of a kind that is among them.
    """
    for each in (each for message in messages for each in message.attachments):
        if (profile or {}).get(TAKEN_BY[each.kind]) is False or each.kind not in of.takes:
            raise ModelError(
                f"The model {model!r} does not take {NAMES[each.kind]}, and {each.name!r} is one.",
                "Choose a model that does with sampling.model, or ask again without it.",
            )


def _block(attachment: Attachment) -> dict[str, Any]:
    data = {"base64": b64encode(attachment.data).decode(), "mime_type": attachment.mime_type}
    if attachment.kind == "image":
        return {"type": "image", **data}
    return {"type": "file", **data, "extras": {"filename": attachment.name}}
