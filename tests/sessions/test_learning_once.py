"""A slot is counted once, and nothing that goes wrong with one costs another its place."""

import asyncio
import time
from pathlib import Path

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions import learning
from sessions.slot_counting import SlotPlace
from sessions.store import Append, Opening
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import note, placed
from tests.sessions.faults import OWNER, Fault, until
from tests.sessions.learners import converged, counted, known, learner, marks, seen
from tests.sessions.looping import MORE, kept, process_on, version
from tests.sessions.writing import log_of


async def test_what_was_counted_is_put_after_a_few_slots_while_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "BATCH", 2)
    async with process_on(MemoryStore(), mode="client") as process:
        for number in range(5):
            await converged(process, f"Question {number}?")
        gate = process.store.holds("put_share")
        settling = asyncio.create_task(learner(process).settle())
        async with asyncio.timeout(10):
            await gate.reached.wait()
        assert marks(process) == 2
        gate.open()
        await settling
        assert known(process)[0] == 5


async def test_no_more_is_counted_while_what_was_counted_cannot_be_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "BATCH", 2)
    async with process_on(MemoryStore(), mode="client") as process:
        for number in range(5):
            await converged(process, f"Question {number}?")
        process.store.breaks("put_share", *[Fault(StoreAwayError("Away.", "Wait."))] * 3)
        for _ in range(3):
            with pytest.raises(StoreAwayError):
                await learner(process).settle()
        assert marks(process) == 2
        await learner(process).settle()
        assert known(process)[0] == 5


@pytest.mark.parametrize("method", ["append", "page"])
async def test_a_slot_whose_counting_is_cancelled_is_counted_once_all_the_same(path: Path, method: str) -> None:
    async with process_on(SQLiteStore(path), mode="client") as process:
        session_id = await converged(process)
        gate = process.store.holds("append")
        settling = asyncio.create_task(learner(process).settle())
        async with asyncio.timeout(10):
            await gate.reached.wait()
            if method == "page":  # it is marked, and not known yet whether as the first
                gate, before = process.store.holds("page"), gate
                before.open()
                await gate.reached.wait()
        settling.cancel()
        await asyncio.wait({settling})
        again = asyncio.create_task(learner(process).settle())
        gate.open()
        await again
        assert known(process)[0] == 1
        assert len(await kept(process, session_id, "learned")) == 1


async def test_of_two_processes_that_mark_a_slot_only_the_first_counts_it(path: Path) -> None:
    async with (
        process_on(SQLiteStore(path), mode="client") as one,
        process_on(SQLiteStore(path), mode="client") as other,
    ):
        session_id = await converged(one)
        await other.step("revise", session_id)  # a repeat: the other process has the session open too
        learner(other).on_entry(*await seen(other, session_id))
        gates = [process.store.holds("append") for process in (one, other)]
        for process in (one, other):  # nobody can say who is at it
            process.store.breaks("lease", *[Fault(StoreError("No.", "Wait."))] * 20)
        settling = [asyncio.create_task(learner(process).settle()) for process in (one, other)]
        async with asyncio.timeout(10):
            for gate in gates:
                await gate.reached.wait()
        for gate in gates:
            gate.open()
        await asyncio.gather(*settling)
        await counted(one, other)
        assert len(await kept(one, session_id, "learned")) == 2
        assert known(one)[0] == known(other)[0] == 1


async def test_a_slot_that_goes_on_before_it_is_looked_at_is_counted_when_it_is_over() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = await converged(process)
        await process.step("revise", session_id, text=version(20), redo=True)
        await learner(process).settle()
        assert known(process)[0] == 0
        await process.step("critique", session_id, text=MORE)
        await process.step("revise", session_id, text=version(20))
        await learner(process).settle()
        (learned,) = await kept(process, session_id, "learned")
        assert learned.meta == {"model": "host", "revisions": 3, "censored": False}
        assert known(process) == (1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


async def test_a_slot_that_another_process_goes_on_with_is_left_to_it(path: Path) -> None:
    async with (
        process_on(SQLiteStore(path), mode="client") as one,
        process_on(SQLiteStore(path), mode="client") as other,
    ):
        session_id = await converged(one)
        await other.step("revise", session_id, text=version(20), redo=True)
        await counted(one, other)
        assert known(one)[0] == 0
        await other.step("critique", session_id, text=MORE)
        await other.step("revise", session_id, text=version(20))
        await counted(one, other, one)
        assert known(one) == known(other) == (1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


async def test_what_a_fork_only_reads_is_its_parents_to_count() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = await converged(process)
        base = len(await process.entries(session_id))
        opening = Opening(session_id="fork", owner=OWNER, created_at=1.0, parent=session_id, base=base)
        await process.store.append(
            [Append(session_id="fork", entries=(placed(note("query", slot=1), base + 1),), opening=opening)]
        )
        await process.step("draft", "fork", text=version(0))
        await process.step("critique", "fork", text=MORE)
        await process.step("draft", "fork", query="And?", text=version(1))
        await learner(process).settle()
        assert [entry.slot for entry in await kept(process, "fork", "learned")] == [1]
        assert len(await kept(process, session_id, "learned")) == 1
        place = SlotPlace(OWNER, "fork", "generic", 0)
        assert await learner(process).counter.count(place, left_before=time.time())
        assert known(process) == (2, (0.0, 0.0, 1.0), (2.0, 1.0, 1.0))


async def test_a_step_under_way_is_not_waited_for(path: Path) -> None:
    async with process_on(SQLiteStore(path), model="openai:m") as process:
        session_id = await converged(process)
        other = await converged(process, "Another?")
        process.model.gate.close()
        step = asyncio.create_task(process.step("draft", session_id, query="And?"))
        await until(lambda: len(process.model.tasks) == 1)
        async with asyncio.timeout(10):
            await learner(process).settle()
        assert len(await kept(process, other, "learned")) == 1
        assert await kept(process, session_id, "learned") == []
        process.model.gate.open()
        await step
        await learner(process).settle()
        assert len(await kept(process, session_id, "learned")) == 1


async def test_a_slot_that_cannot_be_counted_costs_no_other_its_place() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        broken, *others = [await converged(process, f"Question {number}?") for number in range(3)]
        process.store.breaks("page", Fault(ZeroDivisionError("a bug")))
        with log_of("companions.learning") as said:
            await learner(process).settle()
        assert said == [f"a slot of session {broken} cannot be counted"]
        await learner(process).settle()
        assert [len(await kept(process, each, "learned")) for each in (broken, *others)] == [0, 1, 1]


async def test_a_fault_of_the_exchange_costs_no_slot_its_place() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = await converged(process)
        process.store.breaks("shares", Fault(ZeroDivisionError("a bug")))
        gate = process.store.holds("shares")
        settling = asyncio.create_task(learner(process).settle())
        async with asyncio.timeout(10):
            await gate.reached.wait()
        other = await converged(process, "Another?")
        gate.open()
        with pytest.raises(ZeroDivisionError):
            await settling
        await learner(process).settle()
        assert [len(await kept(process, each, "learned")) for each in (session_id, other)] == [1, 1]
        assert known(process)[0] == 2


async def test_a_store_that_refuses_one_slot_is_asked_for_it_again_behind_the_others() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        refused, other = await converged(process), await converged(process, "Another?")
        process.store.breaks("page", Fault(StoreError("It is damaged.", "Mend it.")))
        await learner(process).settle()
        assert [len(await kept(process, each, "learned")) for each in (refused, other)] == [0, 1]
        await learner(process).settle()
        assert known(process)[0] == 2


async def test_what_another_process_forgot_is_not_counted_and_nothing_is_said_of_it(path: Path) -> None:
    async with (
        process_on(SQLiteStore(path), mode="client") as one,
        process_on(SQLiteStore(path), mode="client") as other,
    ):
        session_id = await converged(one)
        await other.calls.desk.sessions.forget(OWNER, session_id)
        with log_of("companions.learning") as said:
            await learner(one).settle()
        assert (known(one)[0], said) == (0, [])
