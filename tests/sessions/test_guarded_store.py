"""A store within bounds: in time or not at all, repeated where that may help, and nothing stored twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.store import Append, Committed, Conflict, Store
from sessions.stores.guarded import HURRY, GuardedStore
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, placed
from tests.sessions.conftest import CALLS
from tests.sessions.faults import Fault, FaultyStore, until
from tests.sessions.writing import log_of

AWAY = StoreAwayError("The store is away.", "Wait.")
SECONDS = 0.2
AMPLE = 20.0
"""A deadline for calls that are to succeed, on slow machines too."""
PATIENT = pytest.mark.parametrize("guarded", [AMPLE], indirect=True)


@pytest.fixture
async def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    with log_of("companions.store") as said:
        yield said


@pytest.fixture(params=[SECONDS])
async def guarded(request: pytest.FixtureRequest, faulty: FaultyStore) -> AsyncIterator[GuardedStore]:
    made = GuardedStore(faulty, request.param)
    yield made
    for gate in faulty.gates.values():
        gate.open()
    await made.rest()


async def test_a_call_that_hangs_ends_at_its_deadline_and_the_ones_after_it_at_once(
    guarded: GuardedStore, faulty: FaultyStore, call: Callable[[Store], Awaitable[object]]
) -> None:
    guarded.patience = SECONDS
    await Story(faulty.store).write()
    for method in ("append", "tail", "page", "head", "list", "project", "lease", "tombstone"):
        faulty.holds(method)
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(StoreAwayError, match="did not answer in time"):
        await call(guarded)
    assert SECONDS <= loop.time() - started <= SECONDS + 0.5
    if call in {CALLS["project"], CALLS["tombstone"]}:
        assert not guarded.away, "it may have had much to do"
    else:
        with pytest.raises(StoreAwayError, match="is away"):
            await asyncio.wait_for(call(guarded), SECONDS / 2)


async def test_a_store_that_answers_again_is_found_in_the_background(
    guarded: GuardedStore, faulty: FaultyStore, logged: list[str]
) -> None:
    back = asyncio.Event()
    guarded.on_back = back.set
    gate = faulty.holds("head")
    with pytest.raises(StoreAwayError):
        await guarded.head("s1")
    gate.open()
    await asyncio.wait_for(back.wait(), 10)
    assert not guarded.away
    assert await guarded.head("s1") is None
    assert logged[-1] == "the store is back"


@PATIENT
async def test_a_store_that_is_away_for_a_moment_is_not_missed(guarded: GuardedStore, faulty: FaultyStore) -> None:
    faulty.breaks("head", Fault(AWAY), Fault(AWAY))
    faulty.breaks("append", Fault(AWAY), Fault(AWAY, commits=True))
    story = Story(faulty.store)
    assert await guarded.head("s1") is None
    assert await guarded.append([story.append(note("query"))]) == [Committed()]
    assert len(await faulty.store.page("s1")) == 1, "stored once, by the call that could not say so"
    assert not guarded.away


async def test_a_store_that_fails_for_good_is_not_asked_again(guarded: GuardedStore, faulty: FaultyStore) -> None:
    faulty.breaks("head", Fault(StoreError("The disk is full.", "Free some space.")))
    with pytest.raises(StoreError, match="full"):
        await guarded.head("s1")
    assert not guarded.away


@PATIENT
async def test_a_conflict_is_one_unless_the_entry_that_is_there_has_the_same_id(
    guarded: GuardedStore, faulty: FaultyStore
) -> None:
    story = Story(faulty.store)
    await story.write(note("query"), note("draft"))
    ours = placed(note("critique"), 2)
    assert await guarded.append([Append(session_id="s1", entries=(ours,))]) == [Committed()]
    strangers = replace(ours, id="another-1-1")
    assert await guarded.append([Append(session_id="s1", entries=(strangers,))]) == [Conflict(2)]


@PATIENT
async def test_what_is_missing_of_an_append_that_is_partly_there_is_stored(
    guarded: GuardedStore, faulty: FaultyStore
) -> None:
    story = Story(faulty.store)
    whole = story.append(note("query"), note("draft"), note("critique"))
    first = Append(session_id="s1", entries=whole.entries[:1], opening=whole.opening)
    assert await faulty.store.append([first]) == [Committed()]
    assert await guarded.append([whole]) == [Committed()]
    assert await faulty.store.page("s1") == [*whole.entries]


async def test_a_hurried_store_is_waited_for_less_long() -> None:
    faulty = FaultyStore(MemoryStore())
    guarded = GuardedStore(faulty, 60.0)
    guarded.hurry()
    faulty.holds("head")
    started = asyncio.get_running_loop().time()
    with pytest.raises(StoreAwayError):
        await guarded.head("s1")
    assert asyncio.get_running_loop().time() - started <= HURRY + 1
    await guarded.rest()
    assert guarded.deadline == 60.0


async def test_a_rest_leaves_nothing_running(guarded: GuardedStore, faulty: FaultyStore) -> None:
    before = asyncio.all_tasks()
    faulty.holds("head")
    with pytest.raises(StoreAwayError):
        await guarded.head("s1")
    assert asyncio.all_tasks() > before
    await guarded.rest()
    await until(lambda: asyncio.all_tasks() == before)


async def test_a_search_that_takes_long_fails_alone(guarded: GuardedStore, faulty: FaultyStore) -> None:
    guarded.patience = SECONDS
    faulty.holds("list")
    with pytest.raises(StoreAwayError, match="in time"):
        await guarded.list("ann", search="a rare word")
    assert not guarded.away
    assert await guarded.head("s1") is None


async def test_importing_a_driver_does_not_count_against_a_deadline(guarded: GuardedStore, faulty: FaultyStore) -> None:
    gate = faulty.holds("load")
    asking = asyncio.create_task(guarded.head("s1"))
    await asyncio.wait({asking}, timeout=2 * SECONDS)
    assert not asking.done()
    gate.open()
    assert await asking is None
    assert not guarded.away


async def test_a_caller_that_goes_away_does_not_make_the_store_be_away(
    guarded: GuardedStore, faulty: FaultyStore
) -> None:
    gate = faulty.holds("head")
    asking = asyncio.create_task(guarded.head("s1"))
    await gate.reached.wait()
    asking.cancel()
    await asyncio.wait({asking})
    gate.open()
    assert asking.cancelled()
    assert not guarded.away
