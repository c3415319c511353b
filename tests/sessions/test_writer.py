"""The background writer: what it commits together, what it tells whom, and that it neither dies nor lingers."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from companions.errors import StoreError
from sessions.places import MAX_BATCH, Place
from sessions.store import Committed, Conflict, Gone, Store
from sessions.writer import Writer
from tests.sessions.building import note
from tests.sessions.faults import OWNER, Fault, FaultyStore
from tests.sessions.writing import held, log_of, place, seqs, write, writer_on

AWAY = StoreError("The store is away.", "Wait.")


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


def handed_over(faulty: FaultyStore) -> list[list[tuple[str, list[int]]]]:
    return [
        [(append.session_id, [entry.seq for entry in append.entries]) for append in batch] for batch in faulty.batches
    ]


async def test_what_gathers_during_a_commit_is_committed_together(writer: Writer, faulty: FaultyStore) -> None:
    one, other = place("s1"), place("s2")
    first = await held(writer, faulty, one)
    receipts = [writer.hand_over(where, [note()] * count)[1] for where, count in ((other, 1), (one, 2), (other, 3))]
    faulty.gates["append"].open()
    assert await asyncio.gather(first, *receipts) == [Committed()] * 4
    assert handed_over(faulty) == [[("s1", [1])], [("s2", [1, 2, 3, 4]), ("s1", [2, 3])]]
    assert await seqs(faulty, "s1") == [1, 2, 3]
    assert await seqs(faulty, "s2") == [1, 2, 3, 4]


async def test_receipts_come_in_the_order_in_which_entries_were_handed_over(
    writer: Writer, faulty: FaultyStore
) -> None:
    where, came = place(), list[int]()
    await held(writer, faulty, where)
    for number in range(50):
        _, receipt = writer.hand_over(where, [note()])
        receipt.add_done_callback(lambda _, number=number: came.append(number))
    faulty.gates["append"].open()
    await writer.drain()
    assert came == list(range(50))


async def test_a_batch_holds_no_more_than_its_most_and_the_rest_follows(writer: Writer, faulty: FaultyStore) -> None:
    where = place()
    await held(writer, faulty, where)
    for _ in range(2 * MAX_BATCH + 1):
        writer.hand_over(where, [note()])
    faulty.gates["append"].open()
    await writer.drain()
    assert [len(batch[0].entries) for batch in faulty.batches] == [1, MAX_BATCH, MAX_BATCH, 1]
    assert await seqs(faulty) == list(range(1, 2 * MAX_BATCH + 3))


async def test_every_entry_has_an_id_of_its_own_also_across_writers(writer: Writer, faulty: FaultyStore) -> None:
    entries = [*await write(writer, place("s1"), "a", "b"), *await write(writer, place("s2"), "a")]
    another = writer_on(faulty)
    entries += await write(another, place("s3"), "a")
    await another.stop()
    assert len({entry.id for entry in entries}) == 4


async def test_what_was_queued_behind_a_conflict_is_not_accepted_at_a_later_number(
    writer: Writer, faulty: FaultyStore
) -> None:
    where, elsewhere = place(), Place("s1", OWNER, head=1)
    await write(writer, where)
    stranger = writer_on(faulty.store)
    gate = faulty.holds("append")
    refused = [writer.hand_over(where, [note(text="mine")])[1]]
    await gate.reached.wait()
    await write(stranger, elsewhere, "theirs")
    # Of these the first would get the number that the store expects next, had nobody fenced the session.
    refused += [writer.hand_over(where, [note(text=f"late {number}")])[1] for number in range(3)]
    gate.open()
    outcomes = await asyncio.gather(*refused)
    assert all(isinstance(outcome, Conflict) for outcome in outcomes)
    assert outcomes[0] == Conflict(2)
    assert where.fenced
    _, again = writer.hand_over(where, [note()])
    assert isinstance(await again, Conflict)
    assert [entry.text for entry in await faulty.store.page("s1")] == ["x", "theirs"]
    await stranger.stop()


async def test_a_conflict_of_one_session_is_nothing_to_the_others_in_its_batch(
    writer: Writer, faulty: FaultyStore
) -> None:
    one, other = place("s1"), place("s2")
    await asyncio.gather(write(writer, one), write(writer, other))
    one.head = 7
    first = await held(writer, faulty, place("s3"))
    receipts = [writer.hand_over(where, [note()])[1] for where in (one, other, one)]
    faulty.gates["append"].open()
    assert await asyncio.gather(first, *receipts) == [Committed(), Conflict(1), Committed(), Conflict(1)]
    assert (one.fenced, other.fenced) == (True, False)
    assert (one.flying, other.flying) == (0, 0)


async def test_two_places_of_one_session_in_a_batch_leave_the_others_alone(writer: Writer, faulty: FaultyStore) -> None:
    one, twin, other = place("s1"), Place("s1", OWNER, head=1), place("s2")
    await write(writer, one)
    first = await held(writer, faulty, place("s3"))
    receipts = [writer.hand_over(where, [note()])[1] for where in (one, twin, other)]
    faulty.gates["append"].open()
    assert await asyncio.gather(first, *receipts) == [Committed(), Committed(), Conflict(2), Committed()]


async def test_a_late_entry_of_a_forgotten_session_is_told_that_it_is_gone(writer: Writer, faulty: FaultyStore) -> None:
    where = place()
    await write(writer, where)
    await faulty.store.tombstone("s1")
    _, receipt = writer.hand_over(where, [note()])
    assert await receipt == Gone()


@pytest.mark.parametrize("error", [AWAY, ZeroDivisionError("a bug"), KeyError("s1")], ids=["store", "bug", "key"])
async def test_a_failure_of_the_store_reaches_every_waiter_and_the_writer_lives_on(
    writer: Writer, faulty: FaultyStore, logged: list[str], error: Exception
) -> None:
    one, other = place("s1"), place("s2")
    first = await held(writer, faulty, place("s3"))
    faulty.breaks("append", None, *[Fault(error)] * 3)  # the batch, then each of its two appends alone
    receipts = [writer.hand_over(where, [note()])[1] for where in (one, other, one)]
    faulty.gates["append"].open()
    assert await first == Committed()
    failures = await asyncio.gather(*receipts, return_exceptions=True)
    assert all(isinstance(failure, StoreError) for failure in failures)
    assert (one.fenced, other.fenced) == (True, True)
    assert one.opening is not None, "a session that was never stored can still be opened"
    await write(writer, place("s4"))
    assert await seqs(faulty, "s1") == []
    assert bool(logged) == (error is not AWAY), "what a store is known to raise is told to its callers only"


async def test_a_load_that_never_pauses_leaves_the_event_loop_to_others(writer: Writer, faulty: FaultyStore) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    async def load(where: Place) -> None:
        for _ in range(20):
            await write(writer, where)

    heart = asyncio.create_task(beat())
    await asyncio.gather(*(load(place(f"s{number}")) for number in range(64)))
    heart.cancel()
    assert len(faulty.batches) <= 64 * 20 / 4
    assert beats >= len(faulty.batches)
