"""What a store must do beside keeping sessions so that they can be sealed: it tells who wrote, replaces and remembers.

It seals nothing and holds no key: what is sealed, and with which key, is ``sealing``'s work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from companions.entries import Entry
from sessions.store import Store


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries of a session that one session wrote: itself, or one that it was forked from.

    Attributes:
        session_id: Who wrote them.
        base: They begin behind this ``seq``.
    """

    session_id: str
    base: int


def writer_at(stretches: Sequence[Stretch], seq: int) -> Stretch | None:
    """Find the stretch of an entry among those of a session, newest first."""
    return next((stretch for stretch in stretches if stretch.base < seq), None)


class SealableStore(Store, Protocol):
    """A store of which the texts can be sealed, and sealed again with another key."""

    async def lineage(self, session_id: str) -> list[Stretch]:
        """Tell who wrote what a living session reads, newest first; forgotten writers too. Empty for an unknown one.

        What a session was opened with never changes, so neither does this.
        """
        ...

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        """Put other texts and metas in the place of those of entries that a session wrote itself; gives how many.

        The session may be forgotten, if forks still read it. Entries are found by ``seq`` and ``id``; those that are
        not there are passed over. What was replaced until then, by a ``project`` too, is out of the store's own tables,
        streams and logs when it returns, as far as it would be after a ``tombstone``; with no entries, this is all that
        it sees to. Other processes may read and append meanwhile.
        """
        ...

    async def seals(self) -> dict[str, str]:
        """Read the proofs, by key id, of the keys that something in the store may be sealed with."""
        ...

    async def put_seal(self, key_id: str, proof: str) -> str:
        """Note that a key is used from now on, unless one of that id is; gives the proof that is noted."""
        ...

    async def drop_seal(self, key_id: str) -> None:
        """Forget that a key was used."""
        ...
