"""A whole session, read from its store in pages that are as long as its texts allow: what copies and exports walk.

It holds one page at a time and writes nothing.
"""

from collections.abc import AsyncGenerator

from companions.entries import Entry
from sessions.session_lines import entry_line
from sessions.store import Store

MOST_ENTRIES, MOST_BYTES = 512, 4_000_000
"""Of one append, and of one page as far as the page before it tells."""
FIRST_PAGE = 16
"""Entries of a session's first page, before anything is known of their length."""


async def pages(store: Store, session_id: str, after: int, last: int) -> AsyncGenerator[list[tuple[Entry, bytes]]]:
    """Read a session's entries behind one and up to another, each with the line that digests are made over."""
    limit = FIRST_PAGE
    while after < last and (found := await store.page(session_id, after=after, limit=min(limit, last - after))):
        page = [(entry, entry_line(entry)) for entry in found]
        yield page
        after = found[-1].seq
        size = sum(len(line) for _, line in page) // len(page)
        limit = max(1, min(2 * limit, MOST_ENTRIES, MOST_BYTES // size))
