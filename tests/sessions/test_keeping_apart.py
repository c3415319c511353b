"""What was answered before it was stored, when things keep going wrong: nothing is lost, doubled, mixed up, revived."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from companions.errors import SessionNotFoundError, StoreError
from sessions import keeping
from sessions.store import Store
from sessions.stores.guarded import PROBE_SECONDS
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import OWNER, Fault, Process, until
from tests.sessions.keeping_apart import home, on_its_way, started, told
from tests.sessions.writing import log_of

REFUSES = StoreError("The store is read-only.", "Make it writable.")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    with ExitStack() as logs:
        said = logs.enter_context(log_of("companions.store"))
        for name in ("keeping", "writer", "projector"):
            logs.enter_context(log_of(f"companions.{name}"))
        yield said


@pytest.fixture
async def process(store: Store, tmp_path: Path) -> AsyncIterator[Process]:
    made = started(store, tmp_path)
    yield made
    made.store.away = False
    made.store.faults.clear()
    for gate in made.store.gates.values():
        gate.open()
    await made.calls.rest()


async def test_what_follows_a_text_that_lost_has_lost_too_however_much_is_brought_home_at_once(
    process: Process, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "BATCH", 1)
    process.calls.desk.sessions.writer.keeper.batch = 1
    answer = await process.step("draft", query="Q?", text="v0")
    process.store.away = True
    for number in range(3):
        await process.step("critique", answer.session_id, text=f"mine c{number}")
        await process.step("revise", answer.session_id, text=f"mine v{number + 1}")
    other = started(store, tmp_path / "other")
    await other.step("critique", answer.session_id, text="theirs")
    await home(process)
    entries = await process.entries(answer.session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert {kind for kind, _, text in told(entries) if text.startswith("mine")} == {"alternative"}
    assert len([text for _, _, text in told(entries) if text.startswith("mine")]) == 6
    given = await process.step("revise", answer.session_id, text="to theirs")
    assert "kept beside it: 6" in given.advice[0]
    await other.step("critique", answer.session_id, text="and on")
    await other.calls.rest()


async def test_in_the_background_what_follows_a_text_that_lost_has_lost_too(store: Store, tmp_path: Path) -> None:
    process, other = started(store, tmp_path, early=True), started(store, tmp_path / "other")
    session_id, gate = await on_its_way(process, "mine c0")
    await other.step("critique", session_id, text="theirs")
    await process.step("revise", session_id, text="mine v1, which answers mine c0")
    gate.open()
    await process.calls.desk.sessions.writer.drain()
    assert told(await process.entries(session_id))[2:] == [
        ("critique", 0, "theirs"),
        ("alternative", 0, "mine c0"),
        ("alternative", 0, "mine v1, which answers mine c0"),
    ]
    await process.calls.rest()
    await other.calls.rest()


async def test_what_follows_a_late_text_of_another_companion_gives_way_to_all_that_came_before_both(
    sqlite: SQLiteStore, tmp_path: Path
) -> None:
    process, other = started(sqlite, tmp_path, early=True), started(sqlite, tmp_path / "other")
    process.calls.desk.sessions.store.seconds = 5.0
    session_id = (await process.step("draft", query="Q?", text="v0")).session_id
    await process.calls.desk.sessions.writer.drain()
    gate = process.store.holds("append")
    await process.step("draft", session_id, "strategy", query="Beside?", text="beside")
    await gate.reached.wait()
    await process.step("critique", session_id, "generic", text="mine")
    await other.step("critique", session_id, "generic", text="theirs")
    gate.open()
    await process.calls.desk.sessions.writer.drain()
    assert told(await process.entries(session_id))[2:] == [
        ("critique", 0, "theirs"),
        ("query", 0, "Beside?"),
        ("draft", 0, "beside"),
        ("alternative", 0, "mine"),
    ]
    await process.calls.rest()
    await other.calls.rest()


async def test_a_store_that_is_back_and_refuses_is_not_away_and_takes_what_is_kept_once_it_can(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "REFUSED_SECONDS", 0.01)
    sessions = process.calls.desk.sessions
    answer = await process.step("draft", query="Q?", text="v0")
    process.store.away = True
    await process.step("critique", answer.session_id, text="c0")
    process.store.breaks("append", *[Fault(REFUSES)] * 40)
    process.store.breaks("head", *[Fault(REFUSES)] * 2)
    process.store.away = False
    await until(lambda: not sessions.store.away)
    await until(lambda: len(process.store.faults["append"]) < 20)
    assert sessions.writer.keeper.batch <= keeping.BATCH
    await home(process)
    assert [text for _, _, text in told(await process.entries(answer.session_id))] == ["Q?", "v0", "c0"]


async def test_a_store_that_fails_in_unknown_ways_ends_no_writer(process: Process) -> None:
    answer = await process.step("draft", query="Q?", text="v0")
    process.store.breaks("append", *[Fault(RuntimeError("a bug"))] * 2)
    process.store.breaks("page", *[Fault(RuntimeError("another bug"))] * 2)
    with pytest.raises(StoreError):
        await asyncio.wait_for(process.step("critique", answer.session_id, text="c0"), 5)
    process.store.faults.clear()
    given = await asyncio.wait_for(process.step("critique", answer.session_id, text="c0"), 5)
    assert given.iteration == 1


async def test_a_probe_that_breaks_goes_on_probing(process: Process) -> None:
    sessions = process.calls.desk.sessions
    answer = await process.step("draft", query="Q?", text="v0")
    process.store.away = True
    await process.step("critique", answer.session_id, text="c0")
    process.store.breaks("head", Fault(RuntimeError("a bug")))
    process.store.away = False
    async with asyncio.timeout(20 * PROBE_SECONDS):
        await home(process)
    assert not sessions.store.away


@pytest.mark.parametrize("early", [False, True], ids=["kept", "in the background"])
async def test_a_session_that_is_forgotten_before_it_is_stored_stays_forgotten(
    store: Store, tmp_path: Path, *, early: bool
) -> None:
    process = started(store, tmp_path, early=early)
    sessions = process.calls.desk.sessions
    sessions.store.seconds = 1.0
    if early:
        gate = process.store.holds("append")
        answer = await process.step("draft", query="Q?", text="a secret")
        forgetting = asyncio.create_task(sessions.forget(OWNER, answer.session_id))
        await asyncio.wait({forgetting}, timeout=0.05)
        gate.open()
        await forgetting
    else:
        process.store.away = True
        answer = await process.step("draft", query="Q?", text="a secret")
        process.store.away = False
        await until(lambda: not sessions.store.away)
        await sessions.forget(OWNER, answer.session_id)
    await sessions.writer.drain()
    await home(process)
    assert await process.entries(answer.session_id) == []
    assert await store.list(OWNER) == []
    with pytest.raises(SessionNotFoundError):
        await process.step("critique", answer.session_id, text="c0")
    await process.calls.rest()


async def test_what_was_answered_in_the_background_is_kept_when_the_program_ends_in_a_hurry(
    store: Store, tmp_path: Path
) -> None:
    process = started(store, tmp_path, early=True)
    process.calls.desk.sessions.store.seconds = 60.0
    answer = await process.step("draft", query="Q?", text="v0")
    await process.calls.desk.sessions.writer.drain()
    gate = process.store.holds("append")
    await process.step("critique", answer.session_id, text="answered")
    await gate.reached.wait()
    async with asyncio.timeout(1.5):
        await process.calls.rest()
    gate.open()
    following = started(store, tmp_path)
    assert (await following.step("revise", answer.session_id, text="v1")).iteration == 1
    await following.calls.rest()


async def test_a_session_that_was_just_answered_is_known_while_it_is_on_its_way(store: Store, tmp_path: Path) -> None:
    process = started(store, tmp_path, early=True)
    sessions = process.calls.desk.sessions
    sessions.store.seconds = 5.0
    gate = process.store.holds("append")
    answer = await process.step("draft", query="Q?", text="v0")
    session = await sessions.find(OWNER, answer.session_id)
    asking = asyncio.create_task(sessions.head(session))
    await asyncio.wait({asking}, timeout=0.05)
    gate.open()
    assert (await asking).seq == 3
    await process.calls.rest()


async def test_what_a_call_wakes_counts_as_held_in_memory(process: Process) -> None:
    session_ids = [(await process.step("draft", query="Q?", text="t" * 20_000)).session_id for _ in range(5)]
    process.calls.desk.sessions.open.clear()
    process.calls.desk.sessions.open.most = 60_000
    for session_id in session_ids:
        await process.step("critique", session_id)
    opened = [process.calls.desk.sessions.open.get(session_id) for session_id in session_ids]
    assert sum(session.measured() for session in opened if session is not None) <= 60_000
