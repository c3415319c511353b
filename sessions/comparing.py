"""Two texts side by side: two versions of a slot, or the answers of two sessions, such as a fork and its parent.

It reads and measures; which of two versions is better is ``picking``'s to say. The last comparison is kept for its
next page.
"""

import asyncio
import weakref
from dataclasses import dataclass
from typing import Any

from companions.companion import Companion, version_of
from companions.entries import Entry
from companions.errors import InputError, SessionNotFoundError
from companions.similarity import similarity
from companions.word_diff import laid_out, marked, word_diff
from sessions.session import Session
from sessions.sessions import Sessions
from sessions.slots import version_at

LONGEST_NUMBER = 6
"""Digits of a version's number; a session's id is longer."""


@dataclass(frozen=True, slots=True)
class Side:
    """A version, and where it stands."""

    session: Session
    entry: Entry

    def told(self) -> dict[str, Any]:
        """Name it."""
        return {
            "session_id": self.session.session_id,
            "companion_type": self.entry.companion_type,
            "slot": self.entry.slot,
            "version": version_of(self.entry),
        }


@dataclass(frozen=True, slots=True)
class Made:
    """A comparison.

    Attributes:
        sides: The session and the entry of both texts, which never change.
        similarity: How similar they are, 0 to 1.
        text: Both as one, with what was removed and added.
    """

    sides: tuple[str, str, str, str]
    similarity: float
    text: str


class LastComparison:
    """The comparison that was made last; it goes when one of its sessions leaves memory, as a forgotten one does."""

    def __init__(self) -> None:
        """Begin with none."""
        self.made: Made | None = None
        self._sessions: tuple[weakref.ref[Session], ...] = ()

    async def of(self, before: Side, after: Side) -> Made:
        """Compare two texts, unless it was done just now."""
        sides = (before.session.session_id, before.entry.id, after.session.session_id, after.entry.id)
        if self.made is not None and self.made.sides == sides:
            return self.made
        ours, theirs = before.entry.text, after.entry.text
        # In a thread: two texts of 200 kB take a while.
        pieces = await asyncio.to_thread(word_diff, ours, theirs)
        measured = await asyncio.to_thread(similarity, ours, theirs)
        made = Made(sides, measured, marked(pieces))
        self._sessions = tuple(weakref.ref(side.session, self._left) for side in (before, after))
        self.made = made
        return made

    def _left(self, session: "weakref.ref[Session]") -> None:
        if any(session is known for known in self._sessions):
            self.made, self._sessions = None, ()


async def comparison(
    sessions: Sessions,
    principal: str,
    session: Session,
    companion: Companion,
    *,
    with_: str | None,
    last: LastComparison,
) -> dict[str, Any]:
    """Compare a slot's answer with another text.

    Args:
        sessions: Where both are.
        principal: Who compares; both must be theirs, or shared with them.
        session: The session whose answer is the later text.
        companion: It, as it stands in the slot that is meant.
        with_: What it is compared with: a version of the same slot by number, or by its id another session of
            theirs, with that one's answer. ``None`` is a fork's parent while there is one, else the draft.
        last: The comparison before this one.

    Returns:
        ``before`` and ``after``, each with its session and version; their ``similarity``, 0 to 1; and ``text``: the
        later text with ``[-removed-]`` and ``{+added+}`` words, long unchanged runs only counted.

    Raises:
        InputError: There is no such text.
        SessionNotFoundError: There is no such session of theirs.
    """
    after = _answer(session, companion)
    before = await _other(sessions, principal, after, companion, with_)
    made = await last.of(before, after)
    return {"before": before.told(), "after": after.told(), "similarity": made.similarity, "text": made.text}


async def versions(session: Session, companion: Companion, before: int, after: int) -> dict[str, Any]:
    """Compare two versions of the slot that a companion stands in, of which neither needs to be its answer.

    Returns:
        ``before`` and ``after``, each with its session and version; their ``similarity``, 0 to 1; and ``pieces``: runs
        of the later text with their ``change`` (``same``, ``removed``, ``added``, or ``left out`` for lines that are
        only counted) and ``text``.

    Raises:
        InputError: There is no such version.
    """
    slot = 0 if companion.slot is None else companion.slot.number
    earlier, later = [await _version_in(session, companion, slot, number) for number in (before, after)]
    pieces = await asyncio.to_thread(word_diff, earlier.entry.text, later.entry.text)
    measured = await asyncio.to_thread(similarity, earlier.entry.text, later.entry.text)
    told = [{"change": change, "text": body + gap} for change, body, gap in laid_out(pieces)]
    return {"before": earlier.told(), "after": later.told(), "similarity": measured, "pieces": told}


async def _other(sessions: Sessions, principal: str, after: Side, companion: Companion, with_: str | None) -> Side:
    session = after.session
    if with_ is None:
        parent = await _parent(sessions, principal, session)
        if parent is None:
            return await _version(after, companion, 0)
        return _answer(parent, await parent.look(companion.companion_type))
    if with_.isdecimal() and len(with_) <= LONGEST_NUMBER:
        return await _version(after, companion, int(with_))
    other = await sessions.find(principal, with_, "read")
    return _answer(other, await other.look(companion.companion_type))


async def _parent(sessions: Sessions, principal: str, session: Session) -> Session | None:
    """Give a fork's parent; ``None`` where there is none, or none any more."""
    parent = session.opening.parent
    try:
        return None if parent is None else await sessions.find(principal, parent, "read")
    except SessionNotFoundError:
        return None


async def _version(after: Side, companion: Companion, version: int) -> Side:
    return await _version_in(after.session, companion, after.entry.slot, version)


async def _version_in(session: Session, companion: Companion, slot: int, version: int) -> Side:
    found = await version_at(session, companion, slot, version)
    if found is None:
        last = 0 if companion.slot is None else companion.slot.revisions
        raise InputError(
            f"Slot {slot} has no version {version}; its versions are 0 to {last}.",
            "show_thinking with part=timeline lists them.",
        )
    return Side(session, found)


def _answer(session: Session, companion: Companion) -> Side:
    slot = companion.slot
    found = None if slot is None else slot.answer
    if found is None:
        raise InputError(
            f"Session {session.session_id} has no text of {companion.companion_type[:64]!r} to compare there.",
            "Call show_thinking with part=timeline to see what it has.",
        )
    return Side(session, found)
