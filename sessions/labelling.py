"""Labelling: a person gives a session a title, pins it, or takes the pin out again.

Each is a ``configure`` entry of the companion that was used last, which says once more what holds for that one: a label
so goes wherever the session's entries go. What entries say of labels is ``labels``'s work.
"""

import unicodedata
from typing import Any

from companions.companion import Companion
from companions.entries import Note
from companions.errors import ConflictError, InputError
from sessions.labels import MOST_PINNED
from sessions.projections import label_of
from sessions.session import Session
from sessions.sessions import Sessions

MOST_CHARACTERS = 200
TRIES = 3
"""How often it is tried while other processes make steps of the same companion."""
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, halves of characters, and what ends a line or a paragraph."""


async def set_title(sessions: Sessions, owner: str, session_id: str, title: str) -> None:
    """Give one of the owner's sessions a title, which from then on stands in the place of its first query's beginning.

    Args:
        sessions: Where it is.
        owner: Whose it is.
        session_id: The session.
        title: One line of 1 to 200 characters; white space around it is left out.

    Raises:
        InputError: It is no title, or nothing is in the session yet.
        SessionNotFoundError: There is no such session of the owner's.
        StoreError: The store failed; nothing changed.
    """
    title = title.strip()
    if not title:
        raise InputError("The title is empty.", "Give a title with words in it.")
    if len(title) > MOST_CHARACTERS:
        raise InputError(
            f"The title has {len(title):,} characters; the limit is {MOST_CHARACTERS}.", "Give a shorter one."
        )
    if any(unicodedata.category(letter) in _UNSEEN for letter in title):
        raise InputError("The title holds a line's end or another control character.", "Give it as one plain line.")
    await _label(sessions, await sessions.find(owner, session_id), title=title)


async def pin(sessions: Sessions, owner: str, session_id: str) -> None:
    """Keep one of the owner's sessions from being archived or deleted by retention, and list it before the others.

    Raises:
        InputError: Nothing is in the session yet, or ten are pinned already.
        SessionNotFoundError: There is no such session of the owner's.
        StoreError: The store failed; nothing changed.
    """
    session = await sessions.find(owner, session_id)
    heads = await sessions.list(owner, limit=MOST_PINNED + 1)
    others = [head for head in heads if head.pinned and head.opening.session_id != session_id]
    if len(others) >= MOST_PINNED:
        raise InputError(f"{MOST_PINNED} of your sessions are pinned already.", "Unpin one of them first.")
    await _label(sessions, session, pinned=True)


async def unpin(sessions: Sessions, owner: str, session_id: str) -> None:
    """Let one of the owner's sessions be listed and kept like any other, counted from now.

    Raises:
        InputError: Nothing is in the session yet.
        SessionNotFoundError: There is no such session of the owner's.
        StoreError: The store failed; nothing changed.
    """
    await _label(sessions, await sessions.find(owner, session_id), pinned=False)


async def _label(sessions: Sessions, session: Session, **said: Any) -> None:
    """Record what is said of a session, unless it says so already."""
    for tried in range(TRIES):
        known = None if not session.stored else (await sessions.head(session)).projection
        if known is None or session.last_type is None:
            raise InputError(f"Nothing is in session {session.session_id} yet.", "Have something written there first.")
        label = label_of(known)
        if all(getattr(label, name) == value for name, value in said.items()):
            return None
        try:
            return await _record(sessions, session, session.last_type, said)
        except ConflictError:
            if tried == TRIES - 1:
                raise
    return None


async def _record(sessions: Sessions, session: Session, companion_type: str, said: dict[str, Any]) -> None:
    awake = await session.wake(companion_type)
    async with awake.lock:
        await session.catch_up(awake)
        await sessions.writer.room(session.session_id)
        entries = await session.record(awake, [_note(awake.companion, said)])
        await sessions.project(session, awake.companion, entries)


def _note(companion: Companion, said: dict[str, Any]) -> Note:
    known, slot = companion.configuration, companion.slot
    if known is None:
        raise ValueError("the companion that a session used last has a configuration")
    return Note(
        companion_type=companion.companion_type,
        kind="configure",
        slot=0 if slot is None else slot.number,
        meta={**known.to_meta(), **said},
    )
