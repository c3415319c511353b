"""A companion's exchanges, slot by slot: each query with the text that stands as its answer, read forward in pages.

The newest stand in memory. A slot of so many versions that they fill a page is passed over by looking for its end; how
that is found, and what else a slot holds, is ``slots``'s.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

from companions.companion import Companion, Slot
from companions.entries import Entry
from sessions.corrections import as_corrected
from sessions.session import Session
from sessions.slots import PAGE, before_slot, left_at

EXCHANGED = ("query", "draft", "revision")

Texts = tuple[Entry, ...]
"""A slot's query and, unless it waits for its draft, its current text; as corrected."""


async def exchanges_from(session: Session, companion: Companion, first: int) -> AsyncIterator[Texts]:
    """Give the exchanges of a companion in order, from a slot to the one that it stands in.

    Args:
        session: The session.
        companion: It, as it stands now.
        first: The slot to begin with.
    """
    if companion.slot is None:
        return
    held = [*((each.query, each.answer) for each in companion.history), texts_in(companion.slot)]
    async for texts in _earlier(session, companion, first, beyond=held[0][0].slot):
        yield texts
    for texts in held:
        if texts[0].slot >= first:
            yield texts


def texts_in(slot: Slot) -> Texts:
    """Give what of a slot belongs to its exchange."""
    return (slot.query,) if slot.current is None else (slot.query, slot.current)


async def _earlier(session: Session, companion: Companion, first: int, *, beyond: int) -> AsyncIterator[Texts]:
    """Give those that are read from the store; of a slot that is not there, nothing."""
    after = 0 if first >= beyond else await before_slot(session, companion, first)
    while first < beyond:
        page = await session.store.page(
            session.session_id, after=after, limit=PAGE, companion_type=companion.companion_type, kinds=EXCHANGED
        )
        # The last slot of a full page may go on behind it.
        last = page[-1].slot if len(page) == PAGE else beyond
        if whole := [entry for entry in page if entry.slot < min(last, beyond)]:
            exchanges, after = await _as_corrected(session, companion, _exchanges(whole)), whole[-1].seq
        elif last < beyond and (long := (await left_at(session, companion, last)).slot) is not None:
            exchanges, after = [texts_in(long)], long.newest.seq
        else:
            return
        for texts in exchanges:
            yield texts
        first = exchanges[-1][0].slot + 1


def _exchanges(entries: Sequence[Entry]) -> list[Texts]:
    """Give the exchanges of whole slots, not corrected yet."""
    found: list[Texts] = []
    for _, steps in groupby(entries, key=lambda entry: entry.slot):
        left = Companion(entries[0].companion_type)
        for entry in steps:
            left.apply(entry)
        found += [texts_in(left.slot)] if left.slot is not None else []
    return found


async def _as_corrected(session: Session, companion: Companion, exchanges: Sequence[Texts]) -> list[Texts]:
    entries = [entry for texts in exchanges for entry in texts]
    told = await as_corrected(session.store, session.session_id, companion.edits, entries)
    return [tuple(texts) for _, texts in groupby(told, key=lambda entry: entry.slot)]
