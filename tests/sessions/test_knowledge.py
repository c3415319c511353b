"""What a process knows: no clock, no crossing call and no doubtful put makes it more or less than was learned."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from companions.errors import StoreAwayError
from companions.patterns.sums import PERIOD_SECONDS
from sessions import knowledge
from sessions.knowledge import IDLE_SECONDS, Knowledge
from sessions.pattern_store import PatternStore
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Fault, FaultyStore
from tests.sessions.taught import told
from tests.sessions.writing import log_of

Clock = Callable[[float], None]


@pytest.fixture
def clock_off_by(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give a clock that is wrong by as many seconds as one says."""

    def off_by(seconds: float) -> None:
        monkeypatch.setattr(knowledge, "time", SimpleNamespace(time=lambda: time.time() + seconds))

    return off_by


async def taught(store: PatternStore, loops: int = 3) -> Knowledge:
    made = Knowledge(store=store)
    for _ in range(loops):
        made.add("generic", "host", told(2), knowledge.time.time())
    await made.exchange()
    return made


def slots(known: Knowledge) -> int:
    return known.of("generic", "host").slots


async def test_what_a_wrong_clock_has_learned_is_set_aside_by_others_and_told_once(clock_off_by: Clock) -> None:
    store = MemoryStore()
    clock_off_by(64 * PERIOD_SECONDS)
    await taught(store)
    clock_off_by(0.0)
    with log_of("companions.learning") as said:
        one = await taught(store)
        await one.exchange()
    assert slots(one) == 3
    assert len(said) == 1
    assert "a clock was wrong" in said[0]


@pytest.mark.parametrize("put", [True, False])
async def test_a_process_whose_clock_was_wrong_learns_again_once_it_is_right(clock_off_by: Clock, put: bool) -> None:
    store = MemoryStore()
    clock_off_by(64 * PERIOD_SECONDS)
    one = await taught(store, 3 if put else 0)
    one.add("generic", "host", told(2), knowledge.time.time())
    clock_off_by(0.0)
    with log_of("companions.learning"):
        await one.exchange()
        one.add("generic", "host", told(2), time.time())
        await one.exchange()
        other = await taught(store, 1)
    assert (slots(one), slots(other)) == (1, 2)
    assert len(await store.shares()) == 2 + put, "what is of a time to come is not put"


async def test_a_slot_that_ended_in_time_to_come_counts_as_ended_now() -> None:
    one = Knowledge(store=MemoryStore())
    one.add("generic", "host", told(2), time.time() + 64 * PERIOD_SECONDS)
    one.add("generic", "host", told(2), time.time())
    assert one.of("generic", "host").one("reached") == 2.0


async def test_exchanges_that_cross_count_each_slot_once() -> None:
    store = FaultyStore(MemoryStore())
    one = Knowledge(store=store)
    one.add("generic", "host", told(2), time.time())
    gate = store.holds("put_share")
    several = [asyncio.create_task(work()) for work in (one.exchange, one.put, one.exchange)]
    async with asyncio.timeout(10):
        await gate.reached.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*several)
    assert slots(one) == 1


async def test_what_may_have_been_put_and_folded_since_is_not_put_again(clock_off_by: Clock) -> None:
    store = MemoryStore()
    faulty = FaultyStore(store)
    faulty.breaks("put_share", Fault(StoreAwayError("Away.", "Wait."), commits=True))
    with pytest.raises(StoreAwayError):
        await taught(faulty, 1)
    one = Knowledge(store=faulty)
    one.add("generic", "host", told(2), time.time())
    faulty.breaks("put_share", Fault(StoreAwayError("Away.", "Wait."), commits=True))
    with pytest.raises(StoreAwayError):
        await one.exchange()
    clock_off_by(IDLE_SECONDS + 60.0)
    await Knowledge(store=store).exchange()  # it folds what both put
    await one.exchange()
    assert slots(one) == 2
