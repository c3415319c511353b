"""What is attached to the queries of an open session: put into the store once its entry is there, and read back.

An entry names its attachments; their bytes go straight into the store, never into a spool. What a caller may attach is
``attaching``'s to say.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from companions.attachments import Attachment
from companions.entries import Entry
from companions.errors import InputError, StoreAwayError, StoreError
from sessions.attachment_store import Content
from sessions.session import Session, gone
from sessions.sessions import Sessions

PAGE = 200
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
    after = 0
    while page := await session.store.page(session_id, after=after, limit=PAGE, kinds=("query",)):
        for told in (told for query in page for told in _told(query)):
            if told["sha256"] == sha256:
                return await _read(session, told)
        after = page[-1].seq
    raise InputError(
        "This session has no such attachment.", "show_thinking with part=run_log names those of each query."
    )


async def _read(session: Session, told: Mapping[str, Any]) -> Attachment:
    name, digest = told["name"], told["sha256"]
    content = await session.store.attachments.get(session.session_id, (digest,))
    if content is None:
        raise InputError(
            f"The attachment {name!r} of this query was never stored.",
            "Call draft with the same query and its attachments again.",
        )
    if hashlib.sha256(content.data).hexdigest() != digest:
        raise StoreError(f"The attachment {name!r} was changed in the store.", "Restore it, or attach it again.")
    return Attachment(name=name, mime_type=told["mime_type"], data=content.data)


def _told(query: Entry) -> Sequence[Mapping[str, Any]]:
    return query.meta.get("attachments", ())
