"""Processes on one store learn as one: each knows what a single process would know that saw it all."""

import asyncio
from contextlib import AsyncExitStack

from companions.outlook import Body
from sessions import intelligence
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import loop_of, process_on, version

LENGTHS = (1, 2, 2, 3, 1, 2, 4, 2, 3, 2, 5, 1)
STEPS = ("draft", "critique", "revise")


async def thought(process: Process, revisions: int) -> None:
    """Have a caller write a loop that stands still with a revision, marks included."""
    versions = [version(3 * number) for number in range(revisions)]
    session_id: str | None = None
    for number, text in enumerate(loop_of(*versions, versions[-1])):
        step = "draft" if not number else "revise" if not number % 2 else "critique"
        score = {"score": 0.1 * number} if step == "revise" else {}
        query = {"query": f"Question of {revisions}?"} if step == "draft" else {}
        session_id = (await process.step(step, session_id, text=str(text), **score, **query)).session_id


def told(process: Process) -> list[Body | None]:
    """Give what is known before a draft, whatever becomes of it."""
    sessions = process.calls.desk.sessions
    return [intelligence.before(sessions, OWNER, tool, {"query": "Q?", "text": "One."}) for tool in ("draft", "refine")]


async def settled(*processes: Process) -> None:
    """Have all count at the same time, then hear of each other."""
    for _ in range(2):
        await asyncio.gather(*(process.calls.desk.sessions.learner.settle() for process in processes))


async def test_four_processes_know_what_one_knows_that_saw_all(store: Store) -> None:
    async with AsyncExitStack() as stack:
        four = [
            await stack.enter_async_context(process_on(store, keeps=True, mode="client", max_iterations=9))
            for _ in range(4)
        ]
        whole = await stack.enter_async_context(process_on(MemoryStore(), mode="client", max_iterations=9))
        for number, revisions in enumerate(LENGTHS):
            await asyncio.gather(thought(four[number % 4], revisions), thought(whole, revisions))
        await settled(*four)
        await settled(whole)

        (first, *others), expected = [told(process) for process in four], told(whole)

    assert expected[0] is not None
    assert expected[0]["samples"] == len(LENGTHS)
    assert "remaining_iterations" in expected[0]
    assert [first, *others] == [expected] * 4
