"""Corrections as they are read: the edits that correct some of a companion's texts, found by what leads to them.

Nothing is read of texts that were not corrected, and edits that lie together are one read. What an edit is stands in
``companions.edits``; how one is made is ``editing``'s work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from companions.edits import CORRECTED, Edits, corrected
from companions.entries import Entry
from sessions.store import Store

MOST = 100
"""Edits that are read at a time."""


async def corrections(store: Store, session_id: str, edits: Edits, entries: Iterable[Entry]) -> list[Entry]:
    """Read the edits that correct some of a companion's entries, in order."""
    meant = {seq: entry.companion_type for entry in entries if (seq := edits.correction_of(entry)) is not None}
    found: list[Entry] = []
    missing = sorted(meant)
    while missing:
        # No more than are wanted: what else was configured between them may hold long texts, too.
        page = await store.page(
            session_id,
            after=missing[0] - 1,
            limit=min(MOST, len(missing)),
            companion_type=meant[missing[0]],
            kinds=("configure",),
        )
        found += [edit for edit in page if edit.seq in meant]
        reached = max(missing[0], page[-1].seq if page else 0)
        missing = [seq for seq in missing if seq > reached]
    return found


async def as_corrected(store: Store, session_id: str, edits: Edits, entries: Sequence[Entry]) -> list[Entry]:
    """Give a companion's entries with the texts that were corrected; each tells besides what it ``was`` before."""
    found = {edit.seq: edit for edit in await corrections(store, session_id, edits, entries)}
    return [_as_corrected(entry, found.get(edits.correction_of(entry) or 0)) for entry in entries]


def _as_corrected(entry: Entry, edit: Entry | None) -> Entry:
    found = entry if edit is None else corrected(entry, edit)
    if found is entry:
        return entry
    return replace(found, meta={**found.meta, CORRECTED: {**found.meta[CORRECTED], "was": entry.text}})
