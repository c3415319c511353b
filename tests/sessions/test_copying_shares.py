"""What was learned, copied from store to store: each loop at most once, however often and whatever was added up."""

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.copying_shares import copy_shares
from sessions.pattern_store import PatternStore, Share
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.shared import share

PLACES = st.integers(0, 1)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), PLACES, st.sampled_from(["p1", "p2"])),
        st.tuples(st.just("fold"), PLACES, st.none()),
        st.tuples(st.just("reset"), PLACES, st.none()),
        st.tuples(st.just("copy"), PLACES, st.none()),
    ),
    min_size=6,
    max_size=20,
)
"""What happens to two stores: processes learn in them, shares are added up, all is forgotten, one is copied."""


def loops_of(shares: list[Share]) -> Counter[int]:
    return Counter(loop for each in shares for loop in each.state["loops"])


async def fold(store: PatternStore, name: str) -> None:
    """Add up all that a store holds, as is done with shares of processes that are gone."""
    before = await store.shares()
    assert await store.fold_shares(before, share(name, state={"loops": sorted(loops_of(before).elements())}))


@pytest.mark.parametrize("folded", ["source", "target", "both"])
async def test_a_copy_made_again_brings_nothing_twice_whichever_side_has_added_up_since(
    store: Store, folded: str
) -> None:
    source, target = MemoryStore(), store
    for number in (1, 2):
        assert await source.put_share(share(f"p{number}", state={"loops": [number]}))
    await copy_shares(source, target)
    if folded in {"source", "both"}:
        await fold(source, "folded in the source")
    if folded in {"target", "both"}:
        await fold(target, "folded in the target")
    await copy_shares(source, target)
    assert loops_of(await target.shares()) == {1: 1, 2: 1}


async def test_what_the_target_has_learned_of_the_same_itself_keeps_the_source_s_out_of_it(store: Store) -> None:
    source = MemoryStore()
    mine = [share("p1"), share("p1", model="openai:two"), share("p1", companion_type="strategy")]
    for each in mine:
        assert await source.put_share(each)
    assert await store.put_share(share("p2"))
    await copy_shares(source, store)
    assert await store.shares() == [share("p2"), *mine[1:]]


async def test_a_copy_made_again_brings_what_was_learned_since() -> None:
    source, target = MemoryStore(), MemoryStore()
    for each in (share("p1"), share("p1", 2), share("p2")):
        assert await source.put_share(each)
        await copy_shares(source, target)
        assert await target.shares() == await source.shares()


@given(moves=MOVES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_store_ever_knows_a_loop_twice(moves: list[tuple[str, int, str | None]]) -> None:
    stores, numbers = [MemoryStore(), MemoryStore()], count()
    for move, place, how in moves:
        here = stores[place]
        shares = await here.shares()
        if move == "learn":
            # A process whose share was taken away goes on under another name.
            own = next((each for each in shares if each.process.startswith(f"{how} of {place}")), None)
            new = own or share(f"{how} of {place}, {next(numbers)}", state={"loops": []})
            loops = [*new.state["loops"], next(numbers)]
            assert await here.put_share(replace(new, version=new.version + (own is not None), state={"loops": loops}))
        elif move == "fold" and len(shares) > 1:
            await fold(here, f"folded {next(numbers)}")
        elif move == "reset":
            await here.drop_shares()
        elif move == "copy":
            await copy_shares(here, stores[1 - place])
        for each in stores:
            assert set(loops_of(await each.shares()).values()) <= {1}
