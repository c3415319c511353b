"""The store is away: steps go on from memory, what they wrote waits on this machine's disk and comes home in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from companions.errors import StoreAwayError, StoreError
from companions.models import Sampling
from sessions.advising import KEPT
from sessions.labelling import pin, set_title
from sessions.store import Store
from tests.sessions.faults import OWNER, Process, until
from tests.sessions.keeping_apart import home, on_its_way, started, told
from tests.sessions.writing import log_of

SERVER = Sampling(execution_mode="server")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    with ExitStack() as logs:
        said = logs.enter_context(log_of("companions.store"))
        logs.enter_context(log_of("companions.keeping"))
        yield said


@pytest.fixture
async def process(store: Store, tmp_path: Path) -> AsyncIterator[Process]:
    made = started(store, tmp_path)
    yield made
    made.store.away = False
    await made.calls.rest()


async def test_steps_go_on_while_the_store_is_away_and_are_there_in_order_when_it_is_back(process: Process) -> None:
    first = await process.step("draft", query="Q?", text="v0")
    assert first.advice == ()
    process.store.away = True
    for number in range(5):
        asked = await process.step("critique", first.session_id, text=f"c{number}")
        given = await process.step("revise", first.session_id, text=f"v{number + 1}")
        assert asked.advice == given.advice == (KEPT,)
    assert len(await process.entries(first.session_id)) == 3
    await home(process)
    entries = await process.entries(first.session_id)
    assert [entry.seq for entry in entries] == list(range(1, 14))
    steps = [(kind, n, f"{name}{n + offset}") for n in range(5) for kind, name, offset in PAIR]
    assert told(entries) == [("query", 0, "Q?"), ("draft", 0, "v0"), *steps]
    after = await process.step("critique", first.session_id, text="after")
    assert after.advice == ()


PAIR = (("critique", "c", 0), ("revision", "v", 1))


async def test_a_session_opened_while_the_store_is_away_comes_home_whole(process: Process) -> None:
    process.calls.desk.sessions.store.seconds = 0.3
    process.store.away = True
    answer = await process.step("draft", query="Q?", text="v0")
    await process.step("critique", answer.session_id, text="c0")
    await process.step("draft", answer.session_id, "strategy", query="P?", text="plan")
    assert answer.advice == (KEPT,)
    await home(process)
    assert [entry.text for entry in await process.entries(answer.session_id)] == [
        "",
        "Q?",
        "v0",
        "c0",
        "",
        "P?",
        "plan",
    ]


async def test_a_session_that_is_not_in_memory_says_that_the_store_is_away(process: Process) -> None:
    answer = await process.step("draft", query="Q?", text="v0")
    process.calls.desk.sessions.open.clear()
    process.store.away = True
    with pytest.raises(StoreAwayError):
        await process.step("critique", answer.session_id, text="c0")
    process.store.away = False
    await until(lambda: not process.calls.desk.sessions.store.away)
    await process.step("critique", answer.session_id, text="c0")


async def test_what_a_dead_process_kept_comes_home_with_the_next_one(store: Store, tmp_path: Path) -> None:
    dead = started(store, tmp_path)
    answer = await dead.step("draft", query="Q?", text="v0")
    dead.store.away = True
    await dead.step("critique", answer.session_id, text="c0")
    await dead.calls.rest()
    following = started(store, tmp_path)
    given = await following.step("revise", answer.session_id, text="v1")
    assert given.iteration == 1
    assert [entry.text for entry in await following.entries(answer.session_id)][-3:] == ["v0", "c0", "v1"]
    await following.calls.rest()
    assert list((tmp_path / "spool").iterdir()) == []


async def test_a_text_that_another_process_came_before_is_kept_as_an_alternative_and_told(
    process: Process, store: Store, tmp_path: Path
) -> None:
    answer = await process.step("draft", query="Q?", text="v0")
    await process.step("draft", answer.session_id, "strategy", query="P?", text="plan")
    process.store.away = True
    await process.step("critique", answer.session_id, "generic", text="mine")
    await process.step("revise", answer.session_id, "generic", text="my answer")
    await process.step("critique", answer.session_id, "strategy", text="of the plan")
    other = started(store, tmp_path / "other")
    await other.step("critique", answer.session_id, "generic", text="theirs")
    await other.calls.rest()
    await home(process)
    entries = await process.entries(answer.session_id)
    assert [entry.seq for entry in entries] == list(range(1, 11))
    assert told(entries)[-4:] == [
        ("critique", 0, "theirs"),
        ("alternative", 0, "mine"),
        ("alternative", 0, "my answer"),
        ("critique", 0, "of the plan"),
    ]
    given = await process.step("revise", answer.session_id, "generic", text="to theirs")
    assert "kept beside it: 2" in given.advice[0]
    await process.step("revise", answer.session_id, "strategy", text="a better plan")
    assert told(await process.entries(answer.session_id))[-2:] == [
        ("revision", 0, "to theirs"),
        ("revision", 0, "a better plan"),
    ]


async def test_a_label_that_another_process_set_makes_nothing_an_alternative(
    process: Process, store: Store, tmp_path: Path
) -> None:
    answer = await process.step("draft", query="Q?", text="v0")
    process.store.away = True
    await process.step("critique", answer.session_id, text="mine")
    await process.step("revise", answer.session_id, text="v1")
    other = started(store, tmp_path / "other")
    await pin(other.calls.desk.sessions, OWNER, answer.session_id)
    await set_title(other.calls.desk.sessions, OWNER, answer.session_id, "A title")
    await home(process)
    assert told(await process.entries(answer.session_id))[2:] == [("critique", 0, "mine"), ("revision", 0, "v1")]
    going_on = await process.step("critique", answer.session_id, text="next")
    assert (going_on.iteration, going_on.advice) == (2, ())
    (head,) = await other.calls.desk.sessions.list(OWNER)
    assert (head.projection and head.projection.title, head.pinned) == ("A title", True)
    await other.calls.rest()


async def test_with_the_spool_full_a_step_is_refused_before_a_model_is_asked(store: Store, tmp_path: Path) -> None:
    process = started(store, tmp_path, limit=40)
    answer = await process.step("draft", query="Q?", text="v0")
    process.store.away = True
    await process.step("critique", answer.session_id, text="c" * 50)
    with pytest.raises(StoreError, match="full"):
        await process.step("revise", answer.session_id, sampling=SERVER)
    assert process.model.tasks == []
    await home(process)
    await process.step("revise", answer.session_id, sampling=SERVER)
    assert len(process.model.tasks) == 1
    await process.calls.rest()


async def test_what_waits_of_a_forgotten_session_is_erased(process: Process, tmp_path: Path) -> None:
    answer = await process.step("draft", query="Q?", text="v0")
    sessions = process.calls.desk.sessions
    gate = process.store.holds("append")
    await process.step("critique", answer.session_id, text="a secret that waits")
    assert sessions.spool is not None
    assert sessions.spool.entries == 1
    await until(lambda: not sessions.store.away, every=0)  # the next call to it puts it away again
    await sessions.forget(OWNER, answer.session_id)
    assert sessions.spool.entries == 0
    files = await asyncio.to_thread(lambda: [path.read_bytes() for path in (tmp_path / "spool").iterdir()])
    assert not any(b"a secret that waits" in content for content in files)
    gate.open()


async def test_in_the_background_a_step_is_answered_before_it_is_stored(store: Store, tmp_path: Path) -> None:
    process = started(store, tmp_path, early=True)
    process.calls.desk.sessions.store.seconds = 5.0
    gate = process.store.holds("append")
    answer = await asyncio.wait_for(process.step("draft", query="Q?", text="v0"), 2)
    await asyncio.wait_for(process.step("critique", answer.session_id, text="c0"), 2)
    assert await process.entries(answer.session_id) == []
    gate.open()
    await process.calls.rest()
    assert [entry.text for entry in await process.entries(answer.session_id)] == ["", "Q?", "v0", "c0"]


async def test_in_the_background_a_step_that_came_second_is_told_with_the_next_one(
    store: Store, tmp_path: Path
) -> None:
    process, other = started(store, tmp_path, early=True), started(store, tmp_path / "other")
    session_id, gate = await on_its_way(process, "mine")
    await other.step("critique", session_id, text="theirs")
    gate.open()
    await process.calls.desk.sessions.writer.drain()
    given = await process.step("revise", session_id, text="to theirs")
    assert "kept beside it: 1" in given.advice[0]
    await process.calls.rest()
    await other.calls.rest()
    assert told(await process.entries(session_id))[2:] == [
        ("critique", 0, "theirs"),
        ("alternative", 0, "mine"),
        ("revision", 0, "to theirs"),
    ]


async def test_in_the_background_a_pin_of_another_process_makes_nothing_an_alternative(
    store: Store, tmp_path: Path
) -> None:
    process, other = started(store, tmp_path, early=True), started(store, tmp_path / "other")
    session_id, gate = await on_its_way(process, "mine")
    await pin(other.calls.desk.sessions, OWNER, session_id)
    gate.open()
    await process.calls.desk.sessions.writer.drain()
    await process.step("revise", session_id, text="v1")
    await process.calls.rest()
    await other.calls.rest()
    assert told(await process.entries(session_id))[2:] == [("critique", 0, "mine"), ("revision", 0, "v1")]
