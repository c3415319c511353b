"""When the background writer shows what it wrote, how it ends, and that it leaves nothing behind."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from companions.errors import StoreError
from sessions.memory_store import MemoryStore
from sessions.store import Committed, Store
from sessions.writer import PROJECTION_SECONDS, Writer
from tests.sessions.building import note, projection
from tests.sessions.faults import Fault, FaultyStore, until
from tests.sessions.writing import held, log_of, place, seqs, shown, timers, write

AWAY = StoreError("The store is away.", "Wait.")


@pytest.fixture
async def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    with log_of("companions.writer") as said:
        yield said


@pytest.fixture
async def writer(faulty: FaultyStore) -> AsyncIterator[Writer]:
    made = Writer(faulty)
    yield made
    for gate in faulty.gates.values():
        gate.open()
    await made.stop()


@pytest.mark.parametrize("error", [AWAY, ZeroDivisionError("a bug")], ids=["store", "bug"])
async def test_projections_that_failed_are_stored_a_second_later_and_entries_meanwhile(error: Exception) -> None:
    faulty = FaultyStore(MemoryStore())
    writer = Writer(faulty)
    faulty.breaks("project", Fault(error))
    await write(writer, place("s1"))
    writer.project(projection("s1", title="T"))
    await until(lambda: len(faulty.projected) == 1)
    await write(writer, place("s2"))
    await until(lambda: len(faulty.projected) == 2)
    await until(lambda: not faulty.faults["project"])
    assert faulty.projected[1][0] - faulty.projected[0][0] >= 0.99 * PROJECTION_SECONDS
    assert (await shown(faulty, "s1")) == "T"
    await writer.stop()


async def test_a_failed_projection_does_not_replace_the_newer_one_that_came_meanwhile(
    writer: Writer, faulty: FaultyStore
) -> None:
    await write(writer, place("s1"))
    gate = faulty.holds("project")
    faulty.breaks("project", Fault(AWAY))
    writer.project(projection("s1", title="older"))
    await gate.reached.wait()
    writer.project(projection("s1", title="newer"))
    gate.open()
    await writer.drain()
    await writer.flush_projections()
    assert await shown(faulty, "s1") == "newer"


async def test_projections_are_stored_at_most_once_a_second_and_the_last_one_is_not_forgotten(
    writer: Writer, faulty: FaultyStore
) -> None:
    where, number = place(), 0
    started = time.monotonic()
    while time.monotonic() < started + 0.3 * PROJECTION_SECONDS:
        number += 1
        await write(writer, where)
        writer.project(projection("s1", title=f"{number}"))
    assert number > 10
    await until(lambda: faulty.projected[-1][1][-1].title == f"{number}")
    moments = [moment for moment, _ in faulty.projected]
    assert len(moments) == 2
    assert moments[1] - moments[0] >= 0.99 * PROJECTION_SECONDS
    assert time.monotonic() < started + 3 * PROJECTION_SECONDS


async def test_a_busy_second_leaves_one_timer_behind_and_a_stop_none(writer: Writer) -> None:
    where, before = place(), timers()
    for _ in range(100):
        await write(writer, where)
        writer.project(projection("s1"))
    assert timers() - before == 1
    await writer.stop()
    assert timers() == before


async def test_a_drain_waits_for_every_receipt_and_stores_the_projections(writer: Writer, faulty: FaultyStore) -> None:
    where = place()
    receipts = [await held(writer, faulty, where), writer.hand_over(where, [note()])[1]]
    writer.project(projection("s1", title="T"))
    drain = asyncio.create_task(writer.drain())
    await asyncio.wait({drain}, timeout=0.05)
    assert not drain.done()
    faulty.gates["append"].open()
    await drain
    assert [receipt.result() for receipt in receipts] == [Committed(), Committed()]
    assert faulty.projected[-1][1] == [projection("s1", title="T")]


async def test_a_writer_that_never_wrote_drains_and_stops_at_once(writer: Writer) -> None:
    async with asyncio.timeout(1):
        await writer.drain()
        await writer.stop()
        await writer.stop()


async def test_a_stop_leaves_no_task_and_a_stopped_writer_writes_again_when_asked(
    writer: Writer, faulty: FaultyStore
) -> None:
    before, where = asyncio.all_tasks(), place()
    await write(writer, where)
    assert {task.get_name() for task in asyncio.all_tasks() - before} == {"companions-writer"}
    await writer.stop()
    assert asyncio.all_tasks() - before == set()
    await write(writer, where)
    await writer.drain()
    assert await seqs(faulty) == [1, 2]


async def test_what_a_stop_interrupts_is_told_to_its_waiters(writer: Writer, faulty: FaultyStore) -> None:
    one, other = place("s1"), place("s2")
    receipts = [await held(writer, faulty, one), writer.hand_over(other, [note()])[1]]
    await writer.stop()
    faulty.gates["append"].open()
    writer.start()
    await writer.drain()
    told = await asyncio.wait_for(asyncio.gather(*receipts, return_exceptions=True), 5)
    assert isinstance(told[0], StoreError), "whether it is stored is not known"
    assert told[1] == Committed()
    assert (one.fenced, one.flying, other.flying) == (True, 0, 0)
