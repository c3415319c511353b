"""A session that begins as another one was: it shares that one's entries up to a ``seq`` and goes on by itself.

Nothing is copied: the store reads a fork's history behind its own entries. A fork's first entry of its own is the
``configure`` in force there, so that it is in the store when its id is told.
"""

import asyncio

from companions.entries import Entry, Note
from companions.errors import ConflictError, InputError
from sessions.awake import read_companion
from sessions.projections import projection_of, shown_after
from sessions.session import Session, gone
from sessions.sessions import Sessions
from sessions.store import Committed, Gone, Head, Store, Window

PAGE = 200
"""Entries that are looked through at a time for a ``configure`` that is not in force any more."""
CONFIGURED = Window(versions=1, exchanges=0)


async def fork(sessions: Sessions, owner: str, session_id: str, at: int | None = None) -> Session:
    """Fork one of the owner's sessions.

    Args:
        sessions: Where both are.
        owner: Whose session it is, and whose the fork will be.
        session_id: The parent.
        at: The newest ``seq`` that is shared; the parent's newest entry by default.

    Raises:
        InputError: The parent has no such entry.
        SessionNotFoundError: There is no such session of the owner's.
        StoreError: The store failed; there is no fork.
    """
    parent = await sessions.find(owner, session_id)
    head = await sessions.head(parent)
    at = head.seq if at is None else at
    if not 1 <= at <= head.seq:
        raise InputError(
            f"Session {session_id} has no entry {at}; its entries are 1 to {head.seq}.",
            "show_thinking with part=timeline tells the seq of each.",
        )
    [shared] = await sessions.store.page(session_id, after=at - 1, limit=1)
    configured = await _configured(sessions.store, session_id, shared.companion_type, at)
    session = sessions.mint(owner, parent=session_id, base=at)
    await _begin(session, configured)
    await _show(sessions, session, head, shared.companion_type)
    return session


async def _configured(store: Store, session_id: str, companion_type: str, at: int) -> Entry:
    """Find a companion's ``configure`` that was in force at a ``seq``: mostly the newest still is."""
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
    return found[-1]


async def _begin(session: Session, configured: Entry) -> None:
    """Store the fork's first entry."""
    note = Note(companion_type=configured.companion_type, kind="configure", slot=configured.slot, meta=configured.meta)
    _, receipt = session.writer.hand_over(session.place, [note])
    outcome = await asyncio.shield(receipt)
    if isinstance(outcome, Gone):
        raise gone(session.opening.parent or "")
    if not isinstance(outcome, Committed):
        raise ConflictError("The session could not be forked.", "Call the same tool again.")


async def _show(sessions: Sessions, session: Session, parent: Head, last_type: str) -> None:
    """Show of the fork what its companions are there; what the parent has used is not the fork's."""
    names = () if parent.projection is None else tuple(parent.projection.companions)
    companions = {name: await read_companion(sessions.store, session.session_id, name) for name in names}
    for name, companion in companions.items():
        if companion.configuration is not None:
            session.shown[name] = shown_after({}, companion, ())
    session.title = "" if parent.projection is None else parent.projection.title
    session.counted, session.last_type = session.place.head, last_type
    sessions.projector.project(projection_of(session, companions[last_type]))
