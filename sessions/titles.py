"""The title that a session has by itself: the beginning of its first query, with the text that this was corrected to.

Which title a person gave it is ``labels``'s to say.
"""

from companions.edits import NO_EDITS, Edits
from companions.entries import Entry
from sessions.configured import configured_at
from sessions.corrections import as_corrected
from sessions.store import Store

TITLE = 80


def title_of(query: str) -> str:
    """Give a query's beginning on one line."""
    return " ".join(query[: 4 * TITLE].split())[:TITLE]


async def title_at(store: Store, session_id: str, seq: int) -> str:
    """Give the title of a fork at an entry: it shows none of a query that it does not share, nor one that was set."""
    first = await first_query(store, session_id)
    if first is None or first.seq > seq:
        return ""
    configured = await configured_at(store, session_id, first.companion_type, seq)
    edits = NO_EDITS if configured is None else Edits.after(configured)
    [stands] = await as_corrected(store, session_id, edits, [first])
    return title_of(stands.text)


async def first_query(store: Store, session_id: str) -> Entry | None:
    """Read the query that a session began with; ``None`` before there is one."""
    found = await store.page(session_id, kinds=("query",), limit=1)
    return found[0] if found else None
