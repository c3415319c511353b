"""Loops that are told to end: here, in another process, or where they wait; what was paid for is kept."""

import asyncio
from pathlib import Path

from companions.errors import InputError
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import until
from tests.sessions.left_loops import VERSIONS, asked, begun, left, only_session, refused
from tests.sessions.looping import kept, loop_of, loops, process_on, refine, shown, steps, stop, votes


async def test_stop_ends_a_loop_that_runs_here_with_its_step_and_refine_goes_on_afterwards() -> None:
    async with process_on(MemoryStore()) as process:
        task = begun(process)
        await asked(process, 1)
        session_id = await only_session(process)
        stopping = asyncio.create_task(stop(process, session_id))
        await until(lambda: any(run.stopping for run in loops(process, session_id)))
        process.model.gate.open()
        for each in (stopping, task):
            told = await each
            assert (told.status, told.stop_reason, told.versions) == ("done", "cancelled", 1)
        assert len(process.model.tasks) == 1
        assert await kept(process, session_id, "pick") == []
        assert (await refine(process, session_id)).stop_reason == "max_iterations"
        assert len(process.model.tasks) == 7


async def test_stop_does_not_wait_longer_than_a_call_may() -> None:
    async with process_on(MemoryStore()) as process:
        task = begun(process)
        await asked(process, 1)
        session_id = await only_session(process)
        assert (await stop(process, session_id, seconds=0)).status == "running"
        process.model.gate.open()
        await task
        assert len(process.model.tasks) == 1


async def test_stop_ends_a_loop_that_runs_in_another_process_after_its_step_and_keeps_that(path: Path) -> None:
    async with process_on(SQLiteStore(path)) as one, process_on(SQLiteStore(path)) as other:
        task = begun(one)
        await asked(one, 1)
        session_id = await only_session(one)
        assert (await stop(other, session_id)).stop_reason == "cancelled"
        one.model.gate.open()
        told = await task
        assert (told.stop_reason, told.versions) == ("cancelled", 1)
        assert await steps(other, session_id) == [VERSIONS[0]]
        assert await kept(other, session_id, "alternative") == []
        assert len(one.model.tasks) == 1
        other.model.script.extend([*loop_of(*VERSIONS)[1:], *votes("A", "D")])
        done = await refine(other, session_id)
        assert (done.stop_reason, shown(done)[0]) == ("max_iterations", 1)


async def test_stop_by_a_process_that_waits_for_the_loop_ends_it_in_the_process_that_runs_it(path: Path) -> None:
    async with process_on(SQLiteStore(path)) as one, process_on(SQLiteStore(path)) as other:
        task = begun(one)
        await asked(one, 1)
        session_id = await only_session(one)
        waiting = asyncio.create_task(refine(other, session_id))
        await until(lambda: any(run.behind for run in loops(other, session_id)))
        assert (await stop(other, session_id, seconds=0)).stop_reason == "cancelled"
        one.model.gate.open()
        assert [(await each).stop_reason for each in (task, waiting)] == ["cancelled", "cancelled"]
        assert (len(one.model.tasks), len(other.model.tasks)) == (1, 0)


async def test_stop_ends_a_loop_that_is_paused_and_does_not_end_one_that_has_ended(path: Path) -> None:
    async with process_on(SQLiteStore(path)) as process:
        task = begun(process)
        await asked(process, 1)
        await left(task)
        process.model.gate.open()
        await process.calls.runs.finish()
        session_id = await only_session(process)
        for _ in range(2):
            assert (await stop(process, session_id)).stop_reason == "cancelled"
        assert len(await kept(process, session_id, "workflow")) == 2
        done = await refine(process, session_id)
        assert (await stop(process, session_id)).stop_reason == done.stop_reason == "max_iterations"
        assert len(await kept(process, session_id, "workflow")) == 3


async def test_there_is_nothing_to_stop_where_no_loop_was_begun() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = (await process.step("draft", query="Q?", text="Draft.")).session_id
        await refused(stop(process, session_id, companion="nobody"), InputError, "'nobody' has no loop")
        session = await process.calls.desk.sessions.find("ann", session_id)
        assert set(session.awake) == {"generic"}
