"""A companion's entries from the newest one backwards, a page at a time: where a reader of a long session begins.

It finds entries; how they are told is its callers' work. Stores read forwards only, so it reads ahead of where it
stands, twice as far each time that too little was there.
"""

from collections.abc import Sequence

from companions.companion import Companion
from companions.entries import Entry
from sessions.corrections import as_corrected
from sessions.session import Session, gone
from sessions.slots import PAGE, before_slot


async def page_before(
    session: Session, companion: Companion, slot: int | None, *, before: int | None, kinds: Sequence[str]
) -> tuple[list[Entry], bool]:
    """Give the newest entries before a seq, in order of seq, and whether there are earlier ones.

    Args:
        session: The session.
        companion: It, as it stands in the slot that is meant.
        slot: That slot; ``None`` for the entries of all of them.
        before: The first ``seq`` that was seen already; ``None`` begins with the newest entry.
        kinds: What is read.
    """
    high = await _last(session) if before is None else before - 1
    low = 0 if slot is None else await before_slot(session, companion, slot)
    found: list[Entry] = []
    width = PAGE
    while high > low and len(found) <= PAGE:
        start = max(low, high - width)
        found = await _between(session, companion.companion_type, slot, (start, high), kinds) + found
        high, width = start, 2 * width
    page = await as_corrected(session.store, session.session_id, companion.edits, found[-PAGE:])
    return page, len(found) > PAGE


async def _last(session: Session) -> int:
    """Give the newest seq there is; what another process wrote counts too."""
    head = await session.store.head(session.session_id)
    if head is None and session.place.opening is None:
        raise gone(session.session_id)
    return session.place.head if head is None else max(head.seq, session.place.head)


async def _between(
    session: Session, companion_type: str, slot: int | None, reach: tuple[int, int], kinds: Sequence[str]
) -> list[Entry]:
    after, last = reach
    found: list[Entry] = []
    while after < last:
        entries = await session.store.page(
            session.session_id,
            after=after,
            limit=min(PAGE, last - after),
            companion_type=companion_type,
            slot=slot,
            kinds=kinds,
        )
        found += [entry for entry in entries if entry.seq <= last]
        after = entries[-1].seq if entries else last
    return found
