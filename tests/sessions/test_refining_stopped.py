"""Loops that are told to end: here, in another process, or where they wait; what was paid for is kept."""

import asyncio
from pathlib import Path

from companions.errors import InputError, ModelError
from sessions.bounds import stopped
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import OWNER, until
from tests.sessions.left_loops import ASKED, VERSIONS, asked, begun, left, only_session, refused
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
        stopping = asyncio.create_task(stop(other, session_id))
        session = await other.calls.desk.sessions.find(OWNER, session_id)
        await until(lambda: "generic" in session.awake and stopped(session.awake["generic"].companion))
        one.model.gate.open()
        assert [(await each).stop_reason for each in (task, waiting, stopping)] == ["cancelled"] * 3
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


async def test_a_loop_is_cancelled_also_when_the_step_under_way_fails_and_says_so() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([VERSIONS[0], ModelError("It failed.", "Call again.")])
        process.model.gate.close()
        told = await refine(process, seconds=0, **ASKED)
        await asked(process, 1)
        process.model.gate.open()
        process.model.gate.close()
        await asked(process, 2)
        waiting = asyncio.create_task(refine(process, told.session_id))
        stopping = asyncio.create_task(stop(process, told.session_id))
        await until(lambda: any(run.stopping for run in loops(process, told.session_id)))
        process.model.gate.open()
        for each in (stopping, waiting):
            done = await each
            assert (done.status, done.stop_reason, done.versions) == ("done", "cancelled", 1)
        assert done.advice == ("The step under way failed: It failed.",)
        assert len(await kept(process, told.session_id, "workflow")) == 2
        process.model.script.extend([*loop_of(*VERSIONS)[1:], *votes("A", "D")])
        assert (await refine(process, told.session_id)).stop_reason == "max_iterations"


async def test_stop_ends_a_loop_that_comes_to_wait_for_its_caller_while_it_is_asked_to_end() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = (await refine(process, query="Q?")).session_id
        await refine(process, session_id, text=VERSIONS[0])
        gate = process.store.holds("append")
        again = asyncio.create_task(process.step("draft", session_id, text=VERSIONS[1], redo=True))
        await gate.reached.wait()
        waiting, turns = asyncio.create_task(refine(process, session_id)), iter(range(50))
        await until(lambda: bool(loops(process, session_id)) and next(turns, None) is None)
        stopping = asyncio.create_task(stop(process, session_id))
        await until(lambda: any(run.stopping for run in loops(process, session_id)))
        gate.open()
        await again
        assert ((await waiting).status, (await stopping).stop_reason) == ("write", "cancelled")


async def test_stop_does_not_wait_longer_than_a_call_may_for_a_step_that_is_no_loop_s() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = (await process.step("draft", query="Q?", text="Draft.")).session_id
        process.model.gate.close()
        await process.call("critique", session_id, seconds=0)
        await asked(process, 1)
        async with asyncio.timeout(5):
            assert (await stop(process, session_id, seconds=0.01)).status == "running"
        process.model.gate.open()
        assert (await stop(process, session_id)).stop_reason == "cancelled"
        assert len(await kept(process, session_id, "critique", "workflow")) == 2


async def test_there_is_nothing_to_stop_where_no_loop_was_begun() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = (await process.step("draft", query="Q?", text="Draft.")).session_id
        await refused(stop(process, session_id, companion="nobody"), InputError, "'nobody' has no loop")
        session = await process.calls.desk.sessions.find("ann", session_id)
        assert set(session.awake) == {"generic"}
