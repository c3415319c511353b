"""A store that fails once, for long, or after it had committed: a step is told or stored, and never stored twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from companions.errors import StoreError
from companions.models import Step
from sessions.answers import Answer
from sessions.session import read_companion
from sessions.store import Store
from tests.sessions.faults import OWNER, Fault, Process, until
from tests.sessions.writing import log_of

AWAY = StoreError("The store is away.", "Wait.")
BUG = ZeroDivisionError("a bug")
STEPS: dict[str, tuple[Step, dict[str, Any]]] = {
    "draft": ("draft", {"query": "Next?"}),
    "draft again": ("draft", {"query": "Next?", "redo": True}),
    "critique": ("critique", {}),
    "critique again": ("critique", {"redo": True}),
    "revise": ("revise", {}),
    "revise again": ("revise", {"redo": True}),
}
BEFORE: dict[str, list[Step]] = {
    "draft": ["draft"],
    "draft again": ["draft"],
    "critique": ["draft"],
    "critique again": ["draft", "critique"],
    "revise": ["draft", "critique"],
    "revise again": ["draft", "critique", "revise"],
}


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store)
    with log_of("companions.keeping"):
        yield made
        await made.calls.close()


async def opened(process: Process, case: str) -> str:
    session_id = ""
    for step in BEFORE[case]:
        given = {"query": "Next?" if "again" in case else "First?"} if step == "draft" else {}
        answer = await process.step(step, session_id or None, text=f"The first {step}.", **given)
        session_id = answer.session_id
    return session_id


async def texts(process: Process, session_id: str) -> list[str]:
    entries = await process.entries(session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.text for entry in entries]


async def check_memory(process: Process, session_id: str) -> None:
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    stored = await read_companion(process.store.store, session_id, "generic")
    assert await session.look("generic") == stored


@pytest.mark.parametrize("error", [AWAY, BUG], ids=["store", "bug"])
@pytest.mark.parametrize("times", [1, 7])
@pytest.mark.parametrize("case", STEPS)
async def test_a_step_that_could_not_be_stored_is_told_and_its_repeat_is_stored_once(
    process: Process, case: str, times: int, error: Exception
) -> None:
    session_id, (step, given) = await opened(process, case), STEPS[case]
    before = await texts(process, session_id)
    process.store.breaks("append", *[Fault(error)] * times)
    for _ in range(times):
        with pytest.raises(StoreError):
            await process.step(step, session_id, text="These words.", **given)
        assert await texts(process, session_id) == before
    answer = await process.step(step, session_id, text="These words.", **given)
    assert not answer.already_done
    assert (await texts(process, session_id)).count("These words.") == 1
    await check_memory(process, session_id)


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("append", [0, 1], ids=["first append", "second append"])
async def test_a_step_whose_store_failed_after_it_had_committed_is_stored_once(
    process: Process, case: str, append: int
) -> None:
    session_id, (step, given) = await opened(process, case), STEPS[case]
    before = await texts(process, session_id)
    process.store.breaks("append", *[None] * append, Fault(AWAY, commits=True))
    # Whether the first call notices is its own affair; the client calls until it has its answer.
    answer: Answer | None = None
    while answer is None:
        try:
            answer = await process.step(step, session_id, text="These words.", **given)
        except StoreError:
            continue
    assert answer.entry is not None
    assert answer.entry.text == "These words."
    assert (await texts(process, session_id)).count("These words.") == 1
    assert (await texts(process, session_id))[: len(before)] == before
    process.store.faults.clear()
    await process.step("critique", session_id, text="One more.")
    await check_memory(process, session_id)


@pytest.mark.parametrize("commits", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("append", [0, 1], ids=["query", "draft"])
async def test_a_first_draft_that_met_a_failure_opens_one_session(process: Process, append: int, commits: bool) -> None:
    process.store.breaks("append", *[None] * append, Fault(AWAY, commits=commits))
    answers = list[Answer]()
    while not answers:
        try:
            answers.append(await process.step("draft", query="Q?", text="These words."))
        except StoreError:
            continue
    (head,) = await process.calls.desk.sessions.list(OWNER)
    assert head.opening.session_id == answers[0].session_id
    assert await texts(process, answers[0].session_id) == ["", "Q?", "These words."]
    await check_memory(process, answers[0].session_id)


async def test_the_failure_of_a_first_draft_names_the_session_that_keeps_its_query(process: Process) -> None:
    process.store.breaks("append", None, Fault(AWAY))
    with pytest.raises(StoreError) as failure:
        await process.step("draft", query="Q?", text="These words.")
    (head,) = await process.calls.desk.sessions.list(OWNER)
    assert head.opening.session_id in failure.value.remedy
    answer = await process.step("draft", head.opening.session_id, text="These words.")
    assert await texts(process, answer.session_id) == ["", "Q?", "These words."]


@pytest.mark.parametrize("method", ["tail", "head", "page"])
@pytest.mark.parametrize("failures", [1, 3])
async def test_a_read_that_failed_changes_nothing_and_the_next_call_goes_on(
    process: Process, method: str, failures: int
) -> None:
    session_id = await opened(process, "critique")
    again = Process.on(process.store)
    process.store.breaks(method, *[Fault(AWAY)] * failures)
    answer: Answer | None = None
    while answer is None:
        try:
            answer = await again.step("critique", session_id, text="These words.")
        except StoreError:
            continue
    assert not answer.already_done
    assert (await texts(process, session_id)).count("These words.") == 1
    await again.calls.rest()


async def test_what_a_companion_knows_is_not_spoiled_by_a_siblings_failure(process: Process) -> None:
    session_id = await opened(process, "revise")
    gate = process.store.holds("append")
    process.store.breaks("append", Fault(AWAY))
    failing = asyncio.create_task(process.step("draft", session_id, "strategy", query="Q?", text="A plan."))
    await gate.reached.wait()
    behind = asyncio.create_task(process.step("revise", session_id, "generic", text="A revision."))
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    await until(lambda: session.place.flying == 2)
    gate.open()
    with pytest.raises(StoreError):
        await failing
    await behind
    assert (await texts(process, session_id))[-1] == "A revision."
    await check_memory(process, session_id)
