"""How the background writer ends, and that it leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from companions.errors import StoreError
from sessions.store import Committed, Store
from sessions.writer import Writer
from tests.sessions.building import note
from tests.sessions.faults import FaultyStore
from tests.sessions.writing import held, log_of, place, seqs, write, writer_on


@pytest.fixture
async def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    with log_of("companions.keeping") as said:
        yield said


@pytest.fixture
async def writer(faulty: FaultyStore) -> AsyncIterator[Writer]:
    made = writer_on(faulty)
    yield made
    for gate in faulty.gates.values():
        gate.open()
    await made.stop()


async def test_a_drain_waits_for_every_receipt(writer: Writer, faulty: FaultyStore) -> None:
    where = place()
    receipts = [await held(writer, faulty, where), writer.hand_over(where, [note()])[1]]
    drain = asyncio.create_task(writer.drain())
    await asyncio.wait({drain}, timeout=0.05)
    assert not drain.done()
    faulty.gates["append"].open()
    await drain
    assert [receipt.result() for receipt in receipts] == [Committed(), Committed()]


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
