"""Reading sessions back from SQLite: heads, listings, pages and tails, each a handful of index seeks.

It reads through forks and writes nothing. Every function expects to run inside one read transaction, on the thread of
the connection that it is given.
"""

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from companions.entries import Entry
from sessions.store import Head, Opening, Projection, Window

SEQ_BITS = 32
LAST = (1 << SEQ_BITS) - 1
"""The largest seq, and the largest index of a place."""
LAST_PLACE = (1 << 63) - 1

_SEQ = "(SELECT max(key) FROM entries WHERE key BETWEEN s.no << 32 AND s.no << 32 | 4294967295) & 4294967295"
_HEAD = f"""SELECT id, owner, created_at, (SELECT p.id FROM sessions AS p WHERE p.no = s.parent), base, {_SEQ},
    projected, title, last_used, preview, companions FROM sessions AS s"""  # noqa: S608 (made of constants only)
HEAD = f"{_HEAD} WHERE id = ? AND owner IS NOT NULL"
_NEWEST_FIRST = "ORDER BY last_used DESC, no DESC LIMIT ? OFFSET ?"
LISTING = f"{_HEAD} WHERE owner = ? {_NEWEST_FIRST}"
SEARCH = f"{_HEAD} WHERE owner = ? AND instr(folded, ?) > 0 {_NEWEST_FIRST}"

STATE = f"SELECT no, owner IS NOT NULL, {_SEQ} FROM sessions AS s WHERE id = ?"  # noqa: S608 (made of constants only)
CHILDREN = "SELECT no, owner IS NOT NULL, base FROM sessions WHERE parent = ?"
LIVING = "SELECT no, parent, base FROM sessions WHERE id = ? AND owner IS NOT NULL"
PARENT = "SELECT no, parent, base FROM sessions WHERE no = ?"

_ENTRY = "SELECT key, id, companion_type, kind, slot, idx, author, at, meta, text, place FROM entries"
PAGE = f"{_ENTRY} WHERE key BETWEEN ? AND ?"
_OF_KIND = "WHERE session = ? AND companion_type = ? AND kind = ? AND place"
NEWEST = f"{_ENTRY} {_OF_KIND} BETWEEN ? AND ? ORDER BY place DESC, key DESC LIMIT 1"
AT = f"{_ENTRY} {_OF_KIND} = ? AND key <= ? ORDER BY key DESC LIMIT 1"
FIRST = f"SELECT key FROM entries {_OF_KIND} >= ? ORDER BY place, key LIMIT 1"  # noqa: S608 (made of constants only)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of one session's own entries that a session reads.

    Attributes:
        no: The session's row.
        last: The greatest key that is read; what the session wrote later is not the fork's.
    """

    no: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What an append is compared with: the session's row, its newest seq, and whether it still lives."""

    no: int | None
    seq: int
    living: bool = True


def state(connection: sqlite3.Connection, session_id: str) -> State | None:
    """Read a session's state; ``None`` when there never was such a session."""
    row = connection.execute(STATE, (session_id,)).fetchone()
    return None if row is None else State(no=row[0], living=bool(row[1]), seq=row[2] or 0)


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


def segments(connection: sqlite3.Connection, session_id: str) -> list[Segment]:
    """Find what a living session reads: its own entries, then its parent's up to the base, and so on; newest first."""
    found: list[Segment] = []
    seq = LAST
    row = connection.execute(LIVING, (session_id,)).fetchone()
    while row is not None:
        no, parent, base = row
        found.append(Segment(no, no << SEQ_BITS | seq))
        seq = min(seq, base)
        row = connection.execute(PARENT, (parent,)).fetchone()
    return found


def head(connection: sqlite3.Connection, session_id: str) -> Head | None:
    """Read a session's head; see ``Store.head``."""
    row = connection.execute(HEAD, (session_id,)).fetchone()
    return None if row is None else _head(row)


def listing(connection: sqlite3.Connection, owner: str, search: str, limit: int, offset: int) -> list[Head]:
    """Read an owner's sessions, last used first; all of them if ``search`` is empty."""
    if search:
        rows = connection.execute(SEARCH, (owner, search.casefold(), limit, offset))
    else:
        rows = connection.execute(LISTING, (owner, limit, offset))
    return [_head(row) for row in rows]


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
    statement = " ".join([PAGE, *filters, "ORDER BY key LIMIT ?"])
    values = [value for accepted in wanted.values() for value in accepted]
    found: list[Entry] = []
    for segment in reversed(segments(connection, session_id)):
        span = ((segment.no << SEQ_BITS) + after + 1, segment.last)
        found += map(_entry, connection.execute(statement, (*span, *values, limit - len(found))))
    return found


def tail(connection: sqlite3.Connection, session_id: str, companion_type: str, window: Window) -> list[Entry]:
    """Read what an open companion needs, in order of seq; see ``Store.tail``."""
    thread = _Thread(connection, segments(connection, session_id), companion_type)
    found = {entry.seq: entry for entry in thread.tail(window) if entry is not None}
    return [found[seq] for seq in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Thread:
    """One companion's entries, found by their place; newer segments hold the newer entries of every place."""

    connection: sqlite3.Connection
    segments: list[Segment]
    companion_type: str

    def tail(self, window: Window) -> Iterator[Entry | None]:
        yield self._at("configure", 0)
        query = self._newest("query", None)
        if query is None:
            return
        yield query
        yield self._newest("draft", query.slot)
        yield self._newest("critique", query.slot)
        yield from self._versions(query.slot, window.versions)
        for slot in range(query.slot - 1, max(query.slot - 1 - window.exchanges, -1), -1):
            yield from self._exchange(slot)

    def _versions(self, slot: int, count: int) -> Iterator[Entry | None]:
        newest = self._newest("revision", slot)
        if newest is not None:
            yield self._base(newest)
            for index in range(newest.index, max(newest.index - count, -1), -1):
                yield newest if index == newest.index else self._at("revision", slot << SEQ_BITS | index)

    def _exchange(self, slot: int) -> Iterator[Entry | None]:
        yield self._newest("query", slot)
        yield self._newest("draft", slot)
        revision = self._newest("revision", slot)
        yield revision
        if revision is not None and revision.meta.get("guard"):
            yield self._base(revision)

    def _base(self, revision: Entry) -> Entry | None:
        """Find the revision that another one names as its base; a base of 0 is the draft, read anyway."""
        base = revision.meta.get("based_on")
        if not isinstance(base, int) or base < 1:
            return None
        return self._at("revision", revision.slot << SEQ_BITS | base - 1)

    def _at(self, kind: str, place: int) -> Entry | None:
        for segment in self.segments:
            if row := self._seek(AT, segment, kind, place, segment.last):
                return _entry(row)
        return None

    def _newest(self, kind: str, slot: int | None) -> Entry | None:
        """Find the newest entry of a kind: of one slot, or of the newest slot that has one."""
        for segment in self.segments:
            if row := self._newest_in(segment, kind, slot):
                return _entry(row)
        return None

    def _newest_in(self, segment: Segment, kind: str, slot: int | None) -> Row | None:
        low = 0 if slot is None else slot << SEQ_BITS
        high = LAST_PLACE if slot is None else low | LAST
        row = self._seek(NEWEST, segment, kind, low, high)
        if row is None or row[0] <= segment.last:
            return row
        # The parent went on after the fork. Its places were filled in order of seq, so the last one that was begun
        # by then is found by halving; walking back would cost as much as the parent wrote since.
        places = range(low, row[-1] + 1, 1 if slot is not None else 1 << SEQ_BITS)
        begun = bisect_right(places, segment.last, key=lambda place: self._seek(FIRST, segment, kind, place)[0])
        return self._seek(AT, segment, kind, places[begun - 1], segment.last) if begun else None

    def _seek(self, statement: str, segment: Segment, kind: str, *values: int) -> Any:
        return self.connection.execute(statement, (segment.no, self.companion_type, kind, *values)).fetchone()


def _entry(row: Row) -> Entry:
    key, id_, companion_type, kind, slot, idx, author, at, meta, text, _ = row
    return Entry(
        seq=key & LAST,
        id=id_,
        companion_type=companion_type,
        kind=kind,
        slot=slot,
        index=idx,
        text=text,
        meta=json.loads(meta),
        author=author,
        at=at,
    )


def _head(row: Row) -> Head:
    id_, owner, created_at, parent, base, seq, projected, title, last_used, preview, companions = row
    opening = Opening(session_id=id_, owner=owner, created_at=created_at, parent=parent, base=base)
    if projected is None:
        return Head(opening=opening, seq=seq)
    projection = Projection(
        session_id=id_,
        seq=projected,
        title=title,
        last_used=last_used,
        preview=preview,
        companions=json.loads(companions),
    )
    return Head(opening=opening, seq=seq, projection=projection)
