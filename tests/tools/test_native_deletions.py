"""What the provider keeps of native sessions is deleted there with them, whichever way they go."""

import time

import pytest

from companions import responses_api
from companions.errors import ModelReplyError
from companions.native_sessions import kept_response
from companions.requests import Request
from middleware.authentication import LOCAL
from sessions import erasing
from sessions.asked import Caller
from sessions.retention import Retention, prune
from tests.provider import replies
from tests.provider.server import Provider
from tests.sessions.faults import until
from tests.tools.native_programs import Start, drafted

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


async def test_an_archived_session_is_deleted_there_and_goes_on_when_it_is_used_again(
    start: Start, provider: Provider
) -> None:
    program = await start()
    session_id, _ = await drafted(program, 2)
    head = await program.sessions.store.head(session_id)
    assert head is not None
    program.sessions.observing.archived(head.opening)
    await until(lambda: not provider.responses.kept)
    await drafted(program, 1, session_id)
    assert (await program.kept(session_id))[-1]["fell_back"] == "expired"


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
