"""What those are told who take part in another one's session."""

from collections.abc import AsyncIterator

import pytest

from companions.errors import SessionNotFoundError, StoreError
from resources.watchers import LIST
from sessions.news import mark_of
from sessions.sharing import Sharing
from sessions.stores.memory.store import MemoryStore
from tests.resources.desks import BASE, Desk, told
from tests.sessions.company import ANN, BOB, Person
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
    desk.process.store.breaks("grants.role", *[Fault(StoreError("Broken.", "Wait."))])
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    watcher.close()
    assert await desk.subscriptions.next(watcher) is None
    assert uri in watcher.uris, "while nobody can say, it is told nothing, and stays"
    # Taken back by another process, of which nothing is heard here.
    await sessions.store.grants.remove(session_id, BOB, 0.0)
    desk.tell(session_id, "revision", owner=mark_of(ANN))
    assert await desk.subscriptions.next(watcher) is None
    assert uri not in watcher.uris
    with pytest.raises(SessionNotFoundError):
        await desk.subscriptions.watch(listening, uri)
    assert await desk.subscriptions.watch_all(listening, [uri]) == []
