"""Finding a session for whoever asks: its owner, or somebody with whom it is shared, as far as their role goes.

For everybody else there is no such session: it is refused in the words, and after the reads of the store, of one that
is not there. Its owner costs no read more than the session itself does, a participant one.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from companions.errors import RoleError, SessionNotFoundError, UnopenedError
from sessions.grant_store import Role
from sessions.keeping import Keeper
from sessions.open_sessions import OpenSessions
from sessions.places import Place
from sessions.principals import LOCAL
from sessions.projections import label_of, last_type_at
from sessions.session import Session, gone
from sessions.store import Head, Store
from sessions.writer import Writer

log = logging.getLogger("companions.sessions")

Right = Literal["read", "write", "own"]
"""What a session is asked for: to be read, to be worked on, or for what its owner alone may do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A session as it is in the store, and as what the principal takes part in it; ``None`` is its owner."""

    head: Head
    role: Role | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Finds the sessions of one process, and opens those that are not in memory.

    Attributes:
        open: The sessions in memory.
        true: Gives a head whose projection is not older than its entries.
        newest: Names a principal's newest sessions in one clause.
    """

    open: OpenSessions
    writer: Writer
    true: Callable[[Head], Awaitable[Head]]
    newest: Callable[[str], Awaitable[str]]

    async def find(self, principal: str, session_id: str, right: Right) -> Session:
        """Give a session; see ``Sessions.find``."""
        session = self.open.get(session_id)
        if session is None:
            session = await self._stored(principal, session_id, right)
        elif session.place.owner != principal:
            role = await role_in(self.writer.keeper.store, session_id, principal)
            if role is None:
                # One of somebody else's that is open takes as long as one that is not there.
                await found_head(self.writer, principal, session_id, shared=False)
                raise await self._not_found(principal, session_id)
            check(role, right)
        self.open.use(session_id)
        return session

    async def _stored(self, principal: str, session_id: str, right: Right) -> Session:
        found = await found_head(self.writer, principal, session_id)
        if found is None:
            raise await self._not_found(principal, session_id)
        check(found.role, right)
        return self.open.keep(await opened(self.writer, await listed(found.head, self.true)))

    async def _not_found(self, principal: str, session_id: str) -> SessionNotFoundError:
        return SessionNotFoundError(gone(session_id).what, await self.newest(principal))


async def found_head(writer: Writer, principal: str, session_id: str, *, shared: bool = True) -> Found | None:
    """Read the head of one of somebody's sessions, once all of it that is on this machine's disk is in the store.

    Args:
        writer: The way to the store.
        principal: Who asks.
        session_id: The session.
        shared: Whether it may be one that is shared with them; ``False`` where that has been asked for.

    Returns:
        ``None`` for a session that is unknown, forgotten or neither theirs nor shared with them.

    Raises:
        StoreAwayError: The store is; or, told to whom it concerns alone, the session is still on its way into it.
    """
    await writer.read_in()
    keeper = writer.keeper
    waits = keeper.waits(session_id)
    head = await keeper.store.head(session_id)
    if waits and await _may_wait(keeper, principal, session_id, head):
        head = await _home(keeper, session_id)
    if head is not None and head.opening.owner == principal:
        return Found(head)
    role = await role_in(keeper.store, session_id, principal) if shared else None
    if role is not None and waits:
        head = await _home(keeper, session_id)
    return None if head is None or role is None else Found(head, role)


async def role_in(store: Store, session_id: str, principal: str) -> Role | None:
    """Read as what somebody takes part in another one's session; nobody shares one with the local principal."""
    return None if principal == LOCAL else await store.grants.role(session_id, principal)


def check(role: Role | None, right: Right) -> None:
    """Refuse what a participant may not do.

    Raises:
        RoleError: It is.
    """
    if role is None or right == "read" or (right == "write" and role == "author"):
        return
    if right == "write":
        raise RoleError("You may read this session, not work on it.", "Ask its owner to share it with you as author.")
    raise RoleError(
        "This session is shared with you, and that is for its owner alone.",
        "Ask its owner, or call draft without session_id for a session of your own.",
    )


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


async def _home(keeper: Keeper, session_id: str) -> Head | None:
    await keeper.home(session_id)
    return await keeper.store.head(session_id)


async def _may_wait(keeper: Keeper, owner: str, session_id: str, head: Head | None) -> bool:
    """Tell whether a session with entries on this machine's disk is the owner's, or has come home by now."""
    opening = None if head is None else head.opening
    if opening is None and keeper.spool is not None:
        opening = await keeper.spool.opening(session_id)
    return not keeper.waits(session_id) if opening is None else opening.owner == owner
