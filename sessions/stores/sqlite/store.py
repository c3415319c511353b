"""Sessions in one SQLite file: the embedded default, which several processes may share.

It commits what it is handed and waits on nothing for longer than its deadline. When to write is the writer's work, how
the file is laid out ``schema``'s, and how sessions are written and read back that of the modules beside it.
"""

import asyncio
import builtins
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from companions.entries import Entry
from sessions.erasure_store import Reader, Wiped
from sessions.pattern_store import Share
from sessions.seal_store import Stretch
from sessions.store import Append, Head, Outcome, Projection, Size, Window
from sessions.stores.sqlite import backup as sqlite_backup
from sessions.stores.sqlite import reads as sqlite_reads
from sessions.stores.sqlite import sealing as sqlite_sealing
from sessions.stores.sqlite import shares as sqlite_shares
from sessions.stores.sqlite import wiping as sqlite_wiping
from sessions.stores.sqlite import writes as sqlite_writes
from sessions.stores.sqlite.attachments import SQLiteAttachments
from sessions.stores.sqlite.grants import SQLiteGrants
from sessions.stores.sqlite.lane import Lane
from sessions.stores.sqlite.schema import transaction
from sessions.stores.sqlite.writes import Places

DEADLINE = 2.0
"""Seconds that a call waits for its answer; three quarters of them for another process's lock."""

T = TypeVar("T")


class SQLiteStore:
    """The ``Store`` protocol over one SQLite file in WAL mode.

    One connection writes and another reads, each on a thread of its own: readers take no lock, and two tasks of one
    process never wait for each other's.
    """

    shared = True

    def __init__(self, path: Path, *, deadline: float = DEADLINE) -> None:
        """Name the file; nothing is opened before the first call.

        Args:
            path: The file, made with its folder if it is missing.
            deadline: Seconds after which a call gives up.
        """
        self._path = path
        self._deadline = deadline
        self._writer = Lane(path, "companions-sqlite-writer", deadline)
        self._counter = Lane(path, "companions-sqlite-counter", deadline)
        self._reader = Lane(path, "companions-sqlite-reader", deadline)
        self._places = Places()
        self.grants = SQLiteGrants(self._writer, self._reader)
        self.attachments = SQLiteAttachments(path, self._writer, self._reader)

    async def load(self) -> None:
        """Nothing is to be imported."""

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits, in one transaction; see ``Store.append``.

        A fork is ``Gone`` with its parent, and a conflict past the parent's head.
        """
        return await self._writer.run(partial(sqlite_writes.append, appends=appends, known=self._places))

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs; see ``Store.tail``. Empty for an unknown session."""
        return await self._read(lambda c: sqlite_reads.tail(c, session_id, companion_type, window))

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
        return await self._read(
            lambda c: sqlite_reads.page(
                c, session_id, after=after, limit=limit, companion_type=companion_type, slot=slot, kinds=kinds
            )
        )

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; see ``Store.head``."""
        # One statement needs no transaction to see one state, and every step asks this.
        return await self._reader.run(lambda c: sqlite_reads.head(c, session_id))

    async def scan(self, *, after: str = "", limit: int = 100) -> list[Head]:
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        return await self._read(lambda c: sqlite_reads.scan(c, after, limit), self._counter)

    async def size(self) -> Size:
        """Tell how large the store is; its bytes are those of the file and of its log."""
        return await self._read(lambda c: sqlite_reads.size(c, self._path), self._counter)

    async def schema(self) -> int:
        """Read the version of the file's layout; see ``VersionedStore.schema``."""
        return await self._reader.run(lambda c: c.execute("PRAGMA user_version").fetchone()[0])

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; see ``Store.project``."""
        await self._writer.run(partial(sqlite_writes.project, projections=projections))

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; see ``Store.lease``. Returns "" when nobody holds it."""
        return await self._writer.run(partial(sqlite_writes.lease, name=name, holder=holder, seconds=seconds))

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session from the file and its log; see ``Store.tombstone``."""
        return await self._writer.run(
            partial(sqlite_writes.tombstone, path=self._path, session_id=session_id, known=self._places)
        )

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who reads entries of a session; see ``ErasureStore.readers``."""
        return await self._read(lambda c: sqlite_reads.readers(c, session_id), self._counter)

    async def wipe(self, owner: str | None = None) -> Wiped:
        """Write the file anew, without what deleted texts left in it; see ``ErasureStore.wipe``."""
        if owner is None:
            return await self._writer.run(partial(sqlite_wiping.wipe_small, path=self._path))
        await self._reader.run(lambda _: None)
        stopped = threading.Event()
        try:
            return await asyncio.to_thread(sqlite_wiping.wipe, self._path, stopped, seconds=self._deadline)
        finally:
            stopped.set()

    async def shares(self, companion_type: str | None = None) -> list[Share]:
        """Read what was learned; see ``PatternStore.shares``."""
        return await self._reader.run(lambda c: sqlite_shares.read(c, companion_type))

    async def put_share(self, share: Share) -> bool:
        """Store a share that follows on what is there; see ``PatternStore.put_share``."""
        return await self._writer.run(partial(sqlite_shares.put, share=share))

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        return await self._writer.run(partial(sqlite_shares.fold, before=before, after=after))

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned; see ``PatternStore.drop_shares``."""
        return await self._writer.run(partial(sqlite_shares.drop, companion_type=companion_type))

    async def lineage(self, session_id: str) -> builtins.list[Stretch]:
        """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
        return await self._read(lambda c: sqlite_sealing.lineage(c, session_id))

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        """Put other texts in the place of a session's own; see ``SealableStore.rewrite``."""
        return await self._writer.run(
            partial(sqlite_sealing.rewrite, path=self._path, session_id=session_id, entries=entries)
        )

    async def seals(self) -> dict[str, str]:
        """Read the proofs of keys; see ``SealableStore.seals``."""
        return await self._reader.run(sqlite_sealing.seals)

    async def put_seal(self, key_id: str, proof: str) -> str:
        """Note that a key is used; see ``SealableStore.put_seal``."""
        return await self._writer.run(partial(sqlite_sealing.put_seal, key_id=key_id, proof=proof))

    async def drop_seal(self, key_id: str) -> None:
        """Forget that a key was used; see ``SealableStore.drop_seal``."""
        await self._writer.run(partial(sqlite_sealing.drop_seal, key_id=key_id))

    async def backup(self, target: Path) -> None:
        """Copy the file as it is at this moment, while everything goes on; a large one takes its time.

        Args:
            target: A file that does not exist, in a folder that does; it appears once it is whole, with mode 0600.

        Raises:
            StoreError: The target is there already or cannot be written, or the copy failed.
        """
        # What cannot be opened, or is closed, is told here as by every other call.
        await self._reader.run(lambda _: None)
        stopped = threading.Event()
        try:
            await asyncio.to_thread(sqlite_backup.copy, self._path, target, stopped, seconds=self._deadline)
        finally:
            stopped.set()

    async def close(self) -> None:
        """Close the connections, the last of which empties the log into the file, and end the threads."""
        try:
            await asyncio.gather(self._reader.close(), self._counter.close())
        finally:
            await self._writer.close()

    # Last, since its name would hide the type's from the annotations above.
    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions; see ``Store.list``. Sessions without a projection count as used when minted."""
        # A search looks at every session of its owner: steps do not wait for it.
        lane = self._counter if search else self._reader
        return await self._read(lambda c: sqlite_reads.listing(c, owner, search or "", limit, offset), lane)

    async def _read(self, work: Callable[[sqlite3.Connection], T], lane: Lane | None = None) -> T:
        def in_one_view(connection: sqlite3.Connection) -> T:
            with transaction(connection, "DEFERRED"):
                return work(connection)

        return await (lane or self._reader).run(in_one_view)
