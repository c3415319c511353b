"""What a caller wants attached to a query: data sent along, or a resource of this server that the caller may read.

It takes and checks, and stores nothing. Nothing is ever fetched from elsewhere.
"""

import asyncio
import binascii
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from companions.attachments import MOST, Attachment, check_several, plain_type, too_large
from companions.errors import InputError
from sessions.attached import find
from sessions.reading import Part, Reading

Given = str | Mapping[str, Any]
"""A resource URI, or ``name``, ``mime_type`` and ``data`` in base64 or ``text``."""

_TEXTS = {"answer": "text", "transcript": "text", "latest_critique": "critique", "penultimate_revision": "revision"}
"""By part of a companion that can be attached, the key under which its text stands."""
_PART = re.compile(rf"resource://sessions/([A-Za-z0-9_-]{{1,64}})/([^/?#]{{1,64}})/({'|'.join(_TEXTS)})")
_FILE = re.compile(r"resource://sessions/([A-Za-z0-9_-]{1,64})/attachments/([0-9a-f]{64})")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}(?=:)")
_FIELDS = frozenset({"name", "mime_type", "data", "text"})
_SEND = 'Send the data itself: {"name", "mime_type", "data"} with the bytes in base64, or "text" instead of data.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Attaching:
    """Takes attachments for whoever asks.

    Attributes:
        limit: The most bytes of all attachments of a query together.
    """

    reading: Reading
    limit: int

    async def taken(self, principal: str, given: Sequence[Given]) -> tuple[Attachment, ...]:
        """Take what is to be attached to one query.

        Args:
            principal: Who asks: a session that is named must be theirs, or shared with them.
            given: What they gave, in order.

        Raises:
            InputError: It is too much, or something of it cannot be attached; nothing was stored.
            SessionNotFoundError: A session is named that is none of theirs.
        """
        if len(given) > MOST:
            raise InputError(
                f"There are {len(given)} attachments; a query takes {MOST}.", "Leave some out, or join them."
            )
        found: list[Attachment] = []
        room = self.limit
        for number, each in enumerate(given, start=1):
            uri = each if isinstance(each, str) else each.get("uri")
            made = await self._inline(number, each, room) if uri is None else await self._resource(principal, uri, room)
            found.append(made)
            check_several(found, self.limit)
            room -= len(made.data)
        return tuple(found)

    async def _inline(self, number: int, given: Given, room: int) -> Attachment:
        fields = {} if isinstance(given, str) else dict(given)
        if not all(isinstance(value, str) for value in fields.values()) or set(fields) - _FIELDS:
            raise InputError(f"Attachment {number} has fields that are not known, or are no text.", _SEND)
        if ("data" in fields) == ("text" in fields):
            raise InputError(f"Attachment {number} gives neither data nor text, or both.", _SEND)
        sent: str = fields.get("data", fields.get("text", ""))
        if len(sent) > 2 * room + 100:  # base64 takes a third more than its bytes; line ends may stand in it
            raise too_large(self.limit)
        name = fields.get("name") or f"attachment {number}"
        mime_type = plain_type(fields.get("mime_type") or ("text/plain" if "text" in fields else ""))
        return await asyncio.to_thread(_made, name, mime_type, sent, encoded="data" in fields)

    async def _resource(self, principal: str, uri: object, room: int) -> Attachment:
        named = uri if isinstance(uri, str) else ""
        if (file := _FILE.fullmatch(named)) is not None:
            return await find(self.reading.calls.desk.sessions, principal, *file.groups())
        if (part := _PART.fullmatch(named)) is not None:
            session_id, companion_type, name = part.groups()
            text = await self._text(principal, session_id, companion_type, cast("Part", name), room)
            return Attachment(name=f"{companion_type} {name}.md", mime_type="text/markdown", data=text.encode())
        scheme = _SCHEME.match(named)
        if scheme is not None and scheme[0].lower() != "resource":
            raise InputError(f"Nothing is fetched from elsewhere, and this is a {scheme[0]} address.", _SEND)
        raise InputError(
            "That is no resource that can be attached.",
            f"Name resource://sessions/SESSION_ID/COMPANION_TYPE/ and one of {', '.join(_TEXTS)}, or .../attachments/"
            "SHA256; or send the data itself.",
        )

    async def _text(self, principal: str, session_id: str, companion_type: str, part: Part, room: int) -> str:
        """Read all pages of a part, as far as there is room."""
        text, offset = "", 0
        while True:
            body = await self.reading.part(principal, session_id, companion_type, part, offset=offset)
            text += body[_TEXTS[part]]
            if body.get("more") is None:
                return text
            if len(text) > room:
                raise too_large(self.limit)
            offset = body["more"]["offset"]


def _made(name: str, mime_type: str, sent: str, *, encoded: bool) -> Attachment:
    try:
        data = b64decode("".join(sent.split()), validate=True) if encoded else sent.encode()
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise InputError(
            f"The attachment {name[:80]!r} is not {'base64' if encoded else 'valid Unicode'}.", _SEND
        ) from None
    return Attachment(name=name, mime_type=mime_type, data=data)
