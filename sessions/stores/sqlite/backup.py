"""A copy of a SQLite file that is in use: one moment of it, taken while steps go on.

It copies pages and looks at none of them. It runs on the thread that calls it, with a connection of its own, and holds
up nobody: the log keeps the moment that it copies.
"""

import os
import secrets
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from companions.errors import StoreError
from sessions.stores.sqlite.faults import faults_of
from sessions.stores.sqlite.schema import open_database, transaction

PAGES = 256
"""How many are copied at a time; in between the copy can be stopped."""


def copy(path: Path, target: Path, stopped: threading.Event, *, seconds: float) -> None:
    """Copy a file; the target appears whole, readable by its owner only, or not at all.

    Args:
        path: The file in use.
        target: The copy; its folder exists, and it does not.
        stopped: Once set, the copy is given up.
        seconds: How long to wait for another program's lock.

    Raises:
        StoreError: The target is there already, cannot be written, or the copy failed or was stopped.
    """
    _refuse_to_replace(target)
    unfinished = _make(target)
    try:
        with faults_of(path), closing(open_database(path, seconds=seconds)) as source, faults_of(target):
            _copy_pages(source, unfinished, stopped)
        _refuse_to_replace(target)
        with faults_of(target):
            unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse_to_replace(target: Path) -> None:
    # The log of an earlier file of that name would be taken for the copy's own.
    for found in (target, target.with_name(f"{target.name}-wal")):
        if os.path.lexists(found):
            raise StoreError(f"There is a file {found.name} already.", "Name another for the copy, or move it away.")


def _make(target: Path) -> Path:
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"The copy {target.name} cannot be written.", "Name a file in a folder that this user can write."
        ) from error
    return unfinished


def _copy_pages(source: sqlite3.Connection, unfinished: Path, stopped: threading.Event) -> None:
    def go_on(_status: int, _remaining: int, _total: int) -> None:
        if stopped.is_set():
            raise StoreError("The copy was given up.", "Start it again.")

    with closing(sqlite3.connect(unfinished, isolation_level=None)) as copied:
        # A copy that fails is removed, so nothing need be kept to undo it.
        copied.execute("PRAGMA journal_mode = OFF")
        # Inside a transaction the source stays as it is at its first read; without one, each step that another
        # connection takes would begin the copy anew.
        with transaction(source, "DEFERRED"):
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copied, pages=PAGES, progress=go_on)
