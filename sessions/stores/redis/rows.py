"""How entries, openings and projections stand in Redis, there and back; nothing is read or written here.

An entry is two fields of a stream's entry: its text, and the rest as one JSON array, since every field costs time to
read.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from companions.entries import Entry
from sessions.store import Head, Opening, Projection
from sessions.stores.trails import Marked, Marks

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# Unlike loads it does not look for blanks around a value, which takes longer than to read one of ours.
_VALUE = json.JSONDecoder().raw_decode


def fields(entry: Entry, mark: str) -> tuple[str, str]:
    """Give the two values of an entry."""
    place = (entry.companion_type, entry.kind, entry.slot, entry.index)
    return _JSON.encode([entry.id, *place, entry.author, entry.at, dict(entry.meta), mark]), entry.text


def all_fields(entries: Iterable[Entry], marks: Marks) -> tuple[list[str], Marks]:
    """Give both values of every entry, and what the next entries are marked from."""
    found: list[str] = []
    for entry in entries:
        mark, marks = marks.mark(entry)
        found += fields(entry, mark)
    return found, marks


def needles(companion_type: str | None, slot: int | None, kinds: Sequence[str]) -> list[str]:
    """Give what stands in an entry's first value if it is of a companion, a slot and, from the third on, one of kinds.

    It may stand in another entry's as well.
    """
    companion = "" if companion_type is None else f",{_JSON.encode(companion_type)},"
    return [companion, "" if slot is None else f'",{slot},', *(f",{_JSON.encode(kind)}," for kind in kinds)]


def seq(key: str) -> int:
    """Read the number of an entry from its id in a stream."""
    return int(key[:-2])


def entry(row: list[Any]) -> Entry:
    """Read an entry as XRANGE gives it."""
    return _read(row)[0]


def marked(row: list[Any]) -> Marked:
    """Read an entry with its mark."""
    return Marked(*_read(row))


def _read(row: list[Any]) -> tuple[Entry, str]:
    key, (_, rest, _, text) = row
    (id_, companion_type, kind, slot, index, author, at, meta, mark), _ = _VALUE(rest)
    read = Entry(
        seq=seq(key),
        id=id_,
        companion_type=companion_type,
        kind=kind,
        slot=slot,
        index=index,
        text=text,
        meta=meta,
        author=author,
        at=at,
    )
    return read, mark


def opening_text(opening: Opening) -> str:
    """Give an opening's value."""
    return _JSON.encode([opening.owner, opening.created_at, opening.parent, opening.base])


def opening(session_id: str, text: str) -> Opening:
    """Read an opening."""
    owner, created_at, parent, base = json.loads(text)
    return Opening(session_id=session_id, owner=owner, created_at=created_at, parent=parent, base=base)


def projection_text(shown: Projection) -> str:
    """Give a projection's value."""
    return _JSON.encode([shown.seq, shown.title, shown.last_used, shown.preview, dict(shown.companions)])


def head(session_id: str, reply: list[Any] | None) -> Head | None:
    """Read the reply of the script HEAD; ``None`` for a session that does not live."""
    if reply is None:
        return None
    opened = opening(session_id, reply[0])
    shown = None
    if reply[1] is not None:
        seq, title, last_used, preview, companions = json.loads(reply[1])
        shown = Projection(
            session_id=session_id, seq=seq, title=title, last_used=last_used, preview=preview, companions=companions
        )
    return Head(opening=opened, seq=opened.base + reply[2], projection=shown)
