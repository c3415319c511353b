"""The order of listings, where some sessions are pinned and some are another's: their pages are what the whole is."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.grant_store import Grants, Participant
from sessions.labels import listed_at
from sessions.listing import Listed, listing, newest_first
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, projection
from tests.sessions.company import ANN, BOB
from tests.sessions.faults import Process

ALL = 100


@dataclass(frozen=True, slots=True)
class Known:
    """A session that Bob can reach: when it was used, and whether it is his or is shared with him."""

    used_at: int
    shared: bool
    pinned: bool

    @property
    def place(self) -> int:
        return self.used_at + (1_000 if self.pinned and not self.shared else 0)


KNOWN = st.lists(st.builds(Known, st.integers(1, 9), st.booleans(), st.booleans()), max_size=12)


async def kept(known: list[Known]) -> Process:
    store = MemoryStore()
    for number, each in enumerate(known):
        session_id = f"s{number}"
        await Story(store, session_id, owner=ANN if each.shared else BOB).write()
        shown = projection(session_id, title="Title", last_used=listed_at(each.used_at, pinned=each.pinned))
        await store.project([shown])
        if each.shared:
            part = Participant(session_id=session_id, principal=BOB, role="reader", since=1.0)
            await store.grants.put(Grants((), (part,)))
    return Process.on(store)


def told(found: list[Listed]) -> list[str]:
    return [each.head.opening.session_id for each in found]


@given(known=KNOWN, limit=st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_pages_of_a_listing_are_the_listing(known: list[Known], limit: int) -> None:
    async def check() -> None:
        process = await kept(known)
        sessions = process.calls.desk.sessions
        whole = await listing(sessions, BOB, limit=ALL)
        places = [known[int(session_id[1:])].place for session_id in told(whole)]
        assert sorted(told(whole)) == sorted(f"s{number}" for number in range(len(known)))
        assert places == sorted(places, reverse=True)
        for offset in range(len(known) + 2):
            page = await listing(sessions, BOB, limit=limit, offset=offset)
            assert told(page) == told(whole)[offset : offset + limit]
        searched = await listing(sessions, BOB, search="title", limit=limit, offset=1)
        assert told(searched) == told(whole)[1 : 1 + limit]
        assert [each async for some in newest_first(sessions, BOB) for each in told([*some])] == told(whole)
        own = [session_id for session_id in told(whole) if not known[int(session_id[1:])].shared]
        assert told(await listing(sessions, BOB, limit=limit, own_only=True)) == own[:limit]
        found = [each async for some in newest_first(sessions, BOB, own_only=True) for each in told([*some])]
        assert found == own
        await process.calls.rest()

    asyncio.run(check())
