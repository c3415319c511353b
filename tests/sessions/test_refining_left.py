"""Loops whose companion is given another question meanwhile: they end where they are, and never go on with that one."""

import asyncio
from pathlib import Path

import pytest

from companions.errors import SlotLeftError
from sessions.answers import Answer
from sessions.calls import Waiting
from sessions.loops import Refined, Wish
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import OWNER, Process, unreported, until
from tests.sessions.left_loops import ASKED, VERSIONS, asked, begun, only_session, refused
from tests.sessions.looping import MORE, kept, loop_of, loops, process_on, refine, stop, version, votes

MINE = version(9, "mine")
LEFT = "Another question was put to this companion meanwhile, so the loop on its slot 0 has ended there."


async def left_after(process: Process, steps: int) -> Refined:
    """Run a loop, and put another question to its companion behind so many steps."""
    made = list[Answer]()

    async def on_step(answer: Answer) -> None:
        made.append(answer)
        if len(made) == steps:
            await process.step("draft", answer.session_id, "generic", query="Another?", text=MINE)

    waiting = Waiting(seconds=30, every=30, report=unreported, on_step=on_step)
    return await process.calls.refine(OWNER, None, None, Wish(**ASKED), waiting=waiting, signature="host:tests")


@pytest.mark.parametrize("steps", range(1, 6))
async def test_a_loop_makes_no_step_and_no_pick_in_the_slot_of_a_question_that_took_its_place(steps: int) -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
        await refused(left_after(process, steps), SlotLeftError, LEFT)
        assert len(process.model.tasks) == steps
        session_id = await only_session(process)
        entries = [entry for entry in await process.entries(session_id) if entry.slot == 1]
        assert [(entry.kind, entry.text) for entry in entries] == [("query", "Another?"), ("draft", MINE)]


async def test_a_loop_that_was_left_goes_on_with_its_query_in_a_new_slot() -> None:
    async with process_on(MemoryStore()) as process:
        await refused(left_after(process, 2), SlotLeftError, "Call refine with its query")
        process.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
        done = await refine(process, await only_session(process), **ASKED)
        assert (done.slot, done.versions, done.stop_reason) == (2, 3, "max_iterations")


async def test_a_loop_that_another_process_gives_another_question_says_so_and_keeps_its_text(path: Path) -> None:
    async with process_on(SQLiteStore(path)) as one, process_on(SQLiteStore(path)) as other:
        task = begun(one)
        await asked(one, 1)
        one.model.gate.open()
        await asked(one, 2)
        one.model.gate.close()
        await asked(one, 3)
        session_id = await only_session(one)
        await other.step("draft", session_id, "generic", query="Another?", text=MINE)
        one.model.gate.open()
        await refused(task, SlotLeftError, LEFT)
        assert [entry.text for entry in await kept(other, session_id, "alternative")] == [VERSIONS[1]]
        assert [entry.slot for entry in await kept(other, session_id, "workflow", "pick")] == [0]


async def test_a_text_that_comes_while_another_question_is_put_is_not_recorded_in_its_slot() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", text=VERSIONS[0])
        gate = process.store.holds("append")
        other = asyncio.create_task(process.step("draft", loop.session_id, query="Another?", text=MINE))
        await gate.reached.wait()
        writing = asyncio.create_task(refine(process, loop.session_id, text=MORE))
        turns = iter(range(50))
        await until(lambda: bool(loops(process, loop.session_id)) and next(turns, None) is None)
        gate.open()
        await refused(writing, SlotLeftError, LEFT)
        await other
        made = await kept(process, loop.session_id, "draft", "critique")
        assert [entry.text for entry in made] == [VERSIONS[0], MINE]


async def test_no_version_is_picked_of_a_question_that_is_put_while_the_loop_s_are_to_be_compared() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", max_iterations=2)
        for text in loop_of(*VERSIONS):
            loop = await refine(process, loop.session_id, text=str(text))
        gate = process.store.holds("append")
        other = asyncio.create_task(process.step("draft", loop.session_id, query="Another?", text=MINE))
        await gate.reached.wait()
        picking, turns = asyncio.create_task(refine(process, loop.session_id, text="A")), iter(range(50))
        await until(lambda: bool(loops(process, loop.session_id)) and next(turns, None) is None)
        gate.open()
        await refused(picking, SlotLeftError, LEFT)
        await other
        assert await kept(process, loop.session_id, "pick") == []


async def test_stop_does_not_end_the_question_that_took_the_loop_s_place() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", text=VERSIONS[0])
        gate = process.store.holds("append")
        other = asyncio.create_task(process.step("draft", loop.session_id, query="Another?", text=MINE))
        await gate.reached.wait()
        stopping = asyncio.create_task(stop(process, loop.session_id))
        turns = iter(range(50))
        await until(lambda: next(turns, None) is None)
        gate.open()
        await other
        assert ((await stopping).slot, (await stopping).stop_reason) == (1, None)
        assert [entry.slot for entry in await kept(process, loop.session_id, "workflow")] == [0]
