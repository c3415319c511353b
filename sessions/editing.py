"""Editing a companion's history: a query or an answer is corrected, an exchange is left out of what later drafts see.

Each is one entry, after which nothing stands where it did not: no phase changes, and what was written before stays to
be read. What such an entry says is ``companions.edits``'s, and who may work on a session is found out by ``finding``.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from companions.companion import Companion, Slot, version_of
from companions.edits import EDIT, Place
from companions.entries import Note
from companions.errors import ConflictError, InputError, StoreAwayError, UnknownNameError
from companions.requests import check_text
from sessions.awake import Awake
from sessions.calls import Calls
from sessions.corrections import as_corrected
from sessions.session import Session
from sessions.slots import companion_at
from sessions.titles import first_query, title_of

MOST = 500
"""Edited texts and slots of one companion: each of its ``configure`` entries leads to all of them."""
BUSY_SECONDS = 10.0
"""How long is waited for a step of the companion that is under way."""

Part = Literal["query", "answer", "left_out"]
PARTS: tuple[Part, ...] = ("query", "answer", "left_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to hold of a slot; ``None`` leaves a part as it is.

    Attributes:
        slot: Which, counted from 0.
        query, answer: The corrected text, of at most ``text_limit`` bytes of UTF-8.
        left_out: Whether later drafts are not shown the slot.
    """

    slot: int
    query: str | None = None
    answer: str | None = None
    left_out: bool | None = None
    text_limit: int = 200_000

    def __post_init__(self) -> None:
        """Refuse a wish for nothing, and texts that say nothing, are too long, or cannot be written down."""
        if self.query is None and self.answer is None and self.left_out is None:
            raise InputError("Nothing is to be edited.", "Give the corrected query or answer, or left_out.")
        check_text("query", self.query, self.text_limit)
        check_text("answer", self.answer, self.text_limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """How a slot stands after it was edited.

    Attributes:
        made: What was recorded; what held already was not.
        version: Of the answer.
        left_out: Whether later drafts are not shown it.
        seq: The companion's newest edit.
    """

    session_id: str
    companion_type: str
    slot: int
    made: tuple[Part, ...]
    version: int | None
    left_out: bool
    seq: int


async def edit(calls: Calls, principal: str, session_id: str, companion_type: str | None, wish: Wish) -> Edited:
    """Edit a slot of a session that is the principal's, or shared with them as author.

    Args:
        calls: Where sessions are.
        principal: Who edits: the author of what is recorded.
        session_id: The session.
        companion_type: ``None`` means the one that the session used last.
        wish: What is to hold.

    Raises:
        InputError: There is no such slot, or no answer in it, or too much is edited already.
        ConflictError: A step of the companion is under way, or came first in another process; what is wished does
            not hold.
        StoreError: The store failed; nothing more was recorded, unless the error says that it may wait for the store.
    """
    session, name = await calls.session(principal, session_id, companion_type)
    if (await session.look(name)).slot is None:
        raise UnknownNameError(
            f"This session has no companion {name[:64]!r}; it has: {', '.join(session.shown) or 'none yet'}.",
            "Name one of those.",
        )
    made: list[Part] = []
    async with _held(session, name) as awake:
        for part in PARTS:
            note = None if getattr(wish, part) is None else await _note(session, awake.companion, wish, part)
            if note is None:
                continue
            if part == "query":
                note = await _titled(calls, session, awake.companion, note)
            moved = await _record(calls, session, awake, note, principal)
            if moved and await _note(session, awake.companion, wish, part) is not None:
                raise _overtaken()
            made.append(part)
        slot, edits = await _slot(session, awake.companion, wish.slot), awake.companion.edits
    return Edited(
        session_id=session.session_id,
        companion_type=name,
        slot=wish.slot,
        made=tuple(made),
        version=None if slot.current is None else version_of(slot.current),
        left_out=wish.slot in edits.left_out,
        seq=edits.newest,
    )


@asynccontextmanager
async def _held(session: Session, companion_type: str) -> AsyncGenerator[Awake]:
    """Hold a companion as it stands in the store."""
    awake = await session.wake(companion_type)
    try:
        async with asyncio.timeout(BUSY_SECONDS):
            await awake.lock.acquire()
    except TimeoutError:
        raise ConflictError("A step of this companion is being written.", "Edit it when that is done.") from None
    try:
        if session.writer.early:
            await session.writer.landed(session.place)
        # The caller of a step that was answered and has lost since means a text that is not what stands.
        lost = companion_type in session.place.lost
        await session.catch_up(awake)
        if lost:
            raise _overtaken()
        if session.kept:
            raise StoreAwayError("The store is away, and this session waits for it.", "Edit it when the store is back.")
        yield awake
    finally:
        awake.lock.release()


async def _record(calls: Calls, session: Session, awake: Awake, note: Note, principal: str) -> bool:
    """Record an edit, and wait until it is stored; tells whether another process wrote to the session meanwhile."""
    sessions = calls.desk.sessions
    await sessions.writer.room(session.session_id)
    try:
        entries = await session.record(awake, [note], principal)
    except ConflictError:
        raise _overtaken() from None
    # Later entries lead to this one by its number, which it has once it is stored.
    await sessions.writer.landed(session.place)
    if moved := awake.fresh != session.foreign:
        await session.catch_up(awake)
        await sessions.count_again(session)
    else:
        await sessions.project(session, awake.companion, entries)
    if session.kept:
        raise StoreAwayError(
            "The store went away, and the edit may wait for it on this machine's disk.",
            "Look at the history when the store is back.",
        )
    return moved


def _overtaken() -> ConflictError:
    return ConflictError(
        "This companion went on in another process meanwhile.", "Look at its history, then edit it again."
    )


async def _note(session: Session, companion: Companion, wish: Wish, part: Part) -> Note | None:
    """Give what is to be recorded; ``None`` if it holds already."""
    slot, text = await _slot(session, companion, wish.slot), ""
    if part == "left_out":
        held, known = (wish.slot in companion.edits.left_out) == wish.left_out, not wish.left_out
        said: dict[str, Any] = {"slot": wish.slot, "left_out": wish.left_out}
    else:
        stands, text = slot.query if part == "query" else slot.current, getattr(wish, part)
        if stands is None:
            raise InputError(f"Slot {wish.slot} has no answer yet: its query waits.", "Call draft first.")
        version = None if part == "query" else version_of(stands)
        held, known = stands.text == text, Place(wish.slot, version) in companion.edits.corrected
        said = {"slot": wish.slot, "version": version}
    if held:
        return None
    if companion.edits.count >= MOST and not known:
        raise InputError(
            f"{MOST} texts and slots of this companion are edited already.", "Go on in a new session: call draft."
        )
    return _said(companion, text, said)


def _said(companion: Companion, text: str, said: dict[str, Any]) -> Note:
    if companion.configuration is None:
        raise ValueError("a companion that has a slot has a configuration")
    return Note(
        companion_type=companion.companion_type,
        kind="configure",
        slot=said["slot"],
        text=text,
        meta={**companion.configuration.to_meta(), EDIT: said},
    )


async def _titled(calls: Calls, session: Session, companion: Companion, note: Note) -> Note:
    """Have a session that goes by the query go by what it is corrected to; a title that a person set stays."""
    known, first = (
        (await calls.desk.sessions.head(session)).projection,
        await first_query(session.store, session.session_id),
    )
    if known is None or first is None or (first.companion_type, first.slot) != (note.companion_type, note.slot):
        return note
    [stands] = await as_corrected(session.store, session.session_id, companion.edits, [first])
    return (
        replace(note, meta={**note.meta, "title": title_of(note.text)})
        if known.title == title_of(stands.text)
        else note
    )


async def _slot(session: Session, companion: Companion, number: int) -> Slot:
    newest = companion.slot
    if newest is not None and newest.number == number:
        return newest
    found = (await companion_at(session, companion.companion_type, number)).slot
    if found is None or found.number != number:
        raise InputError(f"There is no slot {number}.", "Slots are counted from 0; the history tells which there are.")
    return found
