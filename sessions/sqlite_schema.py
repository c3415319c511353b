"""The SQLite file: how it is made, recognised, migrated, reached from an event loop, and spoken of when it fails.

It knows tables and versions, not sessions: what is written and what is read is the work of the modules beside it.
"""

import asyncio
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from companions.errors import StoreError, StoreVersionError

APPLICATION = 0x436D706E
"""Marks the file as ours, in SQLite's own header."""

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        # owner: NULL once forgotten, which also takes the row out of every listing.
        # companions: JSON; projected: the projection's seq, NULL before the first.
        # folded: id, title and preview in folded case, for searches.
        """CREATE TABLE sessions (
            no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT, created_at REAL NOT NULL,
            parent INTEGER, base INTEGER NOT NULL, last_used REAL NOT NULL, projected INTEGER,
            title TEXT NOT NULL DEFAULT '', preview TEXT NOT NULL DEFAULT '', companions TEXT NOT NULL DEFAULT '{}',
            folded TEXT NOT NULL)""",
        "CREATE INDEX sessions_by_use ON sessions (owner, last_used)",
        "CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL",
        # key: the session's no << 32 | seq, so that a session's entries lie together and its head is one seek away.
        # place orders a companion's entries of one kind as a run_log does; a configure is looked up by its age alone.
        # The text stands last: what filters a page is then read without the pages that long texts spill over to.
        """CREATE TABLE entries (
            key INTEGER PRIMARY KEY, id TEXT NOT NULL, companion_type TEXT NOT NULL, kind TEXT NOT NULL,
            slot INTEGER NOT NULL, idx INTEGER NOT NULL, author TEXT NOT NULL, at REAL NOT NULL,
            meta TEXT NOT NULL, text TEXT NOT NULL,
            session INTEGER GENERATED ALWAYS AS (key >> 32) VIRTUAL,
            place INTEGER GENERATED ALWAYS AS (CASE kind WHEN 'configure' THEN 0 ELSE slot << 32 | idx END) VIRTUAL)""",
        "CREATE INDEX entries_by_place ON entries (session, companion_type, kind, place)",
        "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL)",
    ),
)
"""Step n brings a file of version n to version n + 1; a released step is never edited."""

VERSION = len(_STEPS)

_creating = threading.Lock()
T = TypeVar("T")


def open_database(path: Path, *, seconds: float) -> sqlite3.Connection:
    """Open the file, making or migrating it if need be.

    Args:
        path: The file; its folder is made with mode 0700 and itself with 0600 if they are missing.
        seconds: How long to wait for another writer's lock.

    Raises:
        StoreVersionError: The file was written by a newer version; it is left as it is.
        StoreError: The file is not ours; it is left as it is.
    """
    _create(path)
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        # One view of all three marks: another process may be making the file at this moment.
        with transaction(connection, "DEFERRED"):
            version = _version(connection, path)
        _use_log(connection, seconds)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        if version < VERSION:
            _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make the file readable by its owner only; SQLite gives its mode to the files that it puts beside it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Closing a descriptor drops all of this process's locks on the file, so nobody here may open it in between.
    with _creating:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Read the schema's version; 0 for an empty file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application, version, tables) != (0, 0, 0):
        raise _foreign(path)
    if version > VERSION:
        raise StoreVersionError(
            f"The store {path} has schema version {version}, and this program knows versions up to {VERSION}.",
            "Update this program, or name another store with COMPANIONS_STORE.",
        )
    return version


def _use_log(connection: sqlite3.Connection, seconds: float) -> None:
    """Switch to WAL; while several processes try at once, SQLite refuses all but one without waiting."""
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection, "IMMEDIATE"):
        # Another process may have been first; only what is read inside the transaction counts.
        for step in _STEPS[_version(connection, path) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


class Lane:
    """One thread with one connection of its own, opened by the first call that needs it."""

    def __init__(self, path: Path, name: str, deadline: float) -> None:
        self._path = path
        self._deadline = deadline
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None
        self._used = False
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on the connection.

        Raises:
            StoreError: It failed, or took longer than the deadline; in that case it may still come about.
        """
        if self._closed:
            raise StoreError(f"The store {self._path} is closed.", "Start the server again to open it.")
        self._used = True
        return await self._wait(partial(self._work, work))

    async def close(self) -> None:
        """Close the connection behind the calls that still run, and end the thread."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._used:
                thread = await self._wait(self._end)
                self._pool.shutdown(wait=False)
                while thread.is_alive():  # noqa: ASYNC110 (joining it would block the event loop, idle as it is)
                    await asyncio.sleep(0)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except TimeoutError:
            raise StoreError(
                f"The store {self._path} did not answer within {self._deadline:g} seconds.",
                "Try again; if it goes on, look for a slow disk or another program that holds the file.",
            ) from None

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with faults_of(self._path):
            if self._connection is None:
                # A lock that is waited for less long than the answer leaves nothing to come about after it.
                self._connection = open_database(self._path, seconds=0.75 * self._deadline)
            return work(self._connection)

    def _end(self) -> threading.Thread:
        if self._connection is not None:
            with faults_of(self._path):
                self._connection.close()
        return threading.current_thread()


@contextmanager
def transaction(connection: sqlite3.Connection, mode: str) -> Generator[None]:
    """Commit what is done inside, or none of it; ``mode`` is DEFERRED for one view of many reads, else IMMEDIATE."""
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # After some faults SQLite has rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def faults_of(path: Path) -> Generator[None]:
    """Turn SQLite's and the system's errors into ours; the library's own words stay in the chain."""
    try:
        yield
    except sqlite3.Error as error:
        raise _sqlite_fault(path, error) from error
    except OSError as error:
        raise _full(path) if error.errno == errno.ENOSPC else _unwritable(path) from error
    except UnicodeEncodeError as error:
        raise StoreError("A text holds half a character, a lone surrogate.", "Send it as valid Unicode.") from error


def _sqlite_fault(path: Path, error: sqlite3.Error) -> StoreError:
    # The low byte is the primary code; some of Python's own errors carry none.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(f"Another program keeps {path} locked.", "Close that program, or try again.")
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return _unwritable(path)
        case sqlite3.SQLITE_NOTADB:
            return _foreign(path)
        case sqlite3.SQLITE_CORRUPT:
            return StoreError(f"The store {path} is damaged.", "Put back a copy of it, or name another store.")
        case _:
            return StoreError(f"The store {path} failed.", "Check the disk that holds it, and try again.")


def _foreign(path: Path) -> StoreError:
    return StoreError(f"The file {path} is not a store of this program.", "Name another with COMPANIONS_STORE.")


def _full(path: Path) -> StoreError:
    return StoreError(f"The disk that holds {path} is full.", "Free some space on it and try again.")


def _unwritable(path: Path) -> StoreError:
    return StoreError(
        f"The store {path} cannot be written.",
        "Let this user write the file and its folder, or name another with COMPANIONS_STORE.",
    )
