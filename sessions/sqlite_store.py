"""Sessions in one SQLite file: the embedded default, which several processes may share.

It commits what it is handed and waits on nothing for longer than its deadline. When to write is the writer's work, how
the file is laid out ``sqlite_schema``'s, and how sessions are read back ``sqlite_reads``'s.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from companions.entries import Entry
from companions.errors import StoreError
from sessions import sqlite_reads
from sessions.sqlite_reads import LAST, SEQ_BITS, State
from sessions.sqlite_schema import Lane, transaction
from sessions.store import Append, Committed, Conflict, Gone, Head, Opening, Outcome, Projection, Window

DEADLINE = 2.0
"""Seconds that a call waits for its answer; three quarters of them for another process's lock."""

OPEN = """INSERT INTO sessions (id, owner, created_at, parent, base, last_used, folded)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
ADD = """INSERT INTO entries (key, id, companion_type, kind, slot, idx, author, at, meta, text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
PROJECT = """UPDATE sessions SET projected = ?, title = ?, last_used = ?, preview = ?, companions = ?, folded = ?
    WHERE id = ? AND owner IS NOT NULL AND coalesce(projected, 0) <= ?"""
MARK = """UPDATE sessions SET owner = NULL, projected = NULL, title = '', preview = '', companions = '{}', folded = ''
    WHERE no = ?"""
ERASE = "DELETE FROM entries WHERE key BETWEEN ? AND ?"
FORGOTTEN_PARENT = "SELECT p.no FROM sessions c JOIN sessions p ON p.no = c.parent WHERE c.no = ? AND p.owner IS NULL"
EXPIRE = "DELETE FROM leases WHERE until <= ? OR since > ?"
HOLDER = "SELECT holder FROM leases WHERE name = ?"
HOLD = "INSERT OR REPLACE INTO leases (name, holder, since, until) VALUES (?, ?, ?, ?)"

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
        self._writer = Lane(path, "companions-sqlite-writer", deadline)
        self._reader = Lane(path, "companions-sqlite-reader", deadline)

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits, in one transaction; see ``Store.append``.

        A fork is ``Gone`` with its parent, and a conflict past the parent's head.
        """
        return await self._writer.run(partial(_append, appends=appends))

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

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions; see ``Store.list``. Sessions without a projection count as used when minted."""
        return await self._read(lambda c: sqlite_reads.listing(c, owner, search or "", limit, offset))

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; see ``Store.project``."""
        await self._writer.run(partial(_project, projections=projections))

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; see ``Store.lease``. Returns "" when nobody holds it."""
        return await self._writer.run(partial(_lease, name=name, holder=holder, seconds=seconds))

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session from the file and its log; see ``Store.tombstone``."""
        return await self._writer.run(partial(_tombstone, path=self._path, session_id=session_id))

    async def close(self) -> None:
        """Close the connections, the last of which empties the log into the file, and end the threads."""
        try:
            await self._reader.close()
        finally:
            await self._writer.close()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def in_one_view(connection: sqlite3.Connection) -> T:
            with transaction(connection, "DEFERRED"):
                return work(connection)

        return await self._reader.run(in_one_view)


class _Batch:
    """The appends of one transaction, each compared with the head that the ones before it left."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._connection = connection
        self._states: dict[str, State | None] = {}

    def take(self, append: Append) -> Outcome:
        state = self._state(append.session_id)
        if state is None and append.opening is not None:
            return self._open(append, append.opening)
        if state is None or state.no is None or not state.living:
            return Gone()
        if append.opening is not None or append.entries[0].seq != state.seq + 1:
            return Conflict(state.seq)
        return self._add(state.no, append)

    def _open(self, append: Append, opening: Opening) -> Outcome:
        parent = State(no=None, seq=0) if opening.parent is None else self._state(opening.parent)
        if parent is None or not parent.living:
            return Gone()
        if parent.seq < opening.base or append.entries[0].seq != opening.base + 1:
            return Conflict(min(parent.seq, opening.base))
        minted = (append.session_id, opening.owner, opening.created_at, parent.no, opening.base)
        cursor = self._connection.execute(OPEN, (*minted, opening.created_at, append.session_id.casefold()))
        return self._add(cursor.lastrowid or 0, append)

    def _add(self, no: int, append: Append) -> Outcome:
        self.rows += [_row(no, entry) for entry in append.entries]
        self._states[append.session_id] = State(no=no, seq=append.entries[-1].seq)
        return Committed()

    def _state(self, session_id: str) -> State | None:
        if session_id not in self._states:
            self._states[session_id] = sqlite_reads.state(self._connection, session_id)
        return self._states[session_id]


def _row(no: int, entry: Entry) -> tuple[Any, ...]:
    key, meta = no << SEQ_BITS | entry.seq, json.dumps(dict(entry.meta))
    place = (entry.companion_type, entry.kind, entry.slot, entry.index)
    return (key, entry.id, *place, entry.author, entry.at, meta, entry.text)


def _append(connection: sqlite3.Connection, *, appends: Sequence[Append]) -> list[Outcome]:
    with transaction(connection, "IMMEDIATE"):
        batch = _Batch(connection)
        outcomes = [batch.take(append) for append in appends]
        connection.executemany(ADD, batch.rows)
    return outcomes


def _project(connection: sqlite3.Connection, *, projections: Sequence[Projection]) -> None:
    with _unflushed(connection), transaction(connection, "IMMEDIATE"):
        for shown in projections:
            folded = f"{shown.session_id}\n{shown.title}\n{shown.preview}".casefold()
            texts = (shown.title, shown.last_used, shown.preview, json.dumps(dict(shown.companions)), folded)
            connection.execute(PROJECT, (shown.seq, *texts, shown.session_id, shown.seq))


def _lease(connection: sqlite3.Connection, *, name: str, holder: str, seconds: float) -> str:
    # Every process of a machine reads the same monotonic clock. It begins anew when the machine does, so a lease that
    # was taken "later" than now is from before that and has ended.
    now = time.monotonic()
    with _unflushed(connection), transaction(connection, "IMMEDIATE"):
        connection.execute(EXPIRE, (now, now))
        held_by = connection.execute(HOLDER, (name,)).fetchone()
        if held_by not in (None, (holder,)):
            return str(held_by[0])
        connection.execute(HOLD, (name, holder, now, now + seconds))
        return holder if seconds > 0 else ""


def _tombstone(connection: sqlite3.Connection, *, path: Path, session_id: str) -> bool:
    with transaction(connection, "IMMEDIATE"):
        state = sqlite_reads.state(connection, session_id)
        if state is None or state.no is None:
            return False
        if state.living:
            connection.execute(MARK, (state.no,))
            _erase_unread(connection, state.no)
    _empty_log(connection, path)
    return state.living


def _erase_unread(connection: sqlite3.Connection, no: int) -> None:
    """Delete what no living fork reads any more, of a forgotten session and of the forgotten ones before it."""
    while no:
        kept = sqlite_reads.read_by_forks(connection, no)
        connection.execute(ERASE, ((no << SEQ_BITS) + kept + 1, no << SEQ_BITS | LAST))
        (no,) = connection.execute(FORGOTTEN_PARENT, (no,)).fetchone() or (0,)


def _empty_log(connection: sqlite3.Connection, path: Path) -> None:
    """Move what was written into the file and empty the log, so that deleted text stands in neither."""
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            f"The session is forgotten, but another program still reads its text in the log of {path}.",
            "Close that program; the log is emptied when a session is next forgotten, or when this program ends.",
        )


@contextmanager
def _unflushed(connection: sqlite3.Connection) -> Generator[None]:
    """Commit without waiting for the disk: a power cut may take projections and leases, and the next append none."""
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")
