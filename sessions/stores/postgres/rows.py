"""Rows of PostgreSQL and the values they stand for, both ways.

It knows how an entry, a head and a projection are laid out in columns, and asks the server nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from companions.entries import Entry
from companions.errors import StoreError
from sessions.store import Head, Opening, Projection
from sessions.stores.trails import Marked

ENTRY_COLUMNS = "seq, id, companion_type, kind, slot, idx, author, at, meta, text, mark"
ENTRY_TYPES = "int[], text[], text[], text[], int[], int[], text[], float8[], text[], bytea[], text[]"
_META = 8

Row = Sequence[Any]


def entry_row(entry: Entry, mark: str) -> Row:
    """Lay an entry out as ``ENTRY_COLUMNS``."""
    meta = json.dumps(dict(entry.meta)) if entry.meta else "{}"
    place = (entry.companion_type, entry.kind, entry.slot, entry.index)
    return (entry.seq, entry.id, *place, entry.author, entry.at, meta, as_bytes(entry.text), mark)


def entries(rows: Sequence[Row]) -> list[Entry]:
    """Read entries back; what stands behind the text in a row is passed over."""
    # All at once: half of what reading an entry costs would otherwise be the calls to the parser.
    metas = json.loads(f"[{','.join([row[_META] for row in rows])}]")
    return [_entry(row, meta) for row, meta in zip(rows, metas, strict=True)]


def marked(rows: Sequence[Row]) -> dict[int, Marked]:
    """Read entries back with their marks, by number, in the order of the rows."""
    return {entry.seq: Marked(entry, row[-1]) for entry, row in zip(entries(rows), rows, strict=True)}


def head(row: Row) -> Head:
    """Read a session's head back."""
    id_, owner, created_at, parent, base, seq, projected, title, last_used, preview, companions = row
    opening = Opening(session_id=id_, owner=owner, created_at=created_at, parent=parent, base=base)
    if projected is None:
        return Head(opening=opening, seq=seq)
    projection = Projection(
        session_id=id_,
        seq=projected,
        title=title.decode(),
        last_used=last_used,
        preview=preview.decode(),
        companions=json.loads(companions),
    )
    return Head(opening=opening, seq=seq, projection=projection)


def projection_row(shown: Projection) -> Row:
    """Lay a projection out: id, seq, title, last use, preview, companions, and what searches look through."""
    texts = (as_bytes(shown.title), shown.last_used, as_bytes(shown.preview), json.dumps(dict(shown.companions)))
    return (shown.session_id, shown.seq, *texts, folded(shown.session_id, shown.title, shown.preview))


def folded(*texts: str) -> bytes:
    """Give texts as searches compare them."""
    return as_bytes("\n".join(texts).casefold())


def as_bytes(text: str) -> bytes:
    """Give a text as it is kept.

    Raises:
        StoreError: It is no valid Unicode.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise StoreError("A text holds half a character, a lone surrogate.", "Send it as valid Unicode.") from error


def columns(rows: Sequence[Row]) -> list[list[Any]]:
    """Turn rows, of which there is at least one, into one array per column, as ``unnest`` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


def _entry(row: Row, meta: Mapping[str, Any]) -> Entry:
    seq, id_, companion_type, kind, slot, idx, author, at, _, text, *_ = row
    return Entry(
        seq=seq,
        id=id_,
        companion_type=companion_type,
        kind=kind,
        slot=slot,
        index=idx,
        text=text.decode(),
        meta=meta,
        author=author,
        at=at,
    )
