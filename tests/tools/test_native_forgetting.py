"""Forgetting native sessions while the store, the provider's account or the forgetting itself is not as it was."""

import asyncio
from pathlib import Path

import pytest

from companions.errors import StoreAwayError
from companions.responses_api import ResponsesAPI
from middleware.authentication import LOCAL
from sessions import erasing
from sessions.archives import files, writing
from sessions.archives.importing import Imported
from tests.provider.server import Provider
from tests.sessions.archived import TEXT_LIMIT, unheard
from tests.sessions.faults import Fault, FaultyStore, until
from tests.tools.native_programs import Program, Start, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.tools.native_fixtures")

AWAY = StoreAwayError("The store is away.", "Wait.")


def faulty(program: Program) -> FaultyStore:
    """Let the calls of a program's store be held and broken."""
    guarded = program.sessions.store
    guarded.seconds = guarded.patience = 30.0
    guarded.store = store = FaultyStore(guarded.store)
    return store


async def settled(program: Program) -> None:
    api = program.sessions.copies.provider
    assert isinstance(api, ResponsesAPI)
    await api.settled()


@pytest.mark.parametrize("spooled", [False, True], ids=["in the background", "on this machine's disk"])
async def test_a_draft_that_is_forgotten_on_its_way_into_the_store_is_deleted_there_too(
    start: Start, provider: Provider, *, spooled: bool
) -> None:
    program = await start(durability="committed" if spooled else "background")
    store = faulty(program)
    store.away = spooled
    gate = store.holds("append")
    session_id, _ = await drafted(program, 1)
    store.away = False
    await until(lambda: not program.sessions.store.away)
    forgetting = asyncio.create_task(program("forget_session", session_id=session_id))
    await asyncio.wait({forgetting}, timeout=0.05)
    gate.open()
    assert (await forgetting)["forgotten"] is True
    assert provider.responses.kept == {}


@pytest.mark.parametrize("method", ["page", "tombstone"])
async def test_while_the_store_is_away_nothing_is_forgotten_and_nothing_deleted(
    start: Start, provider: Provider, method: str
) -> None:
    program = await start()
    session_id, _ = await drafted(program, 1)
    kept, store = dict(provider.responses.kept), faulty(program)
    store.breaks(method, *[Fault(AWAY)] * 100)
    program.sessions.store.seconds = program.sessions.store.patience = 0.2
    with pytest.raises(StoreAwayError):
        await erasing.forget(program.sessions, LOCAL, session_id)
    await settled(program)
    assert provider.responses.kept == kept
    store.faults.clear()
    await until(lambda: not program.sessions.store.away)
    assert (await program("forget_session", session_id=session_id))["forgotten"] is True
    assert provider.responses.kept == {}


async def test_an_erasure_that_is_interrupted_deletes_what_it_had_gathered(start: Start, provider: Provider) -> None:
    program = await start()
    await drafted(program, 2)
    gate = faulty(program).holds("tombstone")
    interrupted = asyncio.create_task(erasing.erase(program.sessions, LOCAL))
    await gate.reached.wait()
    interrupted.cancel()
    with pytest.raises(asyncio.CancelledError):
        await interrupted
    await settled(program)
    gate.open()
    assert provider.responses.kept == {}


@pytest.mark.parametrize("key", [None, "sk-of-another-account"])
async def test_only_whoever_was_asked_for_a_draft_can_say_that_it_is_gone(
    start: Start, provider: Provider, key: str | None
) -> None:
    session_id, _ = await drafted(await start(), 1)
    (response,) = provider.responses.kept
    provider.responses.forget()
    program = await start(**{} if key is None else {"OPENAI_API_KEY": key})
    told = await program("forget_session", session_id=session_id)
    assert any(response in sentence for sentence in told.get("advice", ())) is (key is not None)


async def test_an_archive_that_is_brought_names_nothing_that_a_provider_keeps(
    start: Start, provider: Provider, tmp_path: Path
) -> None:
    source, path = await start(), tmp_path / "all.zip"
    session_id, _ = await drafted(source, 2)
    await writing.export(source.sessions, LOCAL, path, unheard)
    target = await start(store=f"sqlite:///{tmp_path / 'other.db'}", spool=tmp_path / "other")

    async def brought(program: Program) -> tuple[int, int]:
        done = await files.bring(program.sessions, LOCAL, path, text_limit=TEXT_LIMIT, report=unheard)
        assert isinstance(done, Imported)
        return done.sessions, done.there

    assert [await brought(program) for program in (target, target, source)] == [(1, 0), (0, 1), (0, 1)]
    assert await target.kept(session_id) == [{}, {}]
    assert [each["sent"] for each in await source.kept(session_id)] == ["whole", "new"]
    kept = dict(provider.responses.kept)
    await target("forget_session", session_id=session_id)
    assert provider.responses.kept == kept
