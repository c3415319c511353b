"""Recognising entries that a store holds already: an earlier call stored them and could not say so.

It goes by the ids of entries, which name the writer and the call.
"""

from collections.abc import Callable
from dataclasses import replace

from sessions.store import Append, Committed, Conflict, Outcome, Store


async def recognised(store: Store, append: Append, conflict: Conflict, on_stored: Callable[[Append], None]) -> Outcome:
    """Tell what became of an append that met a conflict: what is missing of entries that are there is stored.

    Args:
        store: The store; it says itself that it has stored what is missing.
        append: The append.
        conflict: What it met.
        on_stored: Told of what is there already.
    """
    if conflict.seq < append.entries[0].seq:
        return conflict
    count = await known(store, append)
    if not count:
        return conflict
    on_stored(replace(append, entries=append.entries[:count]))
    if count == len(append.entries):
        return Committed()
    (outcome,) = await store.append([Append(session_id=append.session_id, entries=append.entries[count:])])
    return outcome


async def known(store: Store, append: Append) -> int:
    """Count the first entries of an append that a store holds at their numbers."""
    after, limit = append.entries[0].seq - 1, len(append.entries)
    found = await store.page(append.session_id, after=after, limit=limit)
    same = [stored.id == entry.id for stored, entry in zip(found, append.entries, strict=False)]
    return [*same, False].index(False)
