"""Where a session stands in the writer, and what is on its way there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from companions.entries import Entry
from sessions.keeping import Kept
from sessions.store import Append, Opening, Outcome

Receipt = asyncio.Future[Outcome | Kept]


@dataclass(slots=True)
class Place:
    """A session's place in the writer: it alone gives out the session's numbers, at hand-over.

    Attributes:
        head: The newest ``seq`` given out.
        opening: How the session was opened, until its first entries are stored.
        fenced: Set when an append was refused or failed: the head must be read again before the next hand-over.
        flying: Entries handed over whose receipts are not in yet.
    """

    session_id: str
    owner: str
    head: int = 0
    opening: Opening | None = None
    fenced: bool = False
    flying: int = 0


@dataclass(slots=True)
class Parcel:
    """Entries on their way, with the receipt that their step waits on."""

    place: Place
    entries: tuple[Entry, ...]
    opening: Opening | None
    receipt: Receipt

    @property
    def weight(self) -> int:
        """How many characters they hold."""
        return sum(len(entry.text) for entry in self.entries)


def joined(group: Sequence[Parcel]) -> Append:
    """Make one append of parcels of one place."""
    entries = tuple(entry for parcel in group for entry in parcel.entries)
    return Append(session_id=group[0].place.session_id, entries=entries, opening=group[0].opening)
