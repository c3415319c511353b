"""What those are told who take part in another one's session."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from companions.errors import SessionNotFoundError, StoreError
from resources import subscriptions
from resources.watchers import LIST, Watcher
from sessions import erasing
from sessions.news import mark_of
from sessions.sharing import Sharing
from sessions.stores.memory.store import MemoryStore
from tests.resources.desks import BASE, Desk, told
from tests.sessions.company import ANN, BOB, Person, shared
from tests.sessions.faults import Fault, Process


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    process = Process.on(MemoryStore())
    yield Desk(process)
    await process.calls.close()


@pytest.mark.parametrize("era", ["one by one", "all at once"])
async def test_a_participant_hears_of_a_shared_session_until_that_is_taken_back(desk: Desk, era: str) -> None:
    sessions = desk.process.calls.desk.sessions
    sharing = Sharing(sessions=sessions, told=desk.news.granted)
    session_id = (await Person(ANN, desk.process).step("draft", query="Why?", text="So.")).session_id
    uri, desk.owner = BASE.format(session_id) + "/answer", BOB
    listening = desk.subscriptions.join(listing=True, stream=False)
    code = (await sharing.invite(ANN, session_id, "reader")).code
    await sharing.accept(BOB, code)
    assert await told(listening) == [LIST]
    watcher = desk.subscriptions.join(listing=False, stream=False)
    if era == "one by one":
        await desk.subscriptions.watch(watcher, uri)
    else:
        assert await desk.subscriptions.watch_all(watcher, [uri]) == [uri]
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    assert await desk.subscriptions.next(watcher) == uri
    # Taken back by another process, of which nothing is heard here.
    await sessions.store.grants.remove(session_id, BOB, 0.0)
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    watcher.close()
    assert await desk.subscriptions.next(watcher) is None
    assert uri not in watcher.uris
    with pytest.raises(SessionNotFoundError):
        await desk.subscriptions.watch(listening, uri)
    assert await desk.subscriptions.watch_all(listening, [uri]) == []


async def watching(desk: Desk) -> tuple[str, str, Watcher]:
    """Let Bob watch a session that Ann shares with him; gives its id, what he watches, and by what he is told."""
    ann, bob = Person(ANN, desk.process), Person(BOB, desk.process)
    session_id = await shared(ann, bob, "reader")
    uri, desk.owner = BASE.format(session_id) + "/answer", BOB
    watcher = desk.subscriptions.join(listing=True, stream=False)
    await desk.subscriptions.watch(watcher, uri)
    return session_id, uri, watcher


async def test_news_are_told_when_it_can_be_said_again_who_takes_part(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "AGAIN_SECONDS", 0.01)
    session_id, uri, watcher = await watching(desk)
    desk.process.store.breaks("grants.role", *3 * [Fault(StoreError("Broken.", "Wait."))])
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    async with asyncio.timeout(20):
        assert await desk.subscriptions.next(watcher) == uri


async def test_while_nobody_can_say_who_takes_part_nothing_is_told_and_the_watcher_can_go(desk: Desk) -> None:
    session_id, uri, watcher = await watching(desk)
    desk.process.store.breaks("grants.role", *3 * [Fault(StoreError("Broken.", "Wait."))])
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    news = asyncio.create_task(desk.subscriptions.next(watcher))
    done, _ = await asyncio.wait([news], timeout=0.2)
    assert not done
    watcher.close()
    async with asyncio.timeout(20):
        assert await news is None
    assert uri in watcher.uris


@pytest.mark.parametrize("end", ["forgotten", "forgotten unopened", "all erased", "taken back"])
async def test_participants_hear_once_that_a_session_has_gone_from_them(desk: Desk, end: str) -> None:
    session_id, uri, watcher = await watching(desk)
    sessions = desk.process.calls.desk.sessions
    sessions.observing.add("news", desk.news)
    if end == "taken back":
        await Sharing(sessions=sessions, told=desk.news.granted).take_back(ANN, session_id, "bob")
    elif end == "forgotten":
        await erasing.forget(sessions, ANN, session_id)
    else:
        await sessions.writer.settled(session_id)
        sessions.open.leave(session_id)
        await (erasing.erase(sessions, ANN) if end == "all erased" else erasing.forget(sessions, ANN, session_id))
    async with asyncio.timeout(20):
        heard = [await desk.subscriptions.next(watcher) for _ in range(2)]
    assert {*heard} == {LIST, uri}
    assert uri not in watcher.uris
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    watcher.close()
    assert await desk.subscriptions.next(watcher) is None
