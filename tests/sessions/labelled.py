"""What tests of labels share: sessions with something in them, how they are listed, and what their entries say."""

from dataclasses import replace

from sessions.projections import brought_up
from sessions.reading import Reading
from sessions.store import Head
from tests.sessions.faults import OWNER, Process


async def opened(process: Process, *queries: str) -> list[str]:
    return [(await process.step("draft", query=query, text=f"On {query}")).session_id for query in queries]


async def listed(process: Process, limit: int = 10) -> list[tuple[str, str, bool]]:
    """Give id, title and whether it is pinned of each session, as they are listed."""
    body = await Reading(calls=process.calls).listing(OWNER, limit=limit)
    return [(each["session_id"], each["title"], each.get("pinned", False)) for each in body["sessions"]]


async def head_of(process: Process, session_id: str) -> Head:
    """Give a session's head, and check that what it shows is what its entries say."""
    sessions = process.calls.desk.sessions
    head = await sessions.head(await sessions.find(OWNER, session_id))
    rebuilt = await brought_up(process.store, replace(head, projection=None))
    assert head.projection is not None
    assert (rebuilt.title, rebuilt.pinned) == (head.projection.title, head.projection.pinned)
    return head
