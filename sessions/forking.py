"""A session that begins as another one was: it shares that one's entries up to a ``seq`` and goes on by itself.

Nothing is copied: the store reads a fork's history behind its own entries. A fork's first entry of its own is the
``configure`` in force there, so that it is in the store when its id is told, or on its way there if the store goes away
meanwhile: a fork that could come to be is never denied.
"""

import asyncio
import contextlib

from companions.edits import settled
from companions.entries import Entry, Note
from companions.errors import CompanionsError, ConflictError, InputError, StoreAwayError, StoreError
from sessions.awake import read_companion
from sessions.configured import configured_at
from sessions.keeping import Kept
from sessions.labels import UNLABELLED, Label
from sessions.projections import last_type_at, projection_of, shown_at_birth
from sessions.session import Session, gone
from sessions.sessions import Sessions
from sessions.store import Committed, Gone, Head, Store
from sessions.titles import title_at


async def fork(sessions: Sessions, owner: str, session_id: str, at: int | None = None) -> Session:
    """Fork one of the owner's sessions.

    Args:
        sessions: Where both are.
        owner: Whose session it is, and whose the fork will be.
        session_id: The parent.
        at: The newest ``seq`` that is shared; the parent's newest entry by default.

    Returns:
        The fork; while the store is away nothing can be read of it.

    Raises:
        InputError: The parent has no such entry.
        SessionNotFoundError: There is no such session of the owner's, or no more.
        StoreError: The store failed; there is no fork, unless the store took it and could not say so.
    """
    parent = await sessions.find(owner, session_id)
    head = await sessions.head(parent)
    at = head.seq if at is None else at
    if not 1 <= at <= head.seq:
        raise InputError(
            f"Session {session_id} has no entry {at}; its entries are 1 to {head.seq}.",
            "show_thinking with part=timeline tells the seq of each.",
        )
    configured = await _configured(sessions.store, session_id, at)
    title = await title_at(sessions.store, session_id, at)
    session = sessions.mint(owner, parent=session_id, base=at)
    session.label, session.last_type = Label(title=title), configured.companion_type
    try:
        await _begin(session, configured)
        # What cannot be read now is read when it is used, and shown from then on.
        with contextlib.suppress(StoreError):
            await _show(sessions, session, head, configured.companion_type)
    except CompanionsError:
        sessions.open.leave(session.session_id)
        raise
    return session


async def _configured(store: Store, session_id: str, at: int) -> Entry:
    """Find the ``configure`` of the last used companion that was in force at a ``seq``."""
    shared = await store.page(session_id, after=at - 1, limit=1)
    if not shared:
        raise gone(session_id)
    companion_type = await last_type_at(store, session_id, at) or shared[0].companion_type
    found = await configured_at(store, session_id, companion_type, at)
    if found is None:
        raise gone(session_id)
    return found


async def _begin(session: Session, configured: Entry) -> None:
    """Store the fork's first entry, or have it kept while the store is away."""
    meta = {**settled(configured), **UNLABELLED}
    note = Note(companion_type=configured.companion_type, kind="configure", slot=configured.slot, meta=meta)
    _, receipt = session.writer.hand_over(session.place, [note])
    outcome = await asyncio.shield(receipt)
    # A receipt that was given early says nothing yet, and until it has landed the fork reads as a new session.
    await _land(session)
    if isinstance(outcome, Gone) or (session.writer.early and session.place.fenced):
        raise gone(session.opening.parent or "")
    if not isinstance(outcome, Committed | Kept):
        raise ConflictError("The session could not be forked.", "Call the same tool again.")


async def _land(session: Session) -> None:
    """Wait until the fork is stored or kept; what takes too long is withdrawn.

    Raises:
        StoreAwayError: It is withdrawn: nothing of it will be stored.
    """
    place, writer = session.place, session.writer
    try:
        await writer.landed(place)
    except StoreAwayError:
        place.forgotten = True
        await writer.landed(place)
        if place.fenced:
            raise
        place.forgotten = False  # it was under way already


async def _show(sessions: Sessions, session: Session, parent: Head, last_type: str) -> None:
    """Show of the fork what its companions are there.

    Raises:
        StoreError: It is still on its way, or cannot be read; nothing is shown of it.
    """
    await session.writer.settled(session.session_id)
    names = {last_type, *(parent.projection.companions if parent.projection else ())}
    companions = {name: await read_companion(sessions.store, session.session_id, name) for name in sorted(names)}
    for name, companion in companions.items():
        if companion.configuration is not None:
            session.shown[name] = shown_at_birth(session.opening, companion)
    session.counted = session.place.head
    sessions.projector.project(projection_of(session, companions[last_type]))
