"""What is attached to the queries of an open session: put into the store once its entry is there, and read back.

An entry names its attachments; their bytes go straight into the store, never into a spool. What a caller may attach is
``attaching``'s to say.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from companions.attachments import Attachment
from companions.entries import Entry
from companions.errors import InputError, StoreAwayError, StoreError
from sessions.attachment_store import Content
from sessions.session import Session, gone
from sessions.sessions import Sessions

AWAY = "The store is away, and attachments cannot be kept for it meanwhile."
LATER = "Call again when it is back, or ask without attachments."


def check_room(session: Session, attachments: Sequence[Attachment]) -> None:
    """Refuse attachments that could not be kept now, before anything is stored.

    Raises:
        StoreAwayError: The store is away, or the session still waits to be brought into it.
    """
    if attachments and (session.kept or session.writer.keeper.away):
        raise StoreAwayError(AWAY, LATER)


async def keep(session: Session, query: Entry, attachments: Sequence[Attachment]) -> None:
    """Store the bytes of what a query names; what is stored already stays as it is.

    Raises:
        SessionNotFoundError: The session was forgotten meanwhile.
        StoreAwayError: The store went away behind the query; the same call puts them when it is back.
    """
    named = {told["sha256"] for told in _told(query)}
    contents = {each.sha256: Content(address=each.sha256, data=each.data) for each in attachments}
    wanted = [content for digest, content in contents.items() if digest in named]
    if not wanted:
        return
    await session.writer.landed(session.place)
    if session.kept:
        raise StoreAwayError(AWAY, LATER)
    if not await session.store.attachments.put(session.session_id, query.seq, wanted):
        raise gone(session.session_id)


async def attached(session: Session, query: Entry) -> tuple[Attachment, ...]:
    """Read what is attached to a query.

    Raises:
        InputError: It was never stored: the program ended, or the store went away, behind the query.
        StoreError: The store failed, or holds other bytes.
    """
    return tuple([await _read(session, told) for told in _told(query)])


async def find(sessions: Sessions, principal: str, session_id: str, sha256: str) -> Attachment:
    """Read an attachment of any query of a session, or of those that it was forked from.

    Raises:
        InputError: There is none of that digest.
        SessionNotFoundError: There is no such session of theirs, or shared with them.
        StoreError: The store failed, or holds other bytes.
    """
    session = await sessions.find(principal, session_id, "read")
    await session.writer.settled(session_id)
    if (content := await session.store.attachments.get(session_id, (sha256,))) is not None:
        for query in await session.store.page(session_id, after=content.seq - 1, limit=1):
            for told in _told(query):
                if told["sha256"] == sha256:
                    return await asyncio.to_thread(_made, told, content.data)
    raise InputError(
        "This session has no such attachment, or it was never stored.",
        "show_thinking with part=run_log names those of each query.",
    )


async def _read(session: Session, told: Mapping[str, Any]) -> Attachment:
    content = await session.store.attachments.get(session.session_id, (told["sha256"],))
    if content is None:
        raise InputError(
            f"The attachment {told['name']!r} of this query was never stored.",
            "Call draft with the same query and its attachments again.",
        )
    return await asyncio.to_thread(_made, told, content.data)


def _made(told: Mapping[str, Any], data: bytes) -> Attachment:
    with suppress(InputError):  # the bytes are not of the type any more
        made = Attachment(name=told["name"], mime_type=told["mime_type"], data=data)
        if made.sha256 == told["sha256"]:
            return made
    raise StoreError(f"The attachment {told['name']!r} was changed in the store.", "Restore it, or attach it again.")


def _told(query: Entry) -> Sequence[Mapping[str, Any]]:
    return query.meta.get("attachments", ())
