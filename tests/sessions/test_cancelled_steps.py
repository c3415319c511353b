"""Steps cancelled in the middle: what they handed over is stored, and the next step builds upon it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from companions.models import Step
from companions.requests import Request
from sessions.asked import Caller
from sessions.session import read_companion
from sessions.store import Store
from tests.sessions.faults import OWNER, Process, until

STEPS: tuple[Step, ...] = ("draft", "critique", "revise")


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store)
    yield made
    await made.calls.close()


async def cancelled(process: Process, session_id: str, step: Step) -> None:
    """Cancel a step, asked for as a program that embeds us can, while the store writes what it handed over."""
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    gate = process.store.holds("append")
    request = Request(step=step, text="Cancelled words.", redo=step == "draft")
    task = asyncio.create_task(process.calls.desk.step(session, "generic", request, Caller()))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.open()
    await until(lambda: session.place.flying == 0)


async def opened(process: Process, step: Step) -> str:
    session_id = (await process.step("draft", query="Q?", text="Draft.")).session_id
    if step == "revise":
        await process.step("critique", session_id, text="Critique.")
    return session_id


@pytest.mark.parametrize("step", STEPS)
async def test_what_a_cancelled_step_had_handed_over_is_stored_and_read_at_once(process: Process, step: Step) -> None:
    session_id = await opened(process, step)
    await cancelled(process, session_id, step)
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    assert (await process.entries(session_id))[-1].text == "Cancelled words."
    assert await session.look("generic") == await read_companion(process.store.store, session_id, "generic")


@pytest.mark.parametrize("step", STEPS)
async def test_the_repeat_of_a_cancelled_step_finds_it_done(process: Process, step: Step) -> None:
    session_id = await opened(process, step)
    await cancelled(process, session_id, step)
    before = await process.entries(session_id)
    answer = await process.step(step, session_id, text="Other words.")
    assert answer.already_done
    assert answer.entry is not None
    assert answer.entry.text == "Cancelled words."
    assert await process.entries(session_id) == before


@pytest.mark.parametrize("step", STEPS)
async def test_the_step_after_a_cancelled_one_is_built_upon_it(process: Process, step: Step) -> None:
    session_id = await opened(process, step)
    await cancelled(process, session_id, step)
    coming: Step = "revise" if step == "critique" else "critique"
    answer = await process.step(coming, session_id, text="Next words.")
    assert not answer.already_done
    entries = await process.entries(session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    assert await session.look("generic") == await read_companion(process.store.store, session_id, "generic")


async def test_a_step_that_comes_while_a_cancelled_ones_words_are_written_waits_for_them(process: Process) -> None:
    session_id = await opened(process, "critique")
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    gate = process.store.holds("append")
    request = Request(step="critique", text="Cancelled words.")
    task = asyncio.create_task(process.calls.desk.step(session, "generic", request, Caller()))
    await gate.reached.wait()
    task.cancel()
    await asyncio.wait({task})
    following = asyncio.create_task(process.step("critique", session_id, text="Other words."))
    await asyncio.wait({following}, timeout=0.05)
    assert not following.done()
    gate.open()
    answer = await following
    assert (answer.already_done, answer.entry and answer.entry.text) == (True, "Cancelled words.")
