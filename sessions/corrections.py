"""Corrections as they are read: the edits that correct some of a companion's texts, found by what leads to them.

Each is one short read, made only for a text that was corrected. What an edit is stands in ``companions.edits``; how one
is made is ``editing``'s work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from companions.edits import CORRECTED, Edits, corrected
from companions.entries import Entry
from sessions.store import Store


async def corrections(store: Store, session_id: str, edits: Edits, entries: Iterable[Entry]) -> list[Entry]:
    """Read the edits that correct some of a companion's entries, in order."""
    found: list[Entry] = []
    for companion_type, seq in sorted({(entry.companion_type, edits.correction_of(entry) or 0) for entry in entries}):
        if seq:
            page = await store.page(
                session_id, after=seq - 1, limit=1, companion_type=companion_type, kinds=("configure",)
            )
            found += [edit for edit in page if edit.seq == seq]
    return found


async def as_corrected(store: Store, session_id: str, edits: Edits, entries: Sequence[Entry]) -> list[Entry]:
    """Give a companion's entries with the texts that were corrected; each tells besides what it ``was`` before."""
    found = await corrections(store, session_id, edits, entries)
    return [_as_corrected(entry, found) for entry in entries]


def _as_corrected(entry: Entry, edits: Sequence[Entry]) -> Entry:
    found = entry
    for edit in edits:
        found = corrected(found, edit)
    if found is entry:
        return entry
    return replace(found, meta={**found.meta, CORRECTED: {**found.meta[CORRECTED], "was": entry.text}})
