"""Leases of two processes on one store: one holds, and a step is never refused, held up or failed for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.leases import LONGEST_PAUSE, MOMENT, Leases
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite import writes
from sessions.stores.sqlite.schema import open_database
from tests.sessions.faults import Fault, FaultyStore, until
from tests.sessions.writing import log_of

AWAY = StoreAwayError("The store is away.", "Try again.")
BROKEN = StoreError("The store is broken.", "Mend it.")
SHORT = 0.5


class Shared(FaultyStore):
    """Every store as one that two processes share; what a process keeps in memory two tasks can share as well."""

    @property
    def shared(self) -> bool:
        return True


class Two:
    """Two processes on one store."""

    def __init__(self, store: Store, *, seconds: float = 30.0, renew: float = 10.0) -> None:
        self.stores = Shared(store), Shared(store)
        self.one, self.other = (Leases(each, seconds=seconds, renew=renew) for each in self.stores)


@pytest.fixture(autouse=True)
async def nothing_is_left_behind() -> AsyncIterator[None]:
    yield
    await until(lambda: not any(task.get_name() == "companions-lease" for task in asyncio.all_tasks()))


async def test_only_one_of_two_processes_holds_a_lease(store: Store) -> None:
    two = Two(store)
    taken = await asyncio.gather(two.one.take("step"), two.other.take("step"))
    assert sorted(taken) == [False, True]
    assert await two.other.take("another step")


async def test_a_second_block_of_the_same_process_waits_like_another_process(store: Store) -> None:
    two = Two(store)
    assert await two.one.take("step")
    async with two.one.held("step"):
        assert not await two.one.take("step")
    assert await two.one.take("step")


async def test_the_lease_of_a_process_that_is_gone_expires(store: Store) -> None:
    two = Two(store, seconds=SHORT)
    assert await two.one.take("step")
    began = asyncio.get_running_loop().time()
    assert not await two.other.take("step")
    async with asyncio.timeout(SHORT + 2 * LONGEST_PAUSE):
        await two.other.wait("step")
    assert asyncio.get_running_loop().time() - began > SHORT / 2
    assert not await two.one.take("step")


async def test_a_lease_that_is_renewed_does_not_expire(store: Store) -> None:
    two = Two(store, seconds=SHORT, renew=SHORT / 10)
    assert await two.one.take("step")
    async with two.one.held("step") as held:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3 * SHORT):
                await two.other.wait("step")
        assert not held.lost


async def test_a_lease_that_is_given_back_lets_the_waiter_in_at_once(store: Store) -> None:
    two = Two(store)
    assert await two.one.take("step")
    async with two.one.held("step"):
        waiting = asyncio.create_task(two.other.wait("step"))
        assert not await two.other.take("step")
    async with asyncio.timeout(2 * LONGEST_PAUSE):
        await waiting
    assert not await two.one.take("step")


async def test_a_step_that_is_cancelled_gives_its_lease_back(store: Store) -> None:
    two = Two(store)
    entered = asyncio.Event()

    async def step() -> None:
        async with two.one.held("step"):
            entered.set()
            await asyncio.Event().wait()

    assert await two.one.take("step")
    stepping = asyncio.create_task(step())
    await entered.wait()
    stepping.cancel()
    await asyncio.wait({stepping})
    assert stepping.cancelled()
    assert await two.other.take("step")


async def test_a_process_that_was_frozen_is_told_that_its_lease_is_lost_and_gives_nothing_back(store: Store) -> None:
    two = Two(store, seconds=SHORT, renew=SHORT / 10)
    third = Leases(Shared(store))
    assert await two.one.take("step")
    gate = two.stores[0].holds("lease")
    async with two.one.held("step") as held:
        await gate.reached.wait()
        await two.other.wait("step")
        async with two.other.held("step") as others:
            gate.open()
            await until(lambda: held.lost)
            assert not others.lost
            assert not await third.take("step")


@pytest.mark.parametrize("error", [AWAY, BROKEN])
async def test_a_store_that_fails_refuses_no_step_and_fails_none(store: Store, error: Exception) -> None:
    two = Two(store, renew=0.01)
    failing = two.stores[0]
    failing.breaks("lease", *[Fault(error)] * 4)
    assert await two.one.take("step")
    async with two.one.held("step") as held:
        await until(lambda: not failing.faults["lease"])
        assert not held.lost
        failing.breaks("lease", *[Fault(error)] * 1_000)
    assert await two.one.take("step")


async def test_a_store_that_fails_in_an_unknown_way_is_told_in_the_log_alone(store: Store) -> None:
    two = Two(store)
    two.stores[0].breaks("lease", *[Fault(RuntimeError("unknown to everyone"))] * 2)
    with log_of("companions.leases") as said:
        assert await two.one.take("step")
        async with two.one.held("step"):
            pass
    assert len(said) == 2


async def test_a_lease_that_was_not_taken_since_the_store_was_away_is_taken_when_it_is_back(store: Store) -> None:
    two = Two(store, renew=0.01)
    two.stores[0].breaks("lease", Fault(AWAY))
    assert await two.one.take("step")
    gate = two.stores[0].holds("lease")
    async with two.one.held("step"):
        await gate.reached.wait()
        gate.open()
        renewed = two.stores[0].holds("lease")
        await renewed.reached.wait()
        assert not await two.other.take("step")
        renewed.open()


async def test_a_store_that_hangs_holds_up_no_step_that_is_done(store: Store) -> None:
    two = Two(store)
    assert await two.one.take("step")
    gate = two.stores[0].holds("lease")
    async with asyncio.timeout(MOMENT + 1):
        async with two.one.held("step"):
            pass
    assert not await two.one.take("step")
    assert not await two.other.take("step")
    gate.open()
    await two.one.rest()
    assert await two.other.take("step")


async def test_nothing_is_taken_in_a_store_that_no_other_process_reaches() -> None:
    kept = FaultyStore(MemoryStore())
    kept.breaks("lease", Fault(AWAY))
    one, other = Leases(kept), Leases(kept)
    assert await one.take("step")
    assert await other.take("step")
    async with one.held("step"), other.held("step") as held:
        await other.wait("step")
        assert not held.lost
    assert len(kept.faults["lease"]) == 1


def test_a_lease_that_another_process_takes_while_this_one_waits_for_the_file_is_the_others(tmp_path: Path) -> None:
    one, other = (open_database(tmp_path / "sessions.db", seconds=1.0) for _ in range(2))
    given: list[str] = []

    def come_before(statement: str) -> None:
        if statement.startswith("BEGIN") and not given:
            given.append(writes.lease(other, name="job", holder="other", seconds=30.0))

    one.set_trace_callback(come_before)
    assert writes.lease(one, name="job", holder="one", seconds=30.0) == "other"
    assert given == ["other"]
    one.close()
    other.close()
