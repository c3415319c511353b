"""Searching somebody's sessions for words: in titles, queries and every version of an answer, in any order.

Nothing is indexed, so nothing has to be kept true or erased twice: it reads the newest sessions' entries, a few at a
time, and says when it has not read them all. Listings without words are ``sessions``'s.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from companions.edits import Edits, place_corrected
from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions.configured import CONFIGURED
from sessions.listing import Listed, listing, newest_first
from sessions.sessions import Sessions
from sessions.stores.guarded import GuardedStore

SEARCHED = ("query", "draft", "revision", "configure")
"""A ``configure`` has a text where it corrects one."""
LOOKED = 1_000
"""Sessions whose texts are read at most."""
DEEPEST = 1_000
"""Newest entries of a session that are read at most."""
SECONDS = 4.0
"""How long is looked at most."""
WORDS = 16
"""Words that are looked for at most; whoever gives more is looking for a text, and its first ones find it."""
ENTRIES = 20
"""Entries that are read at a time: few, since each may hold 200 kB, and others want their turn in between."""
AT_ONCE = 4
BEFORE, BEHIND = 60, 100
"""Characters of an excerpt around the first word that was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Where in a session's texts a word was found, and what stands around it.

    Attributes:
        corrected: Whether the text was corrected since, so that it does not stand there any more.
    """

    companion_type: str
    slot: int
    kind: str
    text: str
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A session that holds all the words; without an excerpt, its title and newest answer do."""

    listed: Listed
    excerpt: Excerpt | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave.

    Attributes:
        hits: Last used first.
        whole: Whether all texts were read; of the others, only title and newest answer were compared.
    """

    hits: tuple[Hit, ...]
    whole: bool


async def search(sessions: Sessions, principal: str, sought: str, limit: int, *, own_only: bool = False) -> Found:
    """Find somebody's sessions, archived ones included.

    Args:
        sessions: Where they are.
        principal: Who searches.
        sought: Words, each of which must stand somewhere in a session, be it as a part of a word; case is ignored.
        limit: How many are given at most.
        own_only: Whether what others share with them is left out.

    Raises:
        StoreError: The store failed.
    """
    words = frozenset(sought.casefold().split()[:WORDS])
    hits, looked, until, whole = list[Hit](), set[str](), time.monotonic() + SECONDS, True
    async for few in _newest_first(sessions, principal, own_only=own_only):
        if len(looked) >= LOOKED or time.monotonic() >= until:
            titled = await listing(sessions, principal, search=sought, limit=limit, own_only=own_only)
            hits += _others(titled, hits)
            return Found(tuple(hits[:limit]), whole=False)
        # One that is used meanwhile moves to the front, and all others one place on.
        unseen = [each for each in few if each.head.opening.session_id not in looked]
        looked |= {each.head.opening.session_id for each in unseen}
        found = await asyncio.gather(*(_look(sessions.store, each, words, until) for each in unseen))
        hits += [hit for hit, _ in found if hit is not None]
        whole = whole and all(read for _, read in found)
        if len(hits) >= limit:
            break
    return Found(tuple(hits[:limit]), whole=whole)


async def _newest_first(sessions: Sessions, principal: str, *, own_only: bool) -> AsyncGenerator[Sequence[Listed]]:
    """Give somebody's sessions, as many at a time as are read at once."""
    async for page in newest_first(sessions, principal, own_only=own_only):
        for first in range(0, len(page), AT_ONCE):
            yield page[first : first + AT_ONCE]


def _others(titled: Sequence[Listed], hits: Sequence[Hit]) -> list[Hit]:
    """Give what else has the words, as they were given, in its title or newest answer."""
    known = {hit.listed.head.opening.session_id for hit in hits}
    return [Hit(each) for each in titled if each.head.opening.session_id not in known]


async def _look(store: GuardedStore, listed: Listed, words: frozenset[str], until: float) -> tuple[Hit | None, bool]:
    """Look for the words in one session; tells besides whether what was not found is not there."""
    head, shown = listed.head, listed.head.projection
    titled = head.opening.session_id if shown is None else f"{head.opening.session_id}\n{shown.title}\n{shown.preview}"
    missing = {word for word in words if word not in titled.casefold()}
    cited: tuple[Entry, Collection[str]] | None = None
    after, whole = max(0, head.seq - DEEPEST), head.seq <= DEEPEST
    while missing:
        if time.monotonic() >= until:
            return None, False
        try:
            entries = await _page(store, head.opening.session_id, after)
        except StoreAwayError:
            return None, False
        for entry in entries:
            folded = entry.text.casefold()
            here = {word for word in missing if word in folded}
            cited = cited or ((entry, here) if here else None)
            missing -= here
        if len(entries) < ENTRIES:
            break
        after = entries[-1].seq
    if missing:
        return None, whole
    return Hit(listed, None if cited is None else await _excerpt(store, head.opening.session_id, *cited)), True


async def _page(store: GuardedStore, session_id: str, after: int) -> list[Entry]:
    """Read some entries by themselves: of a search, it says nothing of the store that one read takes long."""
    look = partial(store.store.page, session_id, after=after, limit=ENTRIES, kinds=SEARCHED)
    return await store.alone(look, store.seconds)


async def _is_corrected(store: GuardedStore, session_id: str, entry: Entry) -> bool:
    """Tell whether an entry's text was corrected since; with the store away meanwhile, it is taken as it was found."""
    look = partial(store.store.tail, session_id, entry.companion_type, CONFIGURED)
    try:
        tail = await store.alone(look, store.seconds)
    except StoreAwayError:
        return False
    configured = [each for each in tail if each.kind == "configure"]
    return bool(configured) and Edits.after(configured[-1]).supersede(entry)


async def _excerpt(store: GuardedStore, session_id: str, entry: Entry, words: Collection[str]) -> Excerpt:
    """Cut out what stands around the first of the words; folding may move a place, which does not matter here."""
    folded = entry.text.casefold()
    place = min(folded.index(word) for word in words)
    text = " ".join(entry.text[max(0, place - BEFORE) : place + BEHIND].split())
    kind, place_of = entry.kind, place_corrected(entry)
    if place_of is not None:
        kind = "query" if place_of.version is None else "revision" if place_of.version else "draft"
    corrected = await _is_corrected(store, session_id, entry)
    return Excerpt(companion_type=entry.companion_type, slot=entry.slot, kind=kind, text=text, corrected=corrected)
