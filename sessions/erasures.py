"""What an erasure came to: what was the owner's, what of it stays, and what its owner is told of that.

These are values; ``erasing`` erases, and finds them out.
"""

from dataclasses import dataclass, field

from sessions.erasure_store import Wiped
from sessions.store import Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A session of the owner's.

    Attributes:
        opening: How it was minted.
        entries: Its own entries in the store.
        spooled: Those that wait on this machine's disk.
    """

    opening: Opening
    entries: int
    spooled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Entries of an erased session that stay, since a living fork reads them.

    Attributes:
        session_id: The session that was erased.
        entries: Its first entries, so many of them, its own parent's included.
        fork: The oldest session that reads so many.
        own: Whether that one belongs to the same owner.
    """

    session_id: str
    entries: int
    fork: str
    own: bool

    @property
    def told(self) -> str:
        """What its owner is told of it, in a sentence that names no session of others."""
        count = "entry" if self.entries == 1 else f"{self.entries:,} entries"
        who = f"Fork {self.fork}" if self.own else "A fork of somebody else's"
        return f"{who} keeps its first {count}."


@dataclass(slots=True, kw_only=True)
class Erased:
    """What an erasure came to, or would come to.

    Attributes:
        sessions, entries, spooled: How many were erased; entries are those in the store.
        kept: What living forks of others still read.
        nobodys: Sessions of which entries wait on this machine's disk, and nothing tells whose they are; they stay.
        left: In how many sessions of others they took part; what they wrote there stays.
        wiped: What became of the store's own files; ``None`` if nothing was erased.
        elsewhere: What providers of models may still keep, a sentence each.
    """

    sessions: int = 0
    entries: int = 0
    spooled: int = 0
    kept: list[Kept] = field(default_factory=list[Kept])
    nobodys: tuple[str, ...] = ()
    left: int = 0
    wiped: Wiped | None = None
    elsewhere: tuple[str, ...] = ()

    def count(self, owned: Owned) -> None:
        """Count a session in."""
        self.sessions += 1
        self.entries += owned.entries
        self.spooled += owned.spooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What is left of a session that was forgotten.

    Attributes:
        kept: What a living fork still reads.
        left: What else may still hold pieces of it, a sentence each.
    """

    kept: Kept | None = None
    left: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What its owner is told."""
        return (*(() if self.kept is None else (self.kept.told,)), *self.left)
