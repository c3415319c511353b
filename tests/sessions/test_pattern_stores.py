"""What every store must do with shares, run over every store; nothing here knows which one it is talking to."""

import asyncio
import string
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companions.errors import StoreError
from companions.patterns.sample import Effort, Revised, Sample
from companions.patterns.sums import NOTHING, from_json, merged
from sessions.pattern_store import PatternStore, Share
from sessions.store import Store
from tests.sessions.building import TEXTS, Story
from tests.sessions.shared import share

CALLS: dict[str, Callable[[PatternStore], Awaitable[object]]] = {
    "shares": lambda store: store.shares(),
    "put_share": lambda store: store.put_share(share()),
    "fold_shares": lambda store: store.fold_shares([share()], share("p2")),
    "drop_shares": lambda store: store.drop_shares(),
}
# Quotes, brackets and commas are what names are parted by where they are written down, the last two what UTF-8 and
# PostgreSQL's texts do not know.
NAMES = st.text(st.sampled_from('ab",[]\\: {}é漢\U0001f9e0\ud800\0'), max_size=6)


async def test_shares_are_read_in_order_all_of_them_or_those_of_a_companion_type(store: Store) -> None:
    names = [(kind, model, process) for kind in "ab" for model in ("m", "n") for process in ("p", "q")]
    made = [Share(companion_type=k, model=m, process=p, version=1, state={}, at=1.0) for k, m, p in names]
    for each in reversed(made):
        assert await store.put_share(each)
    assert await store.shares() == made
    assert await store.shares("b") == made[4:]
    assert await store.shares("B") == await store.shares("") == []


async def test_a_share_is_put_in_place_of_the_version_before_it_and_of_no_other(store: Store) -> None:
    assert not await store.put_share(share(version=2))
    for version in (1, 2, 3):
        assert await store.put_share(share(version=version))
    for other in (share(version=1), share(version=2), share(version=5), share(version=3, state={"another": 1})):
        assert not await store.put_share(other)
    assert await store.shares() == [share(version=3)]


async def test_a_share_that_is_put_again_is_there_once_and_told_as_there(store: Store) -> None:
    for version in (1, 2):
        for _ in range(3):
            assert await store.put_share(share(version=version))
    assert await store.shares() == [share(version=2)]


async def test_of_shares_put_at_once_as_one_version_one_wins(store: Store) -> None:
    for version in range(1, 9):
        rivals = [share(version=version, state={"rival": number}) for number in range(8)]
        won = await asyncio.gather(*map(store.put_share, rivals))
        assert sorted(won) == [False] * 7 + [True]
        assert await store.shares() == [rivals[won.index(True)]]


async def test_the_same_share_put_by_calls_that_cross_is_told_to_each_as_there(store: Store) -> None:
    for version in range(1, 9):
        assert await asyncio.gather(*(store.put_share(share(version=version)) for _ in range(8))) == [True] * 8


async def test_what_was_dropped_comes_back_by_nobody_who_did_not_hear_of_it(store: Store) -> None:
    assert await store.drop_shares() == 0
    for version in (1, 2):
        assert await store.put_share(share(version=version))
    assert await store.put_share(share("p2", companion_type="strategy"))
    assert await store.drop_shares("generic") == 1
    assert not await store.put_share(share(version=2))
    assert not await store.put_share(share(version=3))
    assert not await store.fold_shares([share(version=2)], share("p3"))
    begun_anew = share(version=1, state={"new": 1})
    assert await store.put_share(begun_anew)
    assert await store.drop_shares("unknown") == 0
    assert await store.shares("generic") == [begun_anew]
    assert await store.drop_shares() == 2
    assert await store.shares() == []


async def test_shares_are_folded_into_a_new_one_or_into_one_of_theirs(store: Store) -> None:
    folded = [share("p1"), share("p2"), share("p3")]
    stays = share("p2", companion_type="strategy")
    for each in (*folded, stays):
        assert await store.put_share(each)
    for _ in range(2):
        assert await store.fold_shares(folded[:2], share("folded", state={"slots": 2}))
        assert await store.shares() == [share("folded", state={"slots": 2}), folded[2], stays]
    mine = share("p3", 2, state={"slots": 3})
    for _ in range(2):
        assert await store.fold_shares([share("folded", state={"slots": 2}), folded[2]], mine)
        assert await store.shares() == [mine, stays]
    assert not await store.put_share(share("p1", 2)), "it was folded"
    assert not await store.put_share(share("p3", 2)), "another is there in this version"
    assert await store.put_share(share("p3", 3))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([share("p1"), share("p2")], share("p4")),
        ([share("p1"), share("p3")], share("p4")),
        ([share("p1"), share("p2", 3)], share("p4")),
        ([share("p1", state={}), share("p2", 2)], share("p4")),
        ([share("p1", model="openai:two")], share("p4")),
        ([share("p1")], share("p2", 3)),
        ([share("p1")], share("p2", 2)),
        ([], share("p2", 3)),
    ],
    ids=["older", "unknown", "newer", "another", "other model", "occupied", "occupied by itself", "none"],
)
async def test_a_fold_that_does_not_find_what_it_folds_changes_nothing(
    store: Store, before: list[Share], after: Share
) -> None:
    there = [share("p1"), share("p2", 2)]
    for each in (share("p1"), share("p2"), share("p2", 2)):
        assert await store.put_share(each)
    assert not await store.fold_shares(before, after)
    assert await store.shares() == there


@pytest.mark.parametrize("into", ["p1", "p9"])
async def test_a_fold_and_a_put_of_what_it_folds_never_both_come_about(store: Store, into: str) -> None:
    for turn in range(20):
        one, other, newer = share("p1"), share("p2"), share("p2", 2)
        assert await store.put_share(one)
        assert await store.put_share(other)
        after = share(into, 7, state={"turn": turn})
        calls = [store.fold_shares([one, other], after), store.put_share(newer)]
        outcomes = await asyncio.gather(*(calls if turn % 2 else reversed(calls)))
        folded, put = outcomes if turn % 2 else reversed(outcomes)
        assert folded != put
        assert await store.shares() == ([after] if folded else [one, newer])
        await store.drop_shares()


async def test_of_folds_of_the_same_shares_one_comes_about(store: Store) -> None:
    for _ in range(10):
        parts = [share(f"p{number}") for number in range(4)]
        assert await asyncio.gather(*map(store.put_share, parts)) == [True] * 4
        results = [share(f"by {number}", state={"slots": 4}) for number in range(4)]
        orders = (parts, parts[::-1], parts[2:] + parts[:2], parts[1:] + parts[:1])
        won = await asyncio.gather(*map(store.fold_shares, orders, results))
        assert sorted(won) == [False] * 3 + [True]
        assert await store.shares() == [results[won.index(True)]]
        assert await store.drop_shares("generic") == 1


@given(names=st.sets(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=8))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_names_are_any_text_and_none_is_taken_for_another(store: Store, names: set[tuple[str, str, str]]) -> None:
    ordered = sorted(names)
    made = [
        Share(companion_type=kind, model=model, process=process, version=1, state={"number": number}, at=0.5)
        for number, (kind, model, process) in enumerate(ordered)
    ]
    for each in made:
        assert await store.put_share(each)
    assert await store.shares() == made
    assert await store.fold_shares([made[0]], share("folded", companion_type="folded"))
    for kind in {name[0] for name in ordered}:
        left = [each for each in made[1:] if each.companion_type == kind]
        assert await store.shares(kind) == left
        assert await store.drop_shares(kind) == len(left)
    assert await store.drop_shares() == 1


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_share_comes_back_as_it_was_put(store: Store, text: str) -> None:
    state: dict[str, Any] = {"text": text, "list": [1, 0.1 + 0.2, -1e-300, 2**53, None, True, {"b": 1, "a": []}]}
    put = share("p" + text, companion_type="t" + text, model=text, state=state, at=1_763_000_000.123456)
    assert await store.put_share(put)
    assert await store.shares() == await store.shares("t" + text) == [put]
    await store.drop_shares()


async def test_names_may_be_longer_than_an_index_holds(store: Store) -> None:
    # Not one letter many times: a store may compress.
    long = "".join(f"{number} {string.printable}" for number in range(200))
    made = [share(model=f"{long}{end}") for end in "ab"]
    for each in made:
        assert await store.put_share(each)
    assert await store.shares() == made
    assert await store.fold_shares(made, share())


async def test_processes_that_learn_apart_know_the_same_as_one_that_learned_it_all(store: Store) -> None:
    one, shares = NOTHING, {f"p{number}": NOTHING for number in range(4)}
    for number in range(60):
        process = f"p{number % 4}"
        step = Revised(similarity=1 - 1 / (number + 1))
        sample = Sample(
            revisions=1 + number % 3,
            censored=number % 5 == 0,
            steps=(step,) * (1 + number % 3),
            efforts={"draft": Effort(steps=1, seconds=number / 3, reported=1, tokens=number)},
        )
        at = 1_000_000.0 * number
        one, shares[process] = one.and_sample(sample, at), shares[process].and_sample(sample, at)
        state = shares[process].to_json()
        assert await store.put_share(share(process, shares[process].slots, state=state, at=at))
    kept = await store.shares("generic")
    assert merged(*(from_json(each.state) for each in kept)) == one
    folded = share("p0", kept[0].version + 1, state=merged(*(from_json(each.state) for each in kept)).to_json())
    assert await store.fold_shares(kept, folded)
    assert [from_json(each.state) for each in await store.shares()] == [one]


async def test_what_was_learned_and_sessions_are_not_erased_with_each_other(store: Store) -> None:
    story = Story(store)
    await story.write()
    assert await store.put_share(share())
    size = await store.size()
    assert (size.sessions, size.entries) == (1, 1)
    assert await store.drop_shares() == 1
    assert await store.page("s1") == story.entries
    assert await store.put_share(share())
    assert await store.tombstone("s1")
    assert await store.shares() == [share()]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_closed_store_refuses_every_call(
    store: Store, call: Callable[[PatternStore], Awaitable[object]]
) -> None:
    assert await store.put_share(share())
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await call(store)


def test_a_version_that_nothing_can_follow_on_is_no_version() -> None:
    with pytest.raises(ValueError, match="begin at 1, not at 0"):
        share(version=0)
