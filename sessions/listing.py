"""The sessions that somebody can reach, pinned ones first, then by last use: their own, and those shared with them.

Own ones come from the store as a listing; the shared ones, which are few, are read as a whole and put among them. What
is told of each is ``reading``'s work.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from companions.errors import StoreError
from sessions.grant_store import Role
from sessions.labels import MOST_PINNED, listed_at
from sessions.principals import LOCAL
from sessions.projections import named
from sessions.retention import last_used
from sessions.store import Head

if TYPE_CHECKING:
    from sessions.sessions import Sessions

PAGE = 60
NEWEST = 3
"""Sessions that an error names."""
MOST_LOOKED_AT = 120
"""Sessions among which those that are not pinned are looked for."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in a listing, and as what whoever lists it takes part in it; ``None`` is its owner."""

    head: Head
    role: Role | None = None

    @property
    def used_at(self) -> float:
        """When it was last used, in seconds since the epoch."""
        return last_used(self.head)

    @property
    def place(self) -> float:
        """By what it is put in order: what its owner pinned stands first with the owner."""
        return listed_at(self.used_at, pinned=self.head.pinned and self.role is None)


async def listing(
    sessions: "Sessions",
    principal: str,
    *,
    search: str | None = None,
    limit: int = 10,
    offset: int = 0,
    own_only: bool = False,
) -> list[Listed]:
    """List the newest sessions that somebody can reach, or owns, but the first few; a search gives archived ones too.

    Raises:
        StoreError: The store failed.
    """
    shared = [] if own_only else await _shared(sessions, principal)
    if search:
        shared = [each for each in shared if _shows(each.head, search.casefold())]
    else:
        now = time.time()
        shared = [each for each in shared if not sessions.retention.archived(each.head, now)]
    # However many of the shared ones stand before it: no own one that is left out can be among those that are chosen.
    left_out = max(0, offset - len(shared))
    heads = await sessions.list(principal, search=search, limit=limit + offset - left_out, offset=left_out)
    own = [Listed(head) for head in heads]
    before = sum(left_out > 0 and (not own or each.place > own[0].place) for each in shared)
    first = offset - left_out - before
    chosen = _in_order([*own, *shared[before:]])[first : first + limit]
    return [replace(each, head=await sessions.shown(each.head)) if each.role else each for each in chosen]


async def newest_first(
    sessions: "Sessions", principal: str, *, own_only: bool = False
) -> AsyncGenerator[Sequence[Listed]]:
    """Give all sessions that somebody can reach, or owns, archived ones too, some at a time."""
    shared = [] if own_only else await _shared(sessions, principal)
    offset = 0
    while page := await sessions.list(principal, limit=PAGE, offset=offset, archived=True):
        own = [Listed(head) for head in page]
        until = sum(each.place >= own[-1].place for each in shared)
        yield _in_order([*own, *shared[:until]])
        shared, offset = shared[until:], offset + len(page)
    if shared:
        yield shared


async def behind_pinned(sessions: "Sessions", principal: str, wanted: int, *, least: int = 0) -> list[Listed]:
    """List what stands first, as far as so many that are not pinned: more than ten can be, where two pin at once.

    Args:
        sessions: Where they are.
        principal: Who asks.
        wanted: How many that are not pinned.
        least: How many are given anyway.
    """
    found, size = list[Listed](), max(wanted + MOST_PINNED, least)
    while len(found) < MOST_LOOKED_AT:
        page = await listing(sessions, principal, limit=size, offset=len(found))
        found += page
        free = sum(each.role is not None or not each.head.pinned for each in found)
        if len(page) < size or free >= wanted:
            break
    return found


async def newest(sessions: "Sessions", principal: str) -> str:
    """Name somebody's newest sessions in one clause, for errors."""
    try:
        found = await behind_pinned(sessions, principal, NEWEST)
    except StoreError:
        return "Which ones are yours cannot be told now: the store does not answer."
    if not found:
        return "You have no sessions yet: call draft with a query to open one."
    newest_used = sorted(found, key=lambda each: each.used_at, reverse=True)[:NEWEST]
    return f"Your newest sessions: {', '.join(named(each.head) for each in newest_used)}."


async def _shared(sessions: "Sessions", principal: str) -> list[Listed]:
    """Give the sessions that are shared with somebody, last used first; with the local principal nobody shares any."""
    if principal == LOCAL:
        return []
    await sessions.projector.flush()
    return _in_order([Listed(head, part.role) for part, head in await sessions.store.grants.joined(principal)])


def _in_order(found: list[Listed]) -> list[Listed]:
    return sorted(found, key=lambda each: each.place, reverse=True)


def _shows(head: Head, sought: str) -> bool:
    shown = head.projection
    titled = "" if shown is None else f"\n{shown.title}\n{shown.preview}"
    return sought in f"{head.opening.session_id}{titled}".casefold()
