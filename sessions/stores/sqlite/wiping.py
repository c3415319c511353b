"""Wiping an SQLite file: it is written anew, so that no page keeps pieces of what was deleted.

``secure_delete`` overwrites a row where it stands, but not the copies that were left when rows around it were moved to
other pages. It erases no session: that is ``writes``' work. Everything here runs on a thread.
"""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from companions.errors import StoreError
from sessions.erasure_store import MOMENT, Wiped
from sessions.stores.sqlite.faults import faults_of
from sessions.stores.sqlite.schema import open_database

SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
STEPS = 10_000
"""Of SQLite's machine, between two looks whether to go on."""
REWRITTEN = "The file was written anew, and its log emptied."
READ = "Another program or a backup reads the file: end it, and run this again, since its log holds what was erased."
COPIES = "Backups and other copies of the file, and what a disk keeps of deleted ones, are not in reach."


def wipe_small(connection: sqlite3.Connection, *, path: Path) -> Wiped:
    """Write the file anew if that takes a moment, on a connection that is in no transaction."""
    if connection.execute(SIZE).fetchone()[0] > MOMENT:
        return Wiped(
            left=(f"Unused parts of pages of {path.name} may hold pieces of it until `companions erase` is next run.",)
        )
    return _rewritten(connection)


def wipe(path: Path, stopped: threading.Event, *, seconds: float) -> Wiped:
    """Write the file anew, however large it is; other programs' steps wait for it, or go into their spools.

    Args:
        path: The file.
        stopped: Once set, it is given up, and the file stays as it was.
        seconds: How long to wait for another program's lock.

    Raises:
        StoreError: It failed; the file is as it was.
    """
    with faults_of(path), closing(open_database(path, seconds=seconds)) as connection:
        connection.set_progress_handler(stopped.is_set, STEPS)
        try:
            wiped = _rewritten(connection)
        except sqlite3.OperationalError:
            if stopped.is_set():
                raise StoreError("The erasure was given up.", "Run it again: what was erased stays erased.") from None
            raise
    return Wiped(done=wiped.done, left=(*wiped.left, COPIES))


def _rewritten(connection: sqlite3.Connection) -> Wiped:
    connection.execute("VACUUM")
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return Wiped(left=(READ,)) if busy else Wiped(done=(REWRITTEN,))
