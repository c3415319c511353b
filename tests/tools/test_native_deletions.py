"""What the provider keeps of native sessions is deleted there with them, whichever way they go."""

import asyncio
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import sessions.sessions as sessions_module
from companions import responses_api
from companions.errors import ModelReplyError
from companions.native_sessions import kept_response
from companions.requests import Request
from middleware.authentication import LOCAL
from sessions import erasing, pruning
from sessions.asked import Caller
from sessions.pruning import keep_pruned
from sessions.retention import DAY, Pruned, Retention, prune
from tests.provider import replies
from tests.provider.server import Provider
from tests.sessions.faults import until
from tests.tools.native_programs import Program, Start, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.tools.native_fixtures")


async def test_what_could_not_be_deleted_is_named_when_a_session_is_forgotten(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, _ = await drafted(program, 2)
    kept = list(provider.responses.kept)
    provider.responses.deleting = 400
    told = await program("forget_session", session_id=session_id)
    (advice,) = told["advice"]
    assert "2 drafts" in advice
    assert all(response in advice for response in kept)
    assert told["forgotten"] is True


async def test_forgetting_does_not_wait_for_a_provider_that_hangs(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, _ = await drafted(program, 1)
    provider.responses.deleting = None
    kept = await program.sessions.copies.found(session_id)
    assert kept is not None
    left = await program.sessions.copies.delete(kept, 0.2)
    assert kept[0].id in left[0]


async def test_erasing_an_owner_deletes_all_that_the_provider_keeps_of_theirs(start: Start, provider: Provider) -> None:
    program = await start()
    for _ in range(2):
        await drafted(program, 2)
    erased = await erasing.erase(program.sessions, LOCAL)
    assert (erased.sessions, erased.elsewhere, provider.responses.kept) == (2, (), {})


async def rounds(program: Program) -> None:
    """Have two rounds of pruning made, a day from now."""
    made, done = list[Pruned](), asyncio.Event()

    async def looked(*given: Any, **chosen: Any) -> Pruned:
        made.append(await prune(*given, **chosen))
        if len(made) == 2:
            done.set()
            await asyncio.Event().wait()
        return made[-1]

    await program.sessions.projector.flush()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, "prune", looked)
        patch.setattr(pruning, "time", SimpleNamespace(time=lambda: time.time() + DAY))
        patch.setattr(sessions_module, "keep_pruned", partial(keep_pruned, every_seconds=0.0, first_seconds=0.0))
        task = asyncio.create_task(program.sessions.keep_pruned())
        await done.wait()
        task.cancel()
        await asyncio.wait({task})
    assert [each.archived for each in made] == [1, 1]


async def test_an_archived_session_is_deleted_there_once_and_goes_on_when_it_is_used_again(
    start: Start, provider: Provider
) -> None:
    program = await start(retention="archive=1h")
    session_id, _ = await drafted(program, 2)
    first = list(provider.responses.kept)
    await rounds(program)
    assert (sorted(provider.responses.deletions), provider.responses.kept) == (first, {})
    program = await start(retention="archive=1h")
    await rounds(program)
    assert len(provider.responses.deletions) == 2
    await drafted(program, 1, session_id)
    assert (await program.kept(session_id))[-1]["fell_back"] == "expired"
    newest = list(provider.responses.kept)
    await rounds(program)
    assert provider.responses.deletions[2:] == newest
    overview = await program.wired.reading.overview(LOCAL, session_id)
    assert not any("provider" in name for values in overview["companions"].values() for name in values)


async def test_a_session_that_is_pruned_is_deleted_there_too(start: Start, provider: Provider) -> None:
    program = await start()
    await drafted(program, 2)
    store, leaving = program.sessions.store, program.sessions.copies.leave
    await program.sessions.projector.flush()
    later = time.time() + 100
    pruned = await prune(store, Retention(delete=10), later, dry_run=False, holder="tests", leaving=leaving)
    assert pruned.deleted == 1
    await until(lambda: not provider.responses.kept)


async def test_a_response_that_no_entry_names_is_deleted_in_the_end(
    start: Start, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await start()
    provider.queue("A first answer.", replies.text("too long " * 200))
    session_id, _ = await drafted(program, 1)
    session = await program.sessions.find(LOCAL, session_id)
    asked = Request(step="draft", query="Long?", text_limit=1_000)
    with pytest.raises(ModelReplyError, match="more than 1,000 bytes"):
        await program.wired.calls.desk.step(session, "generic", asked, Caller())
    assert len(provider.responses.kept) == 2
    named = kept_response((await program.kept(session_id))[0])
    assert named is not None
    api = program.sessions.copies.provider
    assert isinstance(api, responses_api.ResponsesAPI)
    await until(lambda: named not in api._unrecorded)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(responses_api, "UNRECORDED_SECONDS", 0.0)
    await drafted(program, 1, session_id)
    await until(lambda: len(provider.responses.deleted) == 1)
    assert named.id in provider.responses.kept
