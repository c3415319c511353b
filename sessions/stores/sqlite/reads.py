"""Reading sessions back from SQLite: heads, listings, pages and tails, each a handful of seeks by number.

It reads through forks and writes nothing. Every function expects to run inside one transaction, on the thread of the
connection that it is given.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from companions.entries import Entry
from sessions.erasure_store import Reader
from sessions.store import Head, Size, Window
from sessions.stores import trails
from sessions.stores.sqlite.faults import DamageError
from sessions.stores.sqlite.rows import COLUMNS, Row, entries_of, head_of, marked_of
from sessions.stores.trails import Marked

# Statements that are put together here are made of constants only.
_SEQ = "(SELECT max(seq) FROM entries WHERE session = s.no)"
_COLUMNS = f"""id, owner, created_at, (SELECT p.id FROM sessions AS p WHERE p.no = s.parent), base, {_SEQ},
    projected, title, last_used, preview, companions FROM sessions AS s"""  # noqa: S608
_HEAD = f"SELECT {_COLUMNS}"
HEADS = f"SELECT no, {_COLUMNS} WHERE owner IS NOT NULL"
"""Of all living sessions, to be chosen from by number."""
HEAD = f"{_HEAD} WHERE id = ? AND owner IS NOT NULL"
_NEWEST_FIRST = "ORDER BY last_used DESC, no DESC LIMIT ? OFFSET ?"
LISTING = f"{_HEAD} WHERE owner = ? {_NEWEST_FIRST}"
SEARCH = f"{_HEAD} WHERE owner = ? AND instr(folded, ?) > 0 {_NEWEST_FIRST}"
SCAN = f"{_HEAD} WHERE id > ? AND owner IS NOT NULL ORDER BY id LIMIT ?"
COUNT = """SELECT (SELECT count(*) FROM sessions WHERE owner IS NOT NULL), (SELECT count(*) FROM entries),
    page_count * page_size FROM pragma_page_count, pragma_page_size"""

STATE = f"SELECT no, owner IS NOT NULL, {_SEQ} FROM sessions AS s WHERE id = ?"  # noqa: S608
READERS = """WITH RECURSIVE forks (no, living, at) AS (
        SELECT c.no, c.owner IS NOT NULL, c.base FROM sessions AS s JOIN sessions AS c ON c.parent = s.no WHERE s.id = ?
        UNION ALL SELECT c.no, c.owner IS NOT NULL, min(c.base, f.at)
            FROM forks AS f JOIN sessions AS c ON c.parent = f.no WHERE NOT f.living)
    SELECT s.id, s.owner, s.created_at, f.at FROM forks AS f JOIN sessions AS s ON s.no = f.no WHERE f.living"""
CHILDREN = "SELECT no, owner IS NOT NULL, base FROM sessions WHERE parent = ?"
LIVING = "SELECT no, parent, base FROM sessions WHERE id = ? AND owner IS NOT NULL"
PARENT = "SELECT no, parent, base FROM sessions WHERE no = ?"

PAGE = f"SELECT {COLUMNS} FROM entries WHERE session = ? AND seq BETWEEN ? AND ?"  # noqa: S608
_MARKED = f"SELECT {COLUMNS}, mark FROM entries WHERE session = ?"  # noqa: S608
AT = f"{_MARKED} AND seq = ?"
NEWEST = f"{_MARKED} ORDER BY seq DESC LIMIT 1"

LAST = (1 << 63) - 1
"""Greater than any seq."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of one session's own entries that a session reads.

    Attributes:
        no: The session's row.
        base: Its own entries begin behind this seq.
        last: The greatest seq that is read; what the session wrote later is not the fork's.
    """

    no: int
    base: int
    last: int


@dataclass(frozen=True, slots=True)
class State:
    """What an append is compared with: the session's row, its newest seq, and whether it still lives."""

    no: int
    seq: int
    living: bool


def state(connection: sqlite3.Connection, session_id: str) -> State | None:
    """Read a session's state; ``None`` when there never was such a session."""
    row = connection.execute(STATE, (session_id,)).fetchone()
    return None if row is None else State(row[0], row[2] or 0, bool(row[1]))


def read_by_forks(connection: sqlite3.Connection, no: int) -> int:
    """Find the newest seq of a session that a living fork reads, or a living fork of a forgotten one; 0 for none."""
    newest, forgotten = 0, [(no, LAST)]
    while forgotten:
        parent, bound = forgotten.pop()
        for child, living, base in connection.execute(CHILDREN, (parent,)).fetchall():
            if living:
                newest = max(newest, min(base, bound))
            else:
                forgotten.append((child, min(base, bound)))
    return newest


def readers(connection: sqlite3.Connection, session_id: str) -> list[Reader]:
    """Read who reads entries of a session; see ``ErasureStore.readers``."""
    rows = connection.execute(READERS, (session_id,)).fetchall()
    found = [Reader(session_id=id_, owner=owner, created_at=created_at, at=at) for id_, owner, created_at, at in rows]
    return sorted(found, key=attrgetter("created_at", "session_id"))


def segments(connection: sqlite3.Connection, session_id: str) -> list[Segment]:
    """Find what a living session reads: its own entries, then its parent's up to the base, and so on; newest first."""
    found: list[Segment] = []
    last = LAST
    row = connection.execute(LIVING, (session_id,)).fetchone()
    while row is not None:
        no, parent, base = row
        found.append(Segment(no, base, last))
        last = min(last, base)
        row = connection.execute(PARENT, (parent,)).fetchone()
    return found


def head(connection: sqlite3.Connection, session_id: str) -> Head | None:
    """Read a session's head; see ``Store.head``."""
    row = connection.execute(HEAD, (session_id,)).fetchone()
    return None if row is None else head_of(row)


def listing(connection: sqlite3.Connection, owner: str, search: str, limit: int, offset: int) -> list[Head]:
    """Read an owner's sessions, last used first; all of them if ``search`` is empty."""
    if search:
        rows = connection.execute(SEARCH, (owner, search.casefold(), limit, offset))
    else:
        rows = connection.execute(LISTING, (owner, limit, offset))
    return [head_of(row) for row in rows]


def scan(connection: sqlite3.Connection, after: str, limit: int) -> list[Head]:
    """Read all owners' sessions in order of id; see ``Store.scan``."""
    return [head_of(row) for row in connection.execute(SCAN, (after, limit))]


def size(connection: sqlite3.Connection, path: Path) -> Size:
    """Count sessions and entries, and the bytes of the file and its log."""
    sessions, entries, pages = connection.execute(COUNT).fetchone()
    log = path.with_name(f"{path.name}-wal")
    return Size(sessions=sessions, entries=entries, bytes=pages + log.stat().st_size)


def page(
    connection: sqlite3.Connection,
    session_id: str,
    *,
    after: int,
    limit: int,
    companion_type: str | None,
    slot: int | None,
    kinds: Sequence[str],
) -> list[Entry]:
    """Read entries in order of seq; see ``Store.page``."""
    wanted = {
        "companion_type": [] if companion_type is None else [companion_type],
        "slot": [] if slot is None else [slot],
        "kind": kinds,
    }
    filters = [f"AND {column} IN ({', '.join('?' * len(values))})" for column, values in wanted.items() if values]
    statement = " ".join([PAGE, *filters, "ORDER BY seq LIMIT ?"])
    values = [value for accepted in wanted.values() for value in accepted]
    found: list[Row] = []
    for segment in reversed(segments(connection, session_id)):
        span = (segment.no, after + 1, segment.last)
        found += connection.execute(statement, (*span, *values, limit - len(found))).fetchall()
    return entries_of(found)


def tail(connection: sqlite3.Connection, session_id: str, companion_type: str, window: Window) -> list[Entry]:
    """Read what an open companion needs, in order of seq; see ``Store.tail``."""
    parts = segments(connection, session_id)
    if not parts:
        return []
    (newest,) = marked_of(connection.execute(NEWEST, (parts[0].no,)).fetchall()).values()
    walk = trails.tail(newest, companion_type, window)
    try:
        wanted = next(walk)
        while True:
            wanted = walk.send(marked(connection, parts, wanted))
    except StopIteration as end:
        return end.value


def marked(connection: sqlite3.Connection, parts: Sequence[Segment], wanted: Iterable[int]) -> dict[int, Marked]:
    """Read entries with their marks by their seqs, which a session is known to have.

    Raises:
        DamageError: One of them is missing.
    """
    rows: list[Row] = []
    for seq in wanted:
        part = next(part for part in parts if part.base < seq)
        row = connection.execute(AT, (part.no, seq)).fetchone()
        if row is None:
            raise DamageError(f"no entry {seq} in session {part.no}")
        rows.append(row)
    return marked_of(rows)
