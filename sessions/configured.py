"""The ``configure`` that was in force at an entry: by it a fork goes on, and it leads to the edits made until then.

What one says is ``companions``'s.
"""

import contextlib

from companions.entries import Entry
from companions.errors import UnopenedError
from sessions.store import Store, Window

PAGE = 200
"""Entries that are looked through at a time for a ``configure`` that is not in force any more."""
CONFIGURED = Window(versions=1, exchanges=0)


async def configured_at(store: Store, session_id: str, companion_type: str, at: int) -> Entry | None:
    """Find the ``configure`` of a companion that was in force at a ``seq``: mostly the newest still is."""
    tail = list[Entry]()
    # Behind the entry something may not open: forking before it is the way to go on.
    with contextlib.suppress(UnopenedError):
        tail = await store.tail(session_id, companion_type, CONFIGURED)
    newest = [entry for entry in tail if entry.kind == "configure"]
    if newest and newest[-1].seq <= at:
        return newest[-1]
    found, after = list[Entry](), 0
    while page := await store.page(
        session_id, after=after, limit=PAGE, companion_type=companion_type, kinds=("configure",)
    ):
        found += [entry for entry in page if entry.seq <= at]
        after = page[-1].seq
        if after > at:
            break
    return found[-1] if found else None
