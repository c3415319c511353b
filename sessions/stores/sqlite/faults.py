"""What went wrong at the SQLite file, in words of ours; SQLite's own stay in the chain of causes.

Messages name the file and not its folder, since clients of others read them; the log names both. When to try again is
the caller's to decide: what may go through later is told from what would fail again, no more.
"""

import errno
import json
import logging
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from companions.errors import StoreAwayError, StoreError

log = logging.getLogger("companions.sqlite")


class DamageError(Exception):
    """What the file holds cannot be what was written."""


@contextmanager
def faults_of(path: Path) -> Generator[None]:
    """Turn SQLite's and the system's errors into ours.

    Raises:
        StoreAwayError: Another program holds the file; the same may go through later.
        StoreError: Anything else.
    """
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError, json.JSONDecodeError, DamageError) as error:
        fault = _fault(path, error)
        log.warning("%s It is %s.", fault.what, path)
        raise fault from error


def _fault(path: Path, error: Exception) -> StoreError:
    match error:
        case sqlite3.Error():
            return _sqlite_fault(path, error)
        case OSError():
            return _full(path) if error.errno == errno.ENOSPC else _unwritable(path)
        case UnicodeEncodeError():
            return StoreError("A text holds half a character, a lone surrogate.", "Send it as valid Unicode.")
        case _:
            return _damaged(path)


def _sqlite_fault(path: Path, error: sqlite3.Error) -> StoreError:
    # The low byte is the primary code; some of Python's own errors carry none.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return StoreAwayError(f"Another program keeps {path.name} locked.", "Close that program, or try again.")
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return _unwritable(path)
        case sqlite3.SQLITE_NOTADB:
            return foreign(path)
        case sqlite3.SQLITE_CORRUPT:
            return _damaged(path)
        case _:
            return _failed(path)


def foreign(path: Path) -> StoreError:
    """Word that a file is not ours."""
    return StoreError(f"The file {path.name} is not a store of this program.", "Name another with COMPANIONS_STORE.")


def late(path: Path, seconds: float) -> StoreError:
    """Word that a call was given up."""
    return StoreAwayError(
        f"The store {path.name} did not answer within {seconds:g} seconds.",
        "Try again; if it goes on, look for a slow disk or another program that holds the file.",
    )


def _damaged(path: Path) -> StoreError:
    return StoreError(f"The store {path.name} is damaged.", "Put back a copy of it, or name another store.")


def _failed(path: Path) -> StoreError:
    return StoreError(f"The store {path.name} failed.", "Check the disk that holds it, and try again.")


def _full(path: Path) -> StoreError:
    return StoreError(f"The disk that holds {path.name} is full.", "Free some space on it and try again.")


def _unwritable(path: Path) -> StoreError:
    return StoreError(
        f"The store {path.name} cannot be written.",
        "Let this user write the file and its folder, or name another with COMPANIONS_STORE.",
    )
