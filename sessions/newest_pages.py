"""The newest page of what is read in pages, where others begin with the oldest: for views of a session that is long.

Which part that is, and how a line of it is told, is decided where it is read from its beginning.
"""

from typing import Any

from companions.companion import Companion
from sessions.convergence_view import newest_convergence
from sessions.earlier_pages import page_before
from sessions.paged_views import lines_of
from sessions.session import Session
from sessions.slots import SHOWN, TOLD

Body = dict[str, Any]
NEWEST = -1
"""The offset that means it."""
BOTH_WAYS = frozenset({"convergence_analysis", "timeline"})
"""The parts that have one."""


async def newest_page(session: Session, companion: Companion, part: str, *, slot: int | None) -> Body:
    """Give the newest page of one of those parts, in order; of a timeline, ``earlier`` tells whether there are more."""
    if part == "convergence_analysis":
        return await newest_convergence(session, companion)
    kinds = TOLD if slot is not None else SHOWN
    entries, earlier = await page_before(session, companion, slot, before=None, kinds=kinds)
    return {
        "session_id": session.session_id,
        "companion_type": companion.companion_type,
        "timeline": await lines_of(session, entries),
        "earlier": earlier,
        "next_offset": None,
    }
