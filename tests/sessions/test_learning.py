"""Learning from loops: each slot that is over is counted once, by one process, beside the steps."""

import asyncio
from pathlib import Path

import pytest

from companions.errors import StoreAwayError
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import Fault, until
from tests.sessions.learners import TEXTS, converged, known, learner, seen
from tests.sessions.looping import MORE, kept, loop_of, process_on, refine, version, votes
from tests.sessions.writing import log_of


async def test_a_loop_that_has_ended_is_counted_once(store: Store) -> None:
    async with process_on(store, mode="client") as process:
        session_id = await converged(process)
        for _ in range(2):
            await learner(process).settle()
        assert known(process) == (1, (0.0, 0.0, 1.0), (1.0, 1.0, 1.0))
        (learned,) = await kept(process, session_id, "learned")
        assert (learned.slot, learned.text) == (0, "")
        assert learned.meta == {"model": "host", "revisions": len(TEXTS) // 2, "censored": False}


async def test_of_two_processes_one_counts_and_both_know(path: Path) -> None:
    async with (
        process_on(SQLiteStore(path), mode="client") as one,
        process_on(SQLiteStore(path), mode="client") as other,
    ):
        session_id = await converged(one)
        await other.step("revise", session_id)  # a repeat: the other process has the session open too
        learner(other).on_entry(*await seen(other, session_id))
        await asyncio.gather(learner(one).settle(), learner(other).settle())
        await asyncio.gather(learner(one).settle(), learner(other).settle())
        assert known(one) == known(other) == (1, (0.0, 0.0, 1.0), (1.0, 1.0, 1.0))
        assert len(await kept(one, session_id, "learned")) == 1


async def test_a_slot_that_another_query_follows_counts_as_cut_off() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = (await process.step("draft", query="Q?", text="One.")).session_id
        await process.step("critique", session_id, text=MORE)
        await process.step("draft", session_id, query="And?", text="Two.")
        await learner(process).settle()
        assert known(process) == (1, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
        (learned,) = await kept(process, session_id, "learned")
        assert (learned.slot, learned.meta["censored"]) == (0, True)


async def test_a_session_that_is_left_alone_counts_as_cut_off_after_a_while() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        learner(process).pause = learner(process).left_seconds = 0.0
        session_id = (await process.step("draft", query="Q?", text="One.")).session_id
        await process.step("critique", session_id, text=MORE)
        await until(lambda: known(process)[0] == 1)
        assert known(process) == (1, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))


async def test_a_loop_of_a_model_is_counted_behind_its_pick_with_what_it_took() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([*loop_of(version(0), version(8), version(10)), *votes("A", "D")])
        done = await refine(process, query="Q?", max_iterations=2)
        await learner(process).settle()
        model = (await kept(process, done.session_id, "learned"))[0].meta["model"]
        sums = learner(process).knowledge.of("generic", model)
        assert (sums.slots, sums["reached"][:4], sums["ended"][2]) == (
            1,
            (1.0, 1.0, 1.0, 0.0),
            0.0,
        )
        assert (sums.one("picked"), sums.one("flipped")) == (1.0, 1.0)
        used = [entry.meta["usage"] for entry in await kept(process, done.session_id, "draft", "critique", "revision")]
        assert sum(sums["tokens"]) == sum(each["input_tokens"] + each["output_tokens"] for each in used)


@pytest.mark.parametrize("method", ["shares", "put_share", "page"])
async def test_a_store_that_fails_for_learning_fails_no_step_and_is_tried_again(path: Path, method: str) -> None:
    async with process_on(SQLiteStore(path), mode="client") as process:
        session_id = await converged(process)
        process.store.breaks(method, *[Fault(StoreAwayError("Away.", "Wait."))] * 9)
        with log_of("companions.store"):
            with pytest.raises(StoreAwayError):
                await learner(process).settle()
            process.store.faults.clear()
            await until(lambda: not process.calls.desk.sessions.store.away)
        await learner(process).settle()
        assert known(process)[0] == 1
        assert len(await kept(process, session_id, "learned")) == 1


async def test_a_learner_whose_store_hangs_holds_up_no_step(path: Path) -> None:
    async with process_on(SQLiteStore(path), mode="client") as process:
        gate = process.store.holds("shares")
        learner(process).pause = 0.0
        await converged(process)
        async with asyncio.timeout(10):
            await gate.reached.wait()
            await converged(process, "Another?")
        gate.open()
        await until(lambda: known(process)[0] == 2)


async def test_what_was_forgotten_meanwhile_is_not_counted() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = await converged(process)
        await process.calls.desk.sessions.forget("ann", session_id)
        await learner(process).settle()
        assert known(process)[0] == 0


async def test_what_was_learned_is_known_to_the_next_process(store: Store) -> None:
    async with process_on(store, keeps=True, mode="client") as one:
        await converged(one)
        await one.calls.rest()
    async with process_on(store, keeps=True, mode="client") as new:
        await learner(new).settle()
        assert known(new)[0] == 1
