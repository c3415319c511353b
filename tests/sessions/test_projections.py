"""What listings show of a session: true to its entries, its sums exact, after any crash and whoever wrote."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from companions.errors import ConflictError, StoreError
from companions.models import Sampling, Step
from sessions.projections import PREVIEW
from sessions.store import Projection, Store
from sessions.stores.sqlite.store import SQLiteStore
from sessions.titles import TITLE
from tests.sessions.faults import OWNER, Fault, Process, until

SERVER = Sampling(execution_mode="server")
AWAY = StoreError("The store is away.", "Wait.")
LOOP: tuple[Step, ...] = ("critique", "revise", "critique")


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store)
    yield made
    made.model.gate.open()
    await made.calls.close()


@pytest.fixture
async def two(path: Path) -> AsyncIterator[tuple[Process, Process]]:
    processes = Process.on(SQLiteStore(path)), Process.on(SQLiteStore(path))
    yield processes
    for process in processes:
        process.model.gate.open()
        await process.calls.close()


async def opened(process: Process, companion_type: str = "generic", **given: Any) -> str:
    answer = await process.step("draft", companion_type=companion_type, query="Q?", sampling=SERVER, **given)
    return answer.session_id


async def shown(process: Process, session_id: str) -> Projection:
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    head = await process.calls.desk.sessions.head(session)
    assert head.projection is not None
    assert head.projection.seq == head.seq
    return head.projection


async def spent(process: Process, session_id: str) -> dict[str, Counter[str]]:
    """Add up what each companion's entries say they cost."""
    sums: dict[str, Counter[str]] = {}
    for entry in await process.entries(session_id):
        sums.setdefault(entry.companion_type, Counter()).update(entry.meta.get("usage", {}))
    return sums


async def check_sums(process: Process, session_id: str) -> None:
    told = (await shown(process, session_id)).companions
    assert {name: Counter(values["usage"]) for name, values in told.items()} == await spent(process, session_id)


async def after_a_crash(process: Process) -> Process:
    """Start again on what is stored, without anything that the first process still had to show."""
    await process.calls.desk.sessions.writer.stop()
    await process.calls.desk.sessions.projector.rest()
    return Process.on(process.store.store, keeps=True)


async def test_a_projection_tells_each_companion_where_it_stands(process: Process) -> None:
    session_id = await opened(process)
    for step in LOOP:
        await process.step(step, session_id, sampling=SERVER)
    await process.step("draft", session_id, "strategy", query="Plan?", text="A plan  of\nours.")
    told = await shown(process, session_id)
    phases = {
        name: (values["phase"], values["iteration"], values["versions"]) for name, values in told.companions.items()
    }
    assert phases == {"generic": ("revise", 2, 2), "strategy": ("critique", 0, 1)}
    assert (told.title, told.preview) == ("Q?", "A plan of ours.")
    await check_sums(process, session_id)


async def test_a_title_and_a_preview_are_one_short_line_however_long_the_texts(process: Process) -> None:
    answer = await process.step("draft", query="Why\n\n" + "so long? " * 20_000, text="Since\tso " + "it is. " * 20_000)
    told = await shown(process, answer.session_id)
    assert len(told.title) <= TITLE
    assert len(told.preview) <= PREVIEW
    assert told.title.startswith("Why so long? so long?")
    assert told.preview.startswith("Since so it is.")


@pytest.mark.parametrize("stored", [0, 1, 2])
async def test_a_projection_that_a_crash_left_behind_is_brought_up_to_its_head(process: Process, stored: int) -> None:
    """It was stored for the first few steps only."""
    session_id = ""
    for number, step in enumerate(("draft", *LOOP)):
        if number == stored:
            process.store.breaks("project", *[Fault(AWAY)] * 1_000)
        given = {} if session_id else {"query": "Q?"}
        session_id = (await process.step(step, session_id or None, sampling=SERVER, **given)).session_id
        await process.calls.desk.sessions.projector.flush()
    expected = await shown(process, session_id)
    head = await process.store.store.head(session_id)
    assert head is not None
    assert (
        (head.projection is None) if stored == 0 else (head.projection is not None and head.projection.seq < head.seq)
    )
    again = await after_a_crash(process)
    (listed,) = await again.calls.desk.sessions.list(OWNER)
    assert listed.projection is not None
    assert listed.projection.companions == expected.companions
    assert (listed.projection.title, listed.projection.preview) == (expected.title, expected.preview)
    await again.step("revise", session_id, sampling=SERVER)
    await check_sums(again, session_id)
    await again.calls.rest()


async def test_a_projection_stored_while_a_sibling_was_still_being_committed_counts_the_sibling_too(
    process: Process,
) -> None:
    session_id = await opened(process)
    await process.step("draft", session_id, "strategy", query="Q?", text="A plan.")
    gate = process.store.holds("append")
    first = asyncio.create_task(process.step("critique", session_id, "generic", sampling=SERVER))
    await gate.reached.wait()
    second = asyncio.create_task(process.step("critique", session_id, "strategy", sampling=SERVER))
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    await until(lambda: session.place.flying == 2)
    gate.open()
    gate.close()
    await first
    await process.calls.desk.sessions.projector.flush()
    process.store.breaks("project", *[Fault(AWAY)] * 1_000)
    gate.open()
    await second
    again = await after_a_crash(process)
    await check_sums(again, session_id)


async def test_the_sums_hold_what_two_processes_spent_on_one_session(two: tuple[Process, Process]) -> None:
    session_id = await opened(two[0])
    for number in range(12):
        step: Step = "revise" if number % 2 else "critique"
        await two[number % 3 % 2].step(step, session_id, sampling=SERVER)
        await check_sums(two[number % 2], session_id)
    await asyncio.gather(*(process.calls.desk.sessions.writer.drain() for process in two))
    for process in two:
        await check_sums(process, session_id)


async def test_the_sums_hold_what_was_spent_on_a_text_that_lost(two: tuple[Process, Process]) -> None:
    one, other = two
    session_id = await opened(one)
    one.model.gate.close()
    loses = asyncio.create_task(one.step("critique", session_id, sampling=SERVER))
    await one.model.gate.reached.wait()
    await other.step("critique", session_id, text="First.")
    one.model.gate.open()
    with pytest.raises(ConflictError):
        await loses
    assert (await spent(one, session_id))["generic"]["input_tokens"] == 14
    await one.step("revise", session_id, sampling=SERVER)
    for process in two:
        await check_sums(process, session_id)


@pytest.mark.parametrize("last", ["generic", "strategy"])
async def test_the_preview_is_of_the_companion_that_wrote_last(process: Process, last: str) -> None:
    process.store.breaks("project", *[Fault(AWAY)] * 1_000)
    session_id = await opened(process)
    await process.step("draft", session_id, "strategy", query="Q?", text="A plan.")
    await process.step("draft", session_id, last, query="Again?", text="The last words.")
    again = await after_a_crash(process)
    assert (await shown(again, session_id)).preview == "The last words."


async def test_a_listing_begins_with_the_session_that_was_used_last_in_either_process(
    two: tuple[Process, Process],
) -> None:
    ids = [await opened(process) for process in (*two, two[0])]
    assert [head.opening.session_id for head in await two[1].calls.desk.sessions.list(OWNER)] == ids[::-1]
    await two[1].step("critique", ids[0], text="Hm.")
    listed = await two[1].calls.desk.sessions.list(OWNER)
    assert [head.opening.session_id for head in listed] == [ids[0], ids[2], ids[1]]


async def test_a_failing_store_does_not_fail_a_step_for_what_is_shown(two: tuple[Process, Process]) -> None:
    one, other = two
    session_id = await opened(one)
    await other.step("critique", session_id, text="Hm.")
    session = await one.calls.desk.sessions.find(OWNER, session_id)
    await session.catch_up(await session.wake("generic"))
    one.store.breaks("page", Fault(AWAY))
    one.store.breaks("project", Fault(AWAY))
    assert (await one.step("revise", session_id, sampling=SERVER)).entry is not None
    one.store.faults.clear()
    await check_sums(one, session_id)
