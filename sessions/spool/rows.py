"""What stands in a spool's file: appends in the order of their hand-over, each a row, and the tally of them.

Every function runs on the thread of the connection that it is given, and inside its transaction if it writes. How the
file is made, held and taken over from a dead process is ``file``'s work.
"""

import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

from companions.entries import Entry
from companions.errors import UnopenedError
from sessions.sealing.spooled import SpoolSeal
from sessions.store import Append, Opening

log = logging.getLogger("companions.spool")

# entries, size: what the row counts for; at: when its first entry was handed over; opening: how the session was opened,
# in the row of its first entry. The long column stands last.
SCHEMA = (
    """CREATE TABLE appends (
        number INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, entries INTEGER NOT NULL, size INTEGER NOT NULL, at REAL NOT NULL,
        opening TEXT, body BLOB NOT NULL)""",
    "CREATE INDEX appends_by_session ON appends (session_id, last)",
)
_COLUMNS = "session_id, first, last, entries, size, at, opening, body"
_ADD = f"INSERT INTO appends ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (made of constants only)
_MOVE = f"INSERT INTO appends ({_COLUMNS}) SELECT {_COLUMNS} FROM orphan.appends ORDER BY number"  # noqa: S608 (as above)
_OLDEST = "SELECT number, entries, session_id, first, opening, body FROM appends ORDER BY number LIMIT ?"
_PAGE = "SELECT number, session_id, first, opening, body FROM appends WHERE number > ? ORDER BY number LIMIT ?"
_COUNTS = "SELECT number, session_id, entries, size FROM"
_NEWEST = "SELECT max(last) FROM appends WHERE session_id = ?"
_OPENING = "SELECT opening FROM appends WHERE session_id = ? AND opening IS NOT NULL ORDER BY last LIMIT 1"
_SINCE = "SELECT at FROM appends ORDER BY number LIMIT 1"

_ENTRY = tuple(each.name for each in fields(Entry))


class Counted(NamedTuple):
    """What a row counts for, under its number."""

    number: int
    session_id: str
    entries: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What waits, as of the last transaction.

    Attributes:
        entries: How many.
        bytes: Of their texts and metas.
        newest: By session, the newest ``seq`` that waits.
        oldest_at: When the first of them was handed over, in seconds since the epoch; ``None`` when nothing waits.
    """

    entries: int = 0
    bytes: int = 0
    newest: Mapping[str, int] = field(default_factory=dict[str, int])
    oldest_at: float | None = None


def put(connection: sqlite3.Connection, appends: Sequence[Append], seal: SpoolSeal) -> list[Counted]:
    """Add appends; returns what they count for."""
    return [_added(connection, append, seal) for append in appends]


def take(connection: sqlite3.Connection, limit: int, seal: SpoolSeal) -> list[tuple[int, Append]]:
    """Read the oldest appends with their numbers, of at most ``limit`` entries in all but at least one append.

    What does not open stays where it is, and with it all that follows on it.
    """
    taken, entries, closed = list[tuple[int, Append]](), 0, set[str]()
    with closing(connection.execute(_OLDEST, (max(limit, 1),))) as rows:
        for number, count, session_id, first, opened, body in rows:
            if session_id in closed:
                continue
            if taken and entries + count > limit:
                break
            try:
                entire = _append(session_id, opened, seal.open(body, session_id, first, opened))
            except UnopenedError as error:
                closed.add(session_id)
                log.error("entries in the spool stay where they are: %s", error)  # noqa: TRY400 (its trace says nothing)
            else:
                taken.append((number, entire))
                entries += count
    return taken


def unopened(connection: sqlite3.Connection, after: int, limit: int, seal: SpoolSeal) -> tuple[set[str], int | None]:
    """Look at a page of rows behind a number; gives sessions of which one does not open, and the last row's number."""
    closed, last = set[str](), None
    for number, session_id, first, opened, body in connection.execute(_PAGE, (after, limit)):
        last = number
        try:
            seal.open(body, session_id, first, opened)
        except UnopenedError:
            closed.add(session_id)
    return closed, last


def opening(connection: sqlite3.Connection, session_id: str) -> Opening | None:
    """Read with what a session was opened, if that waits here too: as it was put, unless somebody changed the file."""
    row = connection.execute(_OPENING, (session_id,)).fetchone()
    return None if row is None else _opening(row[0])


def drop(connection: sqlite3.Connection, numbers: Collection[int]) -> list[Counted]:
    """Delete appends by number; returns what those that were there counted for."""
    counted = list[Counted]()
    for number in numbers:
        counted += _counted(connection.execute(f"{_COUNTS} appends WHERE number = ?", (number,)))
        connection.execute("DELETE FROM appends WHERE number = ?", (number,))
    return counted


def forget(connection: sqlite3.Connection, session_id: str) -> list[Counted]:
    """Delete a session's appends; returns what they counted for."""
    counted = _counted(connection.execute(f"{_COUNTS} appends WHERE session_id = ?", (session_id,)))
    connection.execute("DELETE FROM appends WHERE session_id = ?", (session_id,))
    return counted


def move(connection: sqlite3.Connection) -> list[Counted]:
    """Move all appends of the attached file, in order and under new numbers; returns what they count for."""
    counted = _counted(connection.execute(f"{_COUNTS} orphan.appends"))
    if counted:
        connection.execute(_MOVE)
        connection.execute("DELETE FROM orphan.appends")
    return counted


def tallied(connection: sqlite3.Connection, before: Tally, changed: Sequence[Counted], *, by: int) -> Tally:
    """Count in what came, or with ``by`` -1 what went."""
    newest = dict(before.newest)
    for session_id in {row.session_id for row in changed}:
        (last,) = connection.execute(_NEWEST, (session_id,)).fetchone()
        if last is None:
            newest.pop(session_id, None)
        else:
            newest[session_id] = last
    (oldest_at,) = connection.execute(_SINCE).fetchone() or (None,)
    entries = before.entries + by * sum(row.entries for row in changed)
    size = before.bytes + by * sum(row.size for row in changed)
    return Tally(entries=entries, bytes=size, newest=newest, oldest_at=oldest_at)


def _added(connection: sqlite3.Connection, append: Append, seal: SpoolSeal) -> Counted:
    first, last = append.entries[0], append.entries[-1]
    # A text that is not valid Unicode is refused here: no store would take it later.
    size = sum(len(entry.text.encode()) + len(_json(dict(entry.meta))) for entry in append.entries)
    opened = None if append.opening is None else json.dumps(asdict(append.opening))
    count = len(append.entries)
    kept = seal.seal(_json([_fields(each) for each in append.entries]), append.session_id, first.seq, opened)
    row = (append.session_id, first.seq, last.seq, count, size, first.at, opened, kept)
    return Counted(connection.execute(_ADD, row).lastrowid or 0, append.session_id, count, size)


def _counted(rows: Iterable[tuple[Any, ...]]) -> list[Counted]:
    return [Counted(*row) for row in rows]


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _ENTRY} | {"meta": dict(entry.meta)}


def _json(value: Any) -> bytes:
    # A meta may hold half a character; stores escape it, so it passes.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _append(session_id: str, opened: str | None, body: bytes) -> Append:
    entries = tuple(Entry(**each) for each in json.loads(body.decode("utf-8", "surrogatepass")))
    return Append(session_id=session_id, entries=entries, opening=None if opened is None else _opening(opened))


def _opening(opened: str) -> Opening:
    return Opening(**json.loads(opened))
