"""What a program that ends has counted is there for the next one, and what it has not is found by that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sessions import learning, left_sessions
from sessions.left_sessions import LeftSessions
from sessions.projections import brought_up
from sessions.retention import Retention, prune
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story, note, projection
from tests.sessions.faults import OWNER, FaultyStore, until
from tests.sessions.learners import converged, counted, known, learner, marks
from tests.sessions.looping import MORE, kept, process_on


@pytest.fixture
async def opened(path: Path) -> AsyncIterator[SQLiteStore]:
    made = SQLiteStore(path)
    yield made
    await made.close()


async def test_a_program_that_ends_counts_no_more_than_it_can_also_put(
    opened: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "LAST_SECONDS", 10.0)
    async with process_on(opened, keeps=True, mode="client") as one:
        sessions = [await converged(one, f"Question {number}?") for number in range(3)]
        resting = asyncio.create_task(one.calls.rest())
        await until(lambda: marks(one) == 1 or resting.done())
        one.store.holds("head")  # the second takes longer than there is time
        await resting
    async with process_on(opened, keeps=True, mode="client") as new:
        await learner(new).settle()
        assert sum([len(await kept(new, each, "learned")) for each in sessions]) == known(new)[0] == marks(one) < 3


async def test_a_mark_that_is_being_made_when_the_program_ends_is_made_once_and_counts(opened: SQLiteStore) -> None:
    async with process_on(opened, keeps=True, mode="client") as one:
        session_id = await converged(one)
        gate = one.store.holds("append")
        settling = asyncio.create_task(learner(one).settle())
        async with asyncio.timeout(10):
            await gate.reached.wait()
        settling.cancel()
        await asyncio.wait({settling})
        resting = asyncio.create_task(one.calls.rest())
        for _ in range(100):  # time enough to mark it a second time
            await asyncio.sleep(0)
        gate.open()
        await resting
    async with process_on(opened, keeps=True, mode="client") as new:
        await learner(new).settle()
        assert len(await kept(new, session_id, "learned")) == known(new)[0] == 1


async def test_what_an_ended_process_left_is_counted_by_one_that_comes_later_and_once(store: Store) -> None:
    async with process_on(store, keeps=True, mode="client") as first:
        session_id = (await first.step("draft", query="Q?", text="One.")).session_id
        await first.step("critique", session_id, text=MORE)
        await first.step("revise", session_id, text="Two is more than one.")
        await first.calls.rest()
    for _ in range(2):
        async with process_on(store, keeps=True, mode="client") as later:
            learner(later).left_seconds = 0.0
            await learner(later).look()
            await counted(later)
            assert known(later) == (1, (0.0, 0.0, 0.0), (1.0, 1.0, 0.0))
            (learned,) = await kept(later, session_id, "learned")
            assert learned.meta == {"model": "host", "revisions": 1, "censored": True}


async def test_a_process_looks_in_the_background_for_what_ended_ones_left(
    opened: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "FIRST_LOOK_SECONDS", 0.0)
    async with process_on(opened, keeps=True, mode="client") as first:
        await first.step("draft", query="Q?", text="One.")
        await first.calls.rest()
    async with process_on(opened, keeps=True, mode="client") as later:
        learner(later).left_seconds = learner(later).pause = 0.0
        await later.step("draft", query="Another?", text="One.")
        await until(lambda: known(later)[0] == 2)


async def test_a_session_that_was_used_lately_is_not_taken_for_left(opened: SQLiteStore) -> None:
    async with process_on(opened, keeps=True, mode="client") as one, process_on(opened, keeps=True) as other:
        session_id = (await one.step("draft", query="Q?", text="One.")).session_id
        await one.step("critique", session_id, text=MORE)
        await learner(other).look()
        await learner(other).settle()
        assert await kept(other, session_id, "learned") == []


async def test_a_look_takes_the_newest_that_were_left_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_sessions, "NEWEST", 2)
    monkeypatch.setattr(left_sessions, "PAUSE_SECONDS", 0.0)
    store = FaultyStore(MemoryStore())
    for session_id, last_used in {"a": 1.0, "b": 4.0, "c": 3.0, "d": 2.0, "e": 9.0}.items():
        await left_alone(store, session_id, last_used)
    left = LeftSessions(store)
    assert await looked(left) == ["b", "c"]
    assert await looked(left) == ["d", "a"]
    assert await looked(left) == []
    await left_alone(store, "c", 5.0)
    assert await looked(left) == ["c"]


async def test_a_look_walks_a_part_of_a_large_store_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAGE": 2, "PAGES": 2, "PAUSE_SECONDS": 0.0}.items():
        monkeypatch.setattr(left_sessions, name, value)
    store = FaultyStore(MemoryStore())
    for session_id in "abcdef":
        await left_alone(store, session_id, 1.0)
    left = LeftSessions(store)
    assert [await looked(left) for _ in range(2)] == [["a", "b", "c", "d"], ["e", "f"]]


async def left_alone(store: Store, session_id: str, last_used: float) -> None:
    """Store a session with a draft in its second slot."""
    head = await store.head(session_id)
    if head is None:
        await Story(store, session_id).write(note("query"))
    shown = {"generic": {"slot": 1, "versions": 1}}
    await store.project([replace(projection(session_id, last_used=last_used), companions=shown)])


async def looked(left: LeftSessions) -> list[str]:
    return [place.session_id for place in await left.look(8.0)]


async def test_that_a_session_was_learned_from_is_no_use_of_it(opened: SQLiteStore) -> None:
    async with process_on(opened, keeps=True, mode="client") as one:
        session_id = await converged(one)
        await one.step("draft", session_id, "strategy", query="Which way?", text="That way.")
        await learner(one).settle()
        assert len(await kept(one, session_id, "learned")) == 1
        (before,) = await one.calls.desk.sessions.list(OWNER)
    async with process_on(opened, keeps=True, mode="client") as other:
        assert (await other.calls.desk.sessions.find(OWNER, session_id)).last_type == "strategy"
        (after,) = await other.calls.desk.sessions.list(OWNER)
        assert after.projection == before.projection


async def test_that_a_session_was_learned_from_is_no_use_of_it_after_a_crash_either(store: Store) -> None:
    story = Story(store, created_at=1_000.0)
    await story.write(note("query"), note("draft"))
    await store.project([replace(projection("s1", last_used=1_002.5), seq=2)])
    await story.write(note("learned"))
    head = await store.head("s1")
    assert head is not None
    assert (await brought_up(store, head)).last_used == 1_002.5


async def test_that_an_old_session_was_learned_from_lately_does_not_keep_it() -> None:
    store = MemoryStore()
    story = Story(store, "s1", created_at=1_000.0)
    await story.write(note("query"), note("draft"))
    await story.write(note("learned"))  # seconds later than the draft
    await store.project([projection("s1", last_used=1_002.5)])
    pruned = await prune(store, Retention(delete=10.0), 1_013.0, dry_run=False, holder="tests")
    assert pruned.deleted == 1
