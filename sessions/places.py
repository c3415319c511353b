"""Where a session stands in the writer, and what is on its way there."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from companions.entries import Entry, Note
from companions.errors import StoreError
from sessions.keeping import Kept
from sessions.store import Append, Opening, Outcome

MAX_BATCH = 512
"""Most entries of one transaction: smaller costs throughput, larger only adds delay."""
MAX_CHARACTERS = 4_000_000
"""The same in characters of text: a slow line has to take them within a deadline."""

Receipt = asyncio.Future[Outcome | Kept]
Handed = tuple[tuple[Entry, ...], Receipt]
"""Entries that were handed over, and the receipt to wait on."""


@dataclass(slots=True)
class Place:
    """A session's place in the writer: it alone gives out the session's numbers, at hand-over.

    Attributes:
        head: The newest ``seq`` given out.
        opening: How the session was opened, until its first entries are stored.
        fenced: Set when an append was refused or failed: the head must be read again before the next hand-over.
        flying: Entries handed over whose receipts are not in yet.
        lost: Companion types that another process wrote to first, until the session has been read again.
        forgotten: Whether the session is being forgotten: nothing of it is stored any more.
        dropped: What was not stored for that reason, and may be kept elsewhere all the same.
    """

    session_id: str
    owner: str
    head: int = 0
    opening: Opening | None = None
    fenced: bool = False
    flying: int = 0
    lost: set[str] = field(default_factory=set[str])
    forgotten: bool = False
    dropped: list[Entry] = field(default_factory=list[Entry])


@dataclass(slots=True)
class Parcel:
    """Entries on their way, with the receipt that their step waits on.

    Attributes:
        origin: What a watcher knows their step by.
        outcome: What became of them; ``None`` while that is not known.
    """

    place: Place
    entries: tuple[Entry, ...]
    opening: Opening | None
    receipt: Receipt
    origin: object = None
    outcome: Outcome | Kept | StoreError | None = None

    @property
    def weight(self) -> int:
        """How many characters they hold."""
        return sum(len(entry.text) for entry in self.entries)


def joined(group: Sequence[Parcel]) -> Append:
    """Make one append of parcels of one place."""
    entries = tuple(entry for parcel in group for entry in parcel.entries)
    return Append(session_id=group[0].place.session_id, entries=entries, opening=group[0].opening)


def numbered(
    notes: Sequence[Note], place: Place, *, call: str, at: float, author: str | None = None
) -> tuple[Entry, ...]:
    """Make entries of notes, with the numbers that come next in their session; by default its owner's."""
    return tuple(
        Entry(
            companion_type=note.companion_type,
            kind=note.kind,
            slot=note.slot,
            index=note.index,
            text=note.text,
            meta=note.meta,
            seq=place.head + number,
            id=f"{call}-{number}",
            author=author or place.owner,
            at=at,
        )
        for number, note in enumerate(notes, start=1)
    )


def next_batch(queue: deque[Parcel]) -> list[Parcel]:
    """Take the parcels that are committed next, at least one if there is any."""
    taken: list[Parcel] = []
    room, characters = MAX_BATCH, MAX_CHARACTERS
    while queue and room > 0 and characters > 0:
        taken.append(queue.popleft())
        room -= len(taken[-1].entries)
        characters -= taken[-1].weight
    return taken
