"""What every store finds by the words that are shown of a session; one whose texts are sealed has no such words."""

import pytest

from sessions.store import Store
from tests.sessions.building import SEARCHES, Story, ids, projection


@pytest.mark.parametrize(("search", "found"), SEARCHES.items())
async def test_a_search_takes_its_words_as_they_are_but_for_their_case(
    store: Store, search: str, found: list[str]
) -> None:
    for at, name in enumerate(("s-one", "s-two", "s-three")):
        await Story(store, name, created_at=float(at)).write()
    await store.project(
        [
            projection("s-one", title="The Plan", preview="done to 100%", last_used=0.0),
            projection("s-two", title="Kein ärger", preview="a\\b, no PLAN", last_used=1.0),
        ]
    )
    assert await ids(store, search) == found
    assert await ids(store, search, limit=1, offset=1) == found[1:2]
