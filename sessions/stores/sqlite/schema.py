"""The SQLite file: its tables, how it is made and recognised, and how an older one is brought forward.

It knows tables and versions, not sessions: what is written and what is read is the work of the modules beside it.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from companions.errors import StoreVersionError
from sessions.stores.sqlite.faults import foreign

APPLICATION = 0x436D706E
"""Marks the file as ours, in SQLite's own header."""

CACHE = 8_000
"""Kilobytes of pages that a connection keeps at most: enough to read a long page of entries twice."""

Step = tuple[str, ...]
STEPS: tuple[Step, ...] = (
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
        # no: in the order of writing, so that what a transaction adds lies together and fills whole pages; laid out by
        # session, each row would rewrite a page of its own. mark: see ``trails``, instead of further indexes.
        # The text stands last: what filters a page is then read without the pages that long texts spill over to.
        """CREATE TABLE entries (
            no INTEGER PRIMARY KEY, session INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
            companion_type TEXT NOT NULL, kind TEXT NOT NULL, slot INTEGER NOT NULL, idx INTEGER NOT NULL,
            author TEXT NOT NULL, at REAL NOT NULL, mark TEXT NOT NULL, meta TEXT NOT NULL, text TEXT NOT NULL,
            UNIQUE (session, seq))""",
        "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL)",
    ),
    (
        # name, companion_type, body: see ``share_texts``.
        """CREATE TABLE shares (
            name TEXT PRIMARY KEY, companion_type TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL)""",
    ),
    (
        # Keys that something may be sealed with; proof: tells a key from another of its id.
        "CREATE TABLE seals (key_id TEXT PRIMARY KEY, proof TEXT NOT NULL)",
    ),
    (
        # Whom sessions are shared with, and who is invited; session: the row of one that lives.
        """CREATE TABLE participants (
            session INTEGER NOT NULL, principal TEXT NOT NULL, role TEXT NOT NULL, since REAL NOT NULL,
            PRIMARY KEY (session, principal)) WITHOUT ROWID""",
        "CREATE INDEX participants_by_principal ON participants (principal)",
        """CREATE TABLE invitations (
            session INTEGER NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, secret TEXT NOT NULL, person TEXT,
            invited_at REAL NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (session, name)) WITHOUT ROWID""",
    ),
    (
        # What is attached to queries; session: the row of who keeps it; seq: of the entry that names it.
        """CREATE TABLE attachments (
            no INTEGER PRIMARY KEY, session INTEGER NOT NULL, address TEXT NOT NULL, seq INTEGER NOT NULL,
            data BLOB NOT NULL, UNIQUE (session, address))""",
    ),
)
"""Step n brings a file of version n to version n + 1; a released step is never edited."""

VERSION = len(STEPS)

_creating = threading.Lock()


def open_database(path: Path, *, seconds: float, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """Open the file, making or migrating it if need be.

    Args:
        path: The file; its folder is made with mode 0700 and itself with 0600 if they are missing.
        seconds: How long to wait for another writer's lock.
        steps: What brings a file from each version to the next.

    Raises:
        StoreVersionError: The file was written by a newer version; it is left as it is.
        StoreError: The file is not ours; it is left as it is.
    """
    _create(path)
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        # One view of all three marks: another process may be making the file at this moment.
        with transaction(connection, "DEFERRED"):
            version = _version(connection, path, len(steps))
        _use_log(connection, seconds)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE}")
        if version < len(steps):
            _migrate(connection, path, steps)
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


def _version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    """Read the schema's version, which must be one that is known; 0 for an empty file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application, version, tables) != (0, 0, 0):
        raise foreign(path)
    if version > newest:
        raise StoreVersionError(
            f"The store {path.name} has schema version {version}, and this program knows versions up to {newest}.",
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


def _migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> None:
    with transaction(connection, "IMMEDIATE"):
        # Another process may have been first; only what is read inside the transaction counts.
        for step in steps[_version(connection, path, len(steps)) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")


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
def unflushed(connection: sqlite3.Connection) -> Generator[None]:
    """Commit without waiting for the disk: a power cut may take what is done inside, and the next append none of it."""
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")
