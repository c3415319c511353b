"""What a store must do: keep entries in order, and refuse the ones that come out of order.

A store decides nothing: who writes when is the writer's work, what an entry means is the companion's. Every method is
safe to call from several tasks at once. A store raises ``StoreError`` and its kinds only: ``StoreAwayError`` when it
cannot be reached or does not answer, so that the same call may go through later; any other kind when it would fail
again. What can be expected of a healthy store (a conflict, a session that is gone) is a value, not an exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from companions.entries import Entry
from sessions.attachment_store import AttachingStore
from sessions.erasure_store import ErasureStore
from sessions.grant_store import GrantStore
from sessions.labels import AHEAD
from sessions.pattern_store import PatternStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A session as it was minted; travels with the session's first append.

    Attributes:
        session_id: Minted by the server: letters, digits, ``_`` and ``-``.
        owner: The principal whose session it is.
        created_at: Seconds since the epoch.
        parent: The session that this one was forked from.
        base: The parent's newest ``seq`` that this fork reads; its own entries start at ``base + 1``. 0 without parent.
    """

    session_id: str
    owner: str
    created_at: float
    parent: str | None = None
    base: int = 0

    def __post_init__(self) -> None:
        """Refuse a fork without a base, and a base without a fork."""
        if (self.parent is None) != (self.base == 0):
            raise ValueError(f"a fork needs a parent and a base of at least 1, not {self.parent!r} and {self.base}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What listings show of a session: derived from its entries, refreshed now and then, never the truth.

    Attributes:
        session_id: Whose projection this is.
        seq: The session's newest entry that it was derived from; an older one than the head's is out of date.
        title: The one that was set, else the first query's beginning.
        last_used: Seconds since the epoch, as ``labels.listed_at`` gives them: a pinned session's lie far ahead, which
            is how it comes to be listed first.
        preview: The beginning of the newest answer.
        companions: By companion type, a few JSON values: phase, slot, iteration, stop reason.
    """

    session_id: str
    seq: int
    title: str
    last_used: float
    preview: str
    companions: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def pinned(self) -> bool:
        """Whether it stands first."""
        return self.last_used >= AHEAD

    @property
    def used_at(self) -> float:
        """When it was really used last, in seconds since the epoch."""
        return self.last_used - AHEAD if self.pinned else self.last_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A session's present state in the store: how it was opened, its newest ``seq``, its projection if it has one."""

    opening: Opening
    seq: int
    projection: Projection | None = None

    @property
    def pinned(self) -> bool:
        """Whether it is known to be pinned."""
        return self.projection is not None and self.projection.pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Consecutive entries of one session; all of them are stored, or none.

    Attributes:
        session_id: The session.
        entries: In order of ``seq``, without gaps, at least one.
        opening: Given with the entries that open the session; a session that exists already makes a conflict.
    """

    session_id: str
    entries: tuple[Entry, ...]
    opening: Opening | None = None

    def __post_init__(self) -> None:
        """Refuse an empty or gapped run: the store compares only its first number with the head."""
        numbers = [entry.seq for entry in self.entries]
        if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise ValueError(f"an append holds consecutive entries, not {numbers}")


@dataclass(frozen=True, slots=True)
class Committed:
    """The entries are stored, to the store's own standard of durability."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was stored: the session's head was another.

    Attributes:
        seq: The newest ``seq`` that the store holds.
    """

    seq: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing was stored: there is no such session, or it was forgotten."""


Outcome = Committed | Conflict | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a store is.

    Attributes:
        sessions: Living sessions of all owners.
        entries: Entries kept, those of forgotten sessions that a fork still reads included.
        bytes: What it takes on disk, or in memory where it has no disk, as far as the store itself can tell.
    """

    sessions: int
    entries: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How much of a companion a tail holds.

    Attributes:
        versions: Newest versions of the newest slot.
        exchanges: Earlier slots, newest first, each as its query and the text that stands as its answer.
    """

    versions: int
    exchanges: int


class Store(PatternStore, ErasureStore, AttachingStore, Protocol):
    """A place where sessions are kept, and beside them what was learned.

    Reads of a fork give the parent's entries up to the base, then its own, as if it were one session.
    """

    @property
    def shared(self) -> bool:
        """Whether another process can write to the same sessions."""
        ...

    @property
    def grants(self) -> GrantStore:
        """Whom sessions are shared with."""
        ...

    async def load(self) -> None:
        """Import what the other methods need, such as a driver: it takes longer than they may. Connects nowhere."""
        ...

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits, in one transaction where the store has them; one outcome per append, in order.

        An append fits when its first ``seq`` is the session's head plus one, compared in the same statement or
        transaction. Appends of different sessions do not affect each other's outcome.
        """
        ...

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs, in order of ``seq``, at a cost that does not grow with the session.

        That is: the newest ``configure``; of the newest slot the newest query, draft and critique, the newest entry
        of each of the ``window.versions`` newest revisions and of the version that the newest revision's
        ``meta["based_on"]`` names; of each of the ``window.exchanges`` slots before it the newest query and draft and
        the newest revision, with the version that this one's ``meta["based_on"]`` names when its ``meta["guard"]`` is
        set. Of what is said of the newest slot, the newest ``workflow`` and ``pick`` since its query. No other kinds.
        """
        ...

    async def page(
        self,
        session_id: str,
        *,
        after: int = 0,
        limit: int = 100,
        companion_type: str | None = None,
        slot: int | None = None,
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """Read entries with ``seq > after``, in order, at most ``limit``, of one companion, slot or kinds if given."""
        ...

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; ``None`` when it is unknown or forgotten. Cheap: called before each step."""
        ...

    async def scan(self, *, after: str = "", limit: int = 100) -> list[Head]:
        """Read all owners' sessions whose id is greater than ``after``, in order of id: what copies and prunes walk."""
        ...

    async def size(self) -> Size:
        """Tell how large the store is; it may count, and is never on the path of a step."""
        ...

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; passed over are those of unknown or forgotten sessions, and older ones than are kept."""
        ...

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take or renew a lease unless another holds it unexpired; gives who holds it now. 0 seconds gives it back."""
        ...

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session, leaving a textless mark that refuses late appends; ``False`` if there was none.

        Entries that a surviving fork reads stay readable to that fork.
        """
        ...

    async def close(self) -> None:
        """Let go of connections, files and threads; safe to call twice."""
        ...

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions, last used first; ``search`` is looked for in id, title, preview, ignoring case."""
        ...
