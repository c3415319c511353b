"""Whether a session was used later than its projection can know: that is refreshed after the step that used it.

It reads what was written last. How long sessions are kept is ``retention``'s to say.
"""

from typing import TYPE_CHECKING

from sessions.labels import Label, label_after
from sessions.store import Head, Store

if TYPE_CHECKING:
    from sessions.retention import Retention

NEWEST = 8
"""Entries among which the newest use of a session is."""
PAGE = 100
"""Entries that are read at a time."""


async def used_since(store: Store, head: Head, retention: "Retention", now: float) -> bool:
    """Look at a session that seems too old again, its newest entry included; tell whether it was used or pinned."""
    session_id = head.opening.session_id
    again = await store.head(session_id)
    if again is None or not retention.expired(again, now) or await _pinned_since(store, again):
        return True
    newest = await store.page(session_id, after=max(again.seq - NEWEST, 0), limit=NEWEST)
    # That it was learned from is no use of it.
    used = [entry.at for entry in newest if entry.kind != "learned"]
    return retention.delete is None or any(now - at <= retention.delete for at in used)


async def _pinned_since(store: Store, head: Head) -> bool:
    """Tell whether a session was pinned behind what its projection knows."""
    label, after = Label(pinned=head.pinned), head.opening.base if head.projection is None else head.projection.seq
    while after < head.seq:
        said = await store.page(head.opening.session_id, after=after, limit=PAGE, kinds=("configure",))
        label, after = label_after(label, said), said[-1].seq if said else head.seq
    return label.pinned
