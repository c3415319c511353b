"""Rows: entries and heads as columns of SQLite's tables, and back.

It knows the order of columns and nothing of statements; which rows are read or written is the work of its callers.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from companions.entries import Entry
from sessions.store import Head, Opening, Projection
from sessions.stores.trails import Marked

Row = tuple[Any, ...]

COLUMNS = "seq, id, companion_type, kind, slot, idx, author, at, text, meta"
_FIELDS = ("seq", "id", "companion_type", "kind", "slot", "index", "author", "at", "text", "meta")
_META = _FIELDS.index("meta")
# A row was checked when it was an entry, and an entry is plain slots: filling them, and decoding the meta of all rows
# at once, takes a third of what building and checking each entry again would.
_FILL: list[Callable[[Entry, Any], None]] = [getattr(Entry, name).__set__ for name in _FIELDS]


def row_of(session: int, entry: Entry, mark: str) -> Row:
    """Give the columns session, seq, id, companion_type, kind, slot, idx, author, at, mark, meta, text."""
    place = (entry.companion_type, entry.kind, entry.slot, entry.index)
    meta = json.dumps(dict(entry.meta))
    return (session, entry.seq, entry.id, *place, entry.author, entry.at, mark, meta, entry.text)


def entries_of(rows: Sequence[Row]) -> list[Entry]:
    """Build entries from rows that begin with ``COLUMNS``.

    Raises:
        JSONDecodeError: A row's meta is damaged.
    """
    metas = json.loads(f"[{','.join([row[_META] for row in rows])}]")
    entries: list[Entry] = []
    for row, meta in zip(rows, metas, strict=True):
        entry = object.__new__(Entry)
        for fill, value in zip(_FILL, row, strict=False):
            fill(entry, value)
        _FILL[_META](entry, meta)
        entries.append(entry)
    return entries


def marked_of(rows: Sequence[Row]) -> dict[int, Marked]:
    """Build entries with their marks, by seq, from rows of ``COLUMNS`` and the mark."""
    return {entry.seq: Marked(entry, row[-1]) for entry, row in zip(entries_of(rows), rows, strict=True)}


def head_of(row: Row) -> Head:
    """Build a head from the columns that the statements of heads name."""
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
