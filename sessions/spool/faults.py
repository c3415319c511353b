"""What went wrong at a spool, in words of ours; SQLite's and the system's own stay in the chain of causes.

Messages name the file and not its folder, since clients of others read them. Nothing is tried again here.
"""

import errno
import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from companions.errors import StoreAwayError, StoreError


def busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection holds the file."""
    return _code(error) == sqlite3.SQLITE_BUSY


@contextmanager
def faults(path: Path) -> Generator[None]:
    """Turn SQLite's and the system's errors into ours; their own words stay in the chain."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError, json.JSONDecodeError) as error:
        raise _fault(path, error) from error


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
    match _code(error):
        case sqlite3.SQLITE_BUSY:
            return StoreAwayError(f"Another program keeps the spool {path.name} locked.", "Close that program.")
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return _unwritable(path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(path)
        case _:
            return StoreError(f"The spool {path.name} failed.", "Check the disk that holds it, and try again.")


def late(path: Path, seconds: float) -> StoreError:
    """Word that a call was given up."""
    return StoreAwayError(
        f"The spool {path.name} did not answer within {seconds:g} seconds.",
        "Try again; if it goes on, look for a slow disk.",
    )


def _full(path: Path) -> StoreError:
    return StoreError(
        f"The disk that holds the spool {path.name} is full.",
        "Free some space on it, or make the store reachable again.",
    )


def _unwritable(path: Path) -> StoreError:
    return StoreError(
        f"The spool {path.name} cannot be written.",
        "Let this user write to its folder, or make the store reachable again.",
    )


def _damaged(path: Path) -> StoreError:
    return StoreError(f"The spool {path.name} is damaged.", "Move it to another folder and start the server again.")


def _code(error: sqlite3.Error) -> int:
    # The low byte is the primary code; some of Python's own errors carry none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
