"""Sessions in this process's memory: the store of tests and of ``memory://``, gone when the process ends.

It keeps what it is given and looks nothing up elsewhere: no file, no thread, no lock. No method awaits anything, so
each is one undivided step of the event loop; that is all the isolation there is.
"""

import builtins
from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import islice

from companions.entries import Entry
from companions.errors import StoreError
from sessions.erasure_store import Reader, Wiped
from sessions.pattern_store import Share
from sessions.seal_store import Stretch
from sessions.store import Append, Committed, Conflict, Gone, Head, Opening, Outcome, Projection, Size, Window
from sessions.stores.memory.attachments import MemoryAttachments
from sessions.stores.memory.grants import MemoryGrants
from sessions.stores.memory.leases import MemoryLeases
from sessions.stores.memory.reading_forks import readers_of
from sessions.stores.memory.session import MemorySession
from sessions.stores.memory.shares import MemoryShares


class MemoryStore:
    """The ``Store`` protocol over dictionaries."""

    shared = False

    def __init__(self) -> None:
        # A forgotten session stays as None, so that its id is refused and never given out again.
        self._sessions: dict[str, MemorySession | None] = {}
        # Of forgotten forks, the parent and the base: their own forks still read what they shared.
        self._forks: dict[str, tuple[str, int]] = {}
        # Kept sorted, so that a listing costs what it shows and not what the owner has.
        self._ranks: dict[str, list[tuple[float, int, str]]] = {}
        self._leases = MemoryLeases()
        self.grants = MemoryGrants(self._head)
        self.attachments = MemoryAttachments(self._lineage)
        self._shares = MemoryShares()
        self._seals: dict[str, str] = {}
        self._closed = False

    async def load(self) -> None:
        """Nothing is to be imported."""

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits; see ``Store.append``. A fork is ``Gone`` with its parent, and a conflict past its head."""
        self._check()
        return [self._append(append) for append in appends]

    def _append(self, append: Append) -> Outcome:
        first = append.entries[0].seq
        session = self._sessions.get(append.session_id)
        if append.opening is not None and append.session_id not in self._sessions:
            return self._open(append, append.opening)
        if session is None:
            return Gone()
        if append.opening is not None or first != len(session.entries) + 1:
            return Conflict(len(session.entries))
        session.extend(append.entries)
        return Committed()

    def _open(self, append: Append, opening: Opening) -> Outcome:
        parent = self._sessions.get(opening.parent) if opening.parent is not None else None
        if parent is None and opening.parent is not None:
            return Gone()
        inherited = [] if parent is None else parent.entries[: opening.base]
        if len(inherited) < opening.base or append.entries[0].seq != opening.base + 1:
            return Conflict(len(inherited))
        lineage = (Stretch(append.session_id, opening.base), *(() if parent is None else parent.lineage))
        session = MemorySession(opening, len(self._sessions), inherited, lineage)
        session.extend(append.entries)
        self._sessions[append.session_id] = session
        insort(self._ranks.setdefault(opening.owner, []), session.rank)
        return Committed()

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs; see ``Store.tail``. Empty for an unknown session."""
        session = self._find(session_id)
        companion = session.companions.get(companion_type) if session is not None else None
        found = {entry.seq: entry for entry in companion.tail(window)} if companion is not None else {}
        return [found[seq] for seq in sorted(found)]

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
        """Read entries in order; see ``Store.page``. Empty for an unknown session."""
        session = self._find(session_id)
        if session is None:
            return []
        wanted = (
            entry
            for entry in islice(session.entries, after, None)
            if (companion_type is None or entry.companion_type == companion_type)
            and (slot is None or entry.slot == slot)
            and (not kinds or entry.kind in kinds)
        )
        return list(islice(wanted, limit))

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; see ``Store.head``."""
        return self._head(session_id)

    async def scan(self, *, after: str = "", limit: int = 100) -> list[Head]:
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        self._check()
        living = sorted(name for name, session in self._sessions.items() if session is not None and name > after)
        return [session.head for name in living[:limit] if (session := self._sessions[name]) is not None]

    async def size(self) -> Size:
        """Tell how large the store is; its bytes are those of the texts."""
        self._check()
        living = [session for session in self._sessions.values() if session is not None]
        # A fork holds its parent's entries themselves, which outlive the parent with it.
        kept = {id(entry): entry for session in living for entry in session.entries}
        texts = sum(len(entry.text.encode()) for entry in kept.values())
        return Size(sessions=len(living), entries=len(kept), bytes=texts)

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; see ``Store.project``."""
        self._check()
        for projection in projections:
            session = self._sessions.get(projection.session_id)
            older = session is None or (session.projection is not None and session.projection.seq > projection.seq)
            if session is not None and not older:
                self._unrank(session)
                session.projection = projection
                insort(self._ranks[session.opening.owner], session.rank)

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; see ``Store.lease``. Returns "" when nobody holds it."""
        self._check()
        return self._leases.take(name, holder, seconds)

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session; see ``Store.tombstone``. Its forks hold references of their own."""
        session = self._find(session_id)
        if session is None:
            return False
        self._unrank(session)
        self.grants.drop(session_id)
        self._sessions[session_id] = None
        if session.opening.parent is not None:
            self._forks[session_id] = (session.opening.parent, session.opening.base)
        self.attachments.drop(session.lineage, self._readers)
        return True

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who holds a session's entries; see ``ErasureStore.readers``."""
        return self._readers(session_id)

    async def wipe(self, owner: str | None = None) -> Wiped:  # noqa: ARG002 (the protocol's)
        """Nothing is to be done: memory is no file; see ``ErasureStore.wipe``."""
        self._check()
        return Wiped()

    async def shares(self, companion_type: str | None = None) -> list[Share]:
        """Read what was learned; see ``PatternStore.shares``."""
        self._check()
        return self._shares.all(companion_type)

    async def put_share(self, share: Share) -> bool:
        """Store a share that follows on what is there; see ``PatternStore.put_share``."""
        self._check()
        return self._shares.put(share)

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        self._check()
        return self._shares.fold(before, after)

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned; see ``PatternStore.drop_shares``."""
        self._check()
        return self._shares.drop(companion_type)

    async def lineage(self, session_id: str) -> builtins.list[Stretch]:
        """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
        return [*self._lineage(session_id)]

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        """Put other texts in the place of a session's own; see ``SealableStore.rewrite``."""
        self._check()
        # A fork holds its parent's entries themselves, so that each is replaced wherever it is read.
        living = [session for session in self._sessions.values() if session is not None]
        return max((session.rewrite(session_id, entries) for session in living), default=0)

    async def seals(self) -> dict[str, str]:
        """Read the proofs of keys; see ``SealableStore.seals``."""
        self._check()
        return dict(self._seals)

    async def put_seal(self, key_id: str, proof: str) -> str:
        """Note that a key is used; see ``SealableStore.put_seal``."""
        self._check()
        return self._seals.setdefault(key_id, proof)

    async def drop_seal(self, key_id: str) -> None:
        """Forget that a key was used; see ``SealableStore.drop_seal``."""
        self._check()
        self._seals.pop(key_id, None)

    async def close(self) -> None:
        """Let everything go; afterwards every call but this one is refused."""
        self._closed = True
        for kept in (self._sessions, self._forks, self._ranks, self._leases, self.attachments):
            kept.clear()
        self._shares.drop(None)

    def _find(self, session_id: str) -> MemorySession | None:
        self._check()
        return self._sessions.get(session_id)

    def _head(self, session_id: str) -> Head | None:
        session = self._find(session_id)
        return None if session is None else session.head

    def _readers(self, session_id: str) -> Sequence[Reader]:
        self._check()
        return readers_of(session_id, self._sessions, self._forks)

    def _lineage(self, session_id: str) -> Sequence[Stretch]:
        session = self._find(session_id)
        return () if session is None else session.lineage

    def _unrank(self, session: MemorySession) -> None:
        ranks = self._ranks[session.opening.owner]
        del ranks[bisect_left(ranks, session.rank)]

    def _check(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.", "Start the server again to open it.")

    # Last, since its name would hide the type's from the annotations above.
    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions; see ``Store.list``. Sessions without a projection count as used when minted."""
        self._check()
        sought = (search or "").casefold()
        theirs = (self._sessions[session_id] for _, _, session_id in reversed(self._ranks.get(owner, [])))
        shown = (session.head for session in theirs if session is not None and session.shows(sought))
        return [*islice(shown, offset, offset + limit)]
