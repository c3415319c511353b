"""Loops that are left alone or asked for twice: what was paid for is kept, and the next call goes on."""

import asyncio
from pathlib import Path

import pytest

from companions.errors import ModelError
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import until
from tests.sessions.left_loops import ASKED, VERSIONS, asked, begun, left, only_session, refused
from tests.sessions.looping import (
    MORE,
    loop_of,
    loops,
    process_on,
    refine,
    shown,
    steps,
    votes,
)


async def test_a_caller_that_goes_away_pauses_the_loop_after_the_step_in_flight_and_the_next_call_goes_on() -> None:
    async with process_on(MemoryStore()) as process:
        task = begun(process)
        await asked(process, 1)
        await left(task)
        process.model.gate.open()
        session_id = await only_session(process)
        await process.calls.runs.finish()
        assert await steps(process, session_id) == [VERSIONS[0]]
        done = await refine(process, session_id)
        assert (done.status, done.stop_reason, shown(done)[0]) == ("done", "max_iterations", 1)
        assert len(process.model.tasks) == 7


async def test_a_loop_whose_caller_went_away_at_its_last_step_compares_nothing_until_the_next_call() -> None:
    async with process_on(MemoryStore()) as process:
        task = begun(process)
        process.model.gate.open()
        await asked(process, 4)
        process.model.gate.close()
        await asked(process, 5)
        await left(task)
        process.model.gate.open()
        await process.calls.runs.finish()
        session_id = await only_session(process)
        assert len(process.model.tasks) == len(await steps(process, session_id)) == 5
        assert shown(await refine(process, session_id)) == (1, VERSIONS[1])


async def test_a_caller_that_was_answered_running_leaves_the_loop_going_to_its_end() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
        process.model.gate.close()
        told = await refine(process, seconds=0, **ASKED)
        assert (told.status, told.slot) == ("running", 0)
        process.model.gate.open()
        await process.calls.runs.finish()
        assert len(process.model.tasks) == 7
        done = await refine(process, told.session_id)
        assert (done.status, shown(done)[0]) == ("done", 1)
        assert len(process.model.tasks) == 7


async def test_the_same_call_without_a_session_id_gets_the_same_session_while_it_runs_and_after_it_was_left() -> None:
    async with process_on(MemoryStore()) as process:
        task = begun(process)
        await asked(process, 1)
        session_id = await only_session(process)
        second = asyncio.create_task(refine(process, **ASKED))
        await until(lambda: sum(run.waiting for run in loops(process, session_id)) == 2)
        await left(task)
        await left(second)
        process.model.gate.open()
        await process.calls.runs.finish()
        done = await refine(process, **ASKED)
        assert done.session_id == session_id
        assert len(process.model.tasks) == 7
        process.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
        assert (await refine(process, **ASKED)).session_id != done.session_id


async def test_a_failure_after_running_is_told_once_and_the_call_after_it_goes_on() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([VERSIONS[0], ModelError("It failed.", "Call again.")])
        process.model.gate.close()
        told = await refine(process, seconds=0, **ASKED)
        process.model.gate.open()
        await process.calls.runs.finish()
        await refused(refine(process, told.session_id), ModelError, "It failed")
        process.model.script.extend([*loop_of(*VERSIONS)[1:], *votes("A", "D")])
        assert (await refine(process, told.session_id)).status == "done"
        assert len(process.model.tasks) == 8


async def test_two_processes_at_one_job_do_not_both_pay(path: Path) -> None:
    async with process_on(SQLiteStore(path)) as one, process_on(SQLiteStore(path)) as other:
        task = begun(one)
        await asked(one, 1)
        session_id = await only_session(one)
        waiting = asyncio.create_task(refine(other, session_id))
        await until(lambda: any(run.behind for run in loops(other, session_id)))
        one.model.gate.open()
        first, second = await task, await waiting
        assert shown(first) == shown(second) == (1, VERSIONS[1])
        assert (len(one.model.tasks), len(other.model.tasks)) == (7, 0)


@pytest.mark.parametrize("memory", [True, False])
async def test_a_call_that_asks_for_more_waits_for_the_loop_that_runs_and_then_goes_on(
    path: Path, memory: bool
) -> None:
    async with process_on(MemoryStore() if memory else SQLiteStore(path)) as process:
        task = begun(process)
        await asked(process, 1)
        session_id = await only_session(process)
        more = asyncio.create_task(refine(process, session_id, max_iterations=3))
        await until(lambda: len(loops(process, session_id)) == 2)
        process.model.gate.open()
        assert (await task).versions == 3
        process.model.script.extend([MORE, VERSIONS[2]])
        done = await more
        assert (done.versions, done.stop_reason) == (4, "converged")
        assert len(process.model.tasks) == 9


async def test_at_shutdown_a_loop_is_told_running_and_a_new_process_pays_for_nothing_that_was_stored(
    path: Path,
) -> None:
    async with process_on(SQLiteStore(path)) as one:
        task = begun(one)
        one.model.gate.open()
        await asked(one, 3)
        one.model.gate.close()
        await asked(one, 4)
        await one.calls.rest()
        told = await task
        assert (told.status, told.session_id) == ("running", await only_session(one))
    async with process_on(SQLiteStore(path)) as new:
        made = await steps(new, told.session_id)
        new.model.script.extend([*loop_of(*VERSIONS)[len(made) :], *votes("A", "D")])
        done = await refine(new, told.session_id)
        assert (done.status, done.stop_reason, shown(done)[0]) == ("done", "max_iterations", 1)
        assert len(new.model.tasks) == 7 - len(made)
        assert await steps(new, told.session_id) == loop_of(*VERSIONS)


async def test_a_process_that_waits_for_another_s_loop_ends_at_once_when_it_is_told_to(path: Path) -> None:
    async with process_on(SQLiteStore(path)) as one, process_on(SQLiteStore(path)) as other:
        task = begun(one)
        await asked(one, 1)
        session_id = await only_session(one)
        waiting = asyncio.create_task(refine(other, session_id))
        await until(lambda: any(run.behind for run in loops(other, session_id)))
        async with asyncio.timeout(5):
            await other.calls.rest()
        assert (await waiting).status == "running"
        await left(task)


async def test_a_pick_is_read_again_by_a_new_process_from_every_store(store: Store) -> None:
    async with process_on(store, keeps=True) as one:
        one.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
        done = await refine(one, **ASKED)
        await one.calls.rest()
    async with process_on(store, keeps=True) as new:
        again = await refine(new, done.session_id)
        assert (again.pick, shown(again), again.stop_reason) == (done.pick, (1, VERSIONS[1]), "max_iterations")
        assert not new.model.tasks
