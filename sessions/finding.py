"""Finding a session that is not in memory: whose it is comes first, and only its owner is waited for.

It reads, and keeps nothing in memory. How a session that is not the caller's is refused is ``sessions``'s work: in the
words, and after the reads of the store, of one that is not there.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable

from companions.errors import UnopenedError
from sessions.keeping import Keeper
from sessions.places import Place
from sessions.projections import label_of, last_type_at
from sessions.session import Session
from sessions.store import Head
from sessions.writer import Writer

log = logging.getLogger("companions.sessions")


async def owned_head(writer: Writer, owner: str, session_id: str) -> Head | None:
    """Read the head of one of the owner's sessions, once all of it that is on this machine's disk is in the store.

    Returns:
        ``None`` for a session that is unknown, forgotten or another owner's.

    Raises:
        StoreAwayError: The store is; or, told to the owner alone, the session is still on its way into it.
    """
    await writer.read_in()
    keeper = writer.keeper
    waits = keeper.waits(session_id)
    head = await keeper.store.head(session_id)
    if waits and await _may_wait(keeper, owner, session_id, head):
        await keeper.home(session_id)
        head = await keeper.store.head(session_id)
    return head if head is not None and head.opening.owner == owner else None


async def opened(writer: Writer, head: Head) -> Session:
    """Give the session that a true head tells of."""
    known = head.projection
    place = Place(head.opening.session_id, head.opening.owner, head=head.seq)
    session = Session(place, writer, writer.keeper.store, head.opening)
    if known is not None:
        session.label, session.used_at, session.shown = label_of(known), known.used_at, dict(known.companions)
        session.counted = known.seq
    # What does not open is told to whoever reads it: a session can be forgotten and forked all the same.
    with contextlib.suppress(UnopenedError):
        session.last_type = await last_type_at(writer.keeper.store, head.opening.session_id, head.seq)
    return session


async def listed(head: Head, true: Callable[[Head], Awaitable[Head]]) -> Head:
    """Give a head that is true, or as it is if its session does not open: the others are listed all the same."""
    try:
        return await true(head)
    except UnopenedError as error:
        log.info("a session is listed without what it holds: %s", error)
        return head


async def _may_wait(keeper: Keeper, owner: str, session_id: str, head: Head | None) -> bool:
    """Tell whether a session with entries on this machine's disk is the owner's, or has come home by now."""
    opening = None if head is None else head.opening
    if opening is None and keeper.spool is not None:
        opening = await keeper.spool.opening(session_id)
    return not keeper.waits(session_id) if opening is None else opening.owner == owner
