"""What an observer is: something that is told what becomes of sessions, after it is stored.

It is told and cannot answer: what it does, how long it takes and whether it fails is nothing to a call. Who tells it,
in which order and until when, is ``observing``'s work.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from companions.entries import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A session that something became of.

    Attributes:
        session_id: Its id.
        owner: The principal whose session it is.
        parent: The session that it was forked from.
        created_at: Seconds since the epoch.
        participants: With whom it was shared, of one that was erased.
    """

    session_id: str
    owner: str
    parent: str | None
    created_at: float
    participants: tuple[str, ...] = ()


@runtime_checkable
class Observer(Protocol):
    """Hears of the sessions that this process stores; each method is called for one event after the other."""

    async def on_created(self, session: Observed) -> None:
        """Hear that a session was opened, or forked from its parent; its first entries follow."""
        ...

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        """Hear of an entry that is in the store now; those of one session come in their order."""
        ...

    async def on_archived(self, session: Observed) -> None:
        """Hear that a session has been unused for so long that it is archived; using it brings it back unannounced."""
        ...

    async def on_deleted(self, session: Observed) -> None:
        """Hear that a session was erased."""
        ...
