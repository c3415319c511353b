"""What every store must do, run over every store; nothing here knows which one it is talking to."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companions.errors import StoreError
from sessions.store import Append, Committed, Conflict, Gone, Head, Projection, Store
from tests.sessions.building import (
    COMPANIONS,
    SCRIPTS,
    TEXTS,
    WINDOWS,
    Script,
    Story,
    ids,
    note,
    one,
    projection,
    told,
)

EXAMPLES = itertools.count()


async def test_a_session_opens_with_its_first_entries_and_goes_on_where_it_stopped(store: Store) -> None:
    story = Story(store)
    await story.write(note("configure"), note("query"))
    await story.write(note("draft"))
    assert await store.page("s1") == story.entries
    assert [entry.seq for entry in story.entries] == [1, 2, 3]


@pytest.mark.parametrize("first", [1, 2, 3, 5, 6])
async def test_an_append_that_does_not_follow_the_head_is_refused_whole(store: Store, first: int) -> None:
    story = Story(store)
    await story.write(note(), note(), note())
    wrong = Story(store, entries=[*story.entries, *story.append(note(), note()).entries][: first - 1])
    assert await one(store, Append(session_id="s1", entries=wrong.append(note(), note()).entries)) == Conflict(3)
    assert await store.page("s1") == story.entries


async def test_an_append_to_an_unknown_session_is_gone(store: Store) -> None:
    entries = Story(store).append().entries
    assert await one(store, Append(session_id="s1", entries=entries)) == Gone()


async def test_a_session_is_not_opened_twice(store: Store) -> None:
    story = Story(store)
    await story.write(note("query"), note("draft"))
    goes_on = Append(session_id="s1", entries=story.append().entries, opening=story.opening)
    assert await store.append([Story(store, owner="bob").append(), goes_on]) == [Conflict(2), Conflict(2)]
    assert await store.head("s1") == Head(opening=story.opening, seq=2)


async def test_a_session_opens_with_its_first_number_only(store: Store) -> None:
    story = Story(store)
    late = Append(session_id="s1", entries=story.append(note(), note()).entries[1:], opening=story.opening)
    assert await one(store, late) == Conflict(0)
    assert await store.head("s1") is None


async def test_each_append_of_a_batch_has_an_outcome_of_its_own(store: Store) -> None:
    known, new = Story(store, "known"), Story(store, "new")
    await known.write()
    repeat = Append(session_id="known", entries=tuple(known.entries))
    unknown = Append(session_id="unknown", entries=repeat.entries)
    follows = known.append(note("query"))
    opens = new.append(note("query"))
    goes_on = Append(session_id="new", entries=Story(store, entries=list(opens.entries)).append().entries)
    outcomes = await store.append([repeat, unknown, follows, opens, goes_on, follows])
    assert outcomes == [Conflict(1), Gone(), Committed(), Committed(), Committed(), Conflict(2)]
    assert await store.page("known") == [*known.entries, *follows.entries]
    assert await store.page("new") == [*opens.entries, *goes_on.entries]


async def test_a_fork_opens_behind_its_base_and_only_where_the_parent_has_it(store: Store) -> None:
    parent = Story(store)
    await parent.write(note(), note(), note())
    fork = parent.fork("f1", 2)
    behind = Append(session_id="f1", entries=parent.fork("f1", 3).append().entries, opening=fork.opening)
    assert await one(store, behind) == Conflict(2)
    beyond = Story(store, "f1", parent="s1", base=4, entries=[*parent.entries, *parent.append().entries])
    assert await one(store, beyond.append()) == Conflict(3)
    orphan = Story(store, "f1", parent="nobody", base=2, entries=parent.entries[:2])
    assert await one(store, orphan.append()) == Gone()
    await fork.write(note("query"))
    assert await store.page("f1") == fork.entries
    assert await store.head("f1") == Head(opening=fork.opening, seq=3)
    assert await store.page("s1") == parent.entries


async def test_a_batch_may_open_a_session_and_its_fork(store: Store) -> None:
    parent = Story(store)
    opens = parent.append(note(), note())
    parent.entries += opens.entries
    fork = parent.fork("f1", 2)
    assert await store.append([opens, fork.append()]) == [Committed(), Committed()]


async def test_pages_follow_each_other_through_a_fork(store: Store) -> None:
    parent = Story(store)
    await parent.write(*(note() for _ in range(9)))
    fork = parent.fork("f1", 5)
    await fork.write(*(note("query") for _ in range(4)))
    for limit in (1, 2, 4, 100):
        read, after = list[int](), 0
        while page := await store.page("f1", after=after, limit=limit):
            assert page == fork.entries[after : after + limit]
            read, after = read + [entry.seq for entry in page], page[-1].seq
        assert read == list(range(1, 10))


async def test_a_page_holds_the_companion_slot_and_kinds_asked_for(store: Store) -> None:
    story = Story(store)
    kinds = ("query", "draft", "critique")
    await story.write(
        *(note(kind, companion=who, slot=slot) for slot in (0, 1) for who in COMPANIONS for kind in kinds)
    )
    page = await store.page("s1", companion_type="strategy", slot=1, kinds=("draft", "critique"))
    assert page == story.entries[10:]
    assert await store.page("s1", kinds=("query",), after=1, limit=2) == [story.entries[3], story.entries[6]]
    assert await store.page("s1", slot=0) == story.entries[:6]
    assert await store.page("s1", kinds=("pick",)) == []


async def test_nothing_is_read_of_an_unknown_session(store: Store) -> None:
    assert await store.head("s1") is None
    assert await store.page("s1") == []
    assert await store.tail("s1", "generic", WINDOWS[0]) == []


@given(script=SCRIPTS, forgotten=st.lists(st.integers(0, 9), max_size=4))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_tails_and_pages_are_what_the_entries_say(store: Store, script: Script, forgotten: list[int]) -> None:
    living = await told(store, f"example-{next(EXAMPLES)}", script)
    await asyncio.gather(*(story.check() for story in living))
    for number in forgotten[: len(living)]:
        assert await store.tombstone(living.pop(number % len(living)).session_id)
        await asyncio.gather(*(story.check() for story in living))


async def test_a_head_tells_how_a_session_was_opened_and_what_was_last_shown_of_it(store: Store) -> None:
    story = Story(store)
    await story.write(note(), note())
    assert await store.head("s1") == Head(opening=story.opening, seq=2)
    shown = Projection(
        session_id="s1", seq=2, title="T", last_used=9.5, preview="P", companions={"generic": {"slot": 0}}
    )
    await store.project([projection("unknown"), shown])
    assert await store.head("s1") == Head(opening=story.opening, seq=2, projection=shown)
    assert await store.head("unknown") is None


async def test_a_listing_begins_with_the_session_used_last(store: Store) -> None:
    for number in range(5):
        await Story(store, f"s{number}", created_at=10.0 + number).write()
    await Story(store, "bobs", owner="bob", created_at=99.0).write()
    await store.project([projection("s1", last_used=50.0), projection("s4", last_used=1.0)])
    assert await ids(store) == ["s1", "s3", "s2", "s0", "s4"]
    assert await ids(store, limit=2, offset=1) == ["s3", "s2"]
    assert await ids(store, offset=5) == []
    assert (await store.list("ann", limit=1)) == [await store.head("s1")]


async def test_a_lease_is_held_by_one_until_it_is_given_back(store: Store) -> None:
    assert await store.lease("job", "a", 60) == "a"
    assert await store.lease("job", "b", 60) == "a"
    assert await store.lease("job", "b", 0) == "a"
    assert await store.lease("other", "b", 60) == "b"
    assert await store.lease("job", "a", 60) == "a"
    assert await store.lease("job", "a", 0) == ""
    assert await store.lease("job", "b", 60) == "b"


async def test_an_expired_lease_is_taken_over_and_a_renewed_one_is_not(store: Store) -> None:
    assert await store.lease("expires", "a", 0.05) == "a"
    assert await store.lease("renewed", "a", 0.05) == "a"
    assert await store.lease("renewed", "a", 60) == "a"
    async with asyncio.timeout(10):
        while await store.lease("expires", "b", 60) != "b":
            pass
    assert await store.lease("renewed", "b", 60) == "a"


async def test_a_forgotten_session_is_as_unknown_and_stays_so(store: Store) -> None:
    story = Story(store)
    await story.write(note("query"), note("draft"))
    await store.project([projection("s1", title="T")])
    assert await store.tombstone("s1")
    assert not await store.tombstone("s1")
    assert not await store.tombstone("unknown")
    await store.project([projection("s1", title="T")])
    assert await store.head("s1") is None
    assert await ids(store) == []
    assert await store.page("s1") == await store.tail("s1", "generic", WINDOWS[0]) == []
    late, again, fork = story.append(), Story(store).append(), story.fork("f1", 1).append()
    assert await store.append([late, again, fork]) == [Gone(), Gone(), Gone()]


async def test_sessions_written_at_once_all_arrive(store: Store) -> None:
    stories = [Story(store, f"s{number}") for number in range(64)]

    async def grow(story: Story) -> None:
        for step in range(5):
            await story.write(note(text=f"{story.session_id} {step}"))

    await asyncio.gather(*map(grow, stories))
    for story in stories:
        assert await store.page(story.session_id) == story.entries


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_text_comes_back_as_it_was_written(store: Store, text: str) -> None:
    story = Story(store)
    await story.write(note("query", text=text, model=text, nested={"list": [1, 2.5, None, True, text]}))
    await store.project([projection("s1", title=text[:80], preview=text[:80])])
    assert await store.page("s1") == await store.tail("s1", "generic", WINDOWS[0]) == story.entries
    head = await store.head("s1")
    assert head is not None
    assert head.projection == projection("s1", title=text[:80], preview=text[:80])


async def test_a_closed_store_refuses_every_call(store: Store, call: Callable[[Store], Awaitable[object]]) -> None:
    await Story(store).write()
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await call(store)
