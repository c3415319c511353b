"""Forks of sessions that are forgotten, and in stores that go away, meanwhile: each is told and there, or neither."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from companions.errors import SessionNotFoundError, StoreAwayError, StoreError
from sessions import writer
from sessions.spool.spool import Spool
from sessions.store import Store
from tests.sessions.faults import OWNER, Fault, Process, until
from tests.sessions.forks import entries_of, forked, listed, looped, texts_of
from tests.sessions.spooling import ROOM, STORE
from tests.sessions.writing import log_of


@pytest.fixture(params=[False, True], ids=["stored", "early"])
async def process(request: pytest.FixtureRequest, store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True, early=request.param)
    yield made
    await made.calls.rest()


@pytest.fixture
def quiet() -> Iterator[None]:
    with log_of("companions.store"):
        yield


@pytest.mark.parametrize("method", ["page", "tail", "append"])
async def test_a_fork_whose_parent_is_forgotten_meanwhile_is_refused_as_one_of_an_unknown_session(
    process: Process, method: str
) -> None:
    parent = await looped(process)
    await listed(process)
    other = Process.on(process.store.store, keeps=True)
    gate = process.store.holds(method)
    forking = asyncio.create_task(forked(process, parent))
    try:
        await gate.reached.wait()
        await other.calls.desk.sessions.forget(OWNER, parent)
        gate.open()
        with pytest.raises(SessionNotFoundError, match=parent):
            await forking
        assert await listed(process) == {}
    finally:
        await other.calls.rest()


@pytest.mark.usefixtures("quiet")
async def test_a_fork_that_the_store_goes_away_from_is_kept_and_whole_once_it_is_back(
    process: Process, tmp_path: Path
) -> None:
    early = process.calls.desk.sessions.early
    process = Process.on(process.store.store, keeps=True, early=early, spool=Spool(tmp_path, STORE, limit=ROOM))
    try:
        parent = await looped(process)
        before = await texts_of(process, parent)
        gate = process.store.holds("append")
        forking = asyncio.create_task(forked(process, parent))
        await gate.reached.wait()
        process.store.away = True
        gate.open()
        made = await forking
        with pytest.raises(StoreAwayError):
            await made.look("generic")
        with pytest.raises(StoreAwayError):
            await process.step("draft", made.session_id, query="And then?", text="Not over what it shares.")
        process.store.away = False
        await until(lambda: not made.kept)
        assert (await process.step("critique", made.session_id, text="c2")).iteration == 3
        assert await texts_of(process, made.session_id) == [*before, "c2"]
        assert await listed(process) == {parent: "Where?", made.session_id: "Where?"}
    finally:
        await process.calls.rest()


async def test_a_fork_that_is_stored_is_told_although_nothing_can_be_read_of_it(process: Process) -> None:
    parent = await looped(process)
    await entries_of(process, parent)
    process.store.breaks("tail", None, None, *[Fault(error=StoreError("It is broken.", "Mend it."))] * 9)
    made = await forked(process, parent)
    process.store.faults.clear()
    assert (await process.step("critique", made.session_id, text="c2")).iteration == 3
    assert (await listed(process)).keys() == {parent, made.session_id}


@pytest.mark.usefixtures("quiet")
async def test_a_fork_that_is_refused_for_want_of_time_never_comes_to_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAUSE", 0.01)
    process = Process.on(store, keeps=True, early=True)
    try:
        parent = await looped(process)
        await listed(process)
        guarded = process.calls.desk.sessions.store
        gate = process.store.holds("append")
        monkeypatch.setattr(guarded, "seconds", 0.05)
        forking = asyncio.create_task(forked(process, parent))
        with pytest.raises(StoreAwayError):
            await forking
        gate.open()
        monkeypatch.undo()
        assert (await listed_once_back(process)).keys() == {parent}
    finally:
        await process.calls.rest()


async def listed_once_back(process: Process) -> dict[str, str]:
    """List as soon as the store answers; a call that began within the short deadline can still find it away."""
    while True:
        await until(lambda: not process.calls.desk.sessions.store.away)
        with contextlib.suppress(StoreAwayError):
            return await listed(process)
