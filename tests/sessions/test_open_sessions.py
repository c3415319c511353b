"""What is held in memory is bounded by what it takes, and nothing that is not stored leaves."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from companions.companion import VERSIONS
from sessions.session import OWN_WEIGHT
from sessions.store import Store
from tests.sessions.faults import OWNER, Process

TEXT = "t" * 10_000


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True)
    made.calls.desk.sessions.open.most = 5 * (len(TEXT) + OWN_WEIGHT)
    yield made
    await made.calls.rest()


async def opened(process: Process) -> str:
    return (await process.step("draft", query="Q?", text=TEXT)).session_id


def open_ones(process: Process, session_ids: list[str]) -> list[str]:
    return [session_id for session_id in session_ids if process.calls.desk.sessions.open.get(session_id) is not None]


async def test_sessions_leave_by_what_they_hold_the_least_recently_used_first(process: Process) -> None:
    session_ids = [await opened(process) for _ in range(8)]
    held = open_ones(process, session_ids)
    assert 0 < len(held) <= 5
    assert held == session_ids[-len(held) :]
    await process.step("critique", held[0], text="short")
    session_ids.append(await opened(process))
    assert held[0] in open_ones(process, session_ids), "it was used in between"


async def test_one_that_left_goes_on_as_it_was(process: Process) -> None:
    session_ids = [await opened(process) for _ in range(8)]
    assert process.calls.desk.sessions.open.get(session_ids[0]) is None
    answer = await process.step("critique", session_ids[0], text="still there")
    assert (answer.phase, answer.iteration) == ("revise", 1)


async def test_a_session_with_unwritten_entries_stays_whatever_the_bound(process: Process) -> None:
    first = await opened(process)
    gate = process.store.holds("append")
    asking = asyncio.create_task(process.step("critique", first, text="on its way"))
    await gate.reached.wait()
    session = process.calls.desk.sessions.open.get(first)
    process.calls.desk.sessions.open.most = 0
    others = [asyncio.create_task(opened(process)) for _ in range(3)]
    await asyncio.wait(others, timeout=0.05)
    assert process.calls.desk.sessions.open.get(first) is session
    gate.open()
    await asyncio.gather(asking, *others)
    assert len(await process.entries(first)) == 4


async def test_a_long_session_holds_no_more_than_its_window(process: Process) -> None:
    process.calls.desk.sessions.open.most = 10_000_000
    session_id = await opened(process)
    for number in range(3 * VERSIONS):
        await process.step("critique", session_id, text=f"{number} {TEXT}")
        await process.step("revise", session_id, text=f"{number} {TEXT}")
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    assert session.weight <= OWN_WEIGHT + (VERSIONS + 3) * (len(TEXT) + 10)
