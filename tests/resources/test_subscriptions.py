"""What watchers are told: which entry changes what, whose it must be, and how much one may watch."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from companions.entries import Kind
from companions.errors import InputError, SessionNotFoundError, StoreAwayError
from resources import watchers
from resources.topics import PARTS, topic
from resources.watchers import LIST
from sessions.news import mark_of
from sessions.store import Head
from sessions.stores.memory.store import MemoryStore
from tests.resources.desks import BASE, Desk, told
from tests.sessions.faults import OWNER, Process


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    process = Process.on(MemoryStore())
    yield Desk(process)
    await process.calls.close()


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_an_entry_changes_the_resources_that_show_it(desk: Desk, kind: str) -> None:
    session_id = await desk.session()
    base = BASE.format(session_id)
    uris = {f"{base}/{part}": kinds for part, kinds in PARTS.items()}
    uris |= {f"{base}/run_log/0": PARTS["run_log"], f"{base}/answer?offset=100": PARTS["answer"]}
    watcher = desk.subscriptions.join(listing=True, stream=False)
    assert await desk.subscriptions.watch_all(watcher, [*uris]) == [*uris]
    desk.tell(session_id, kind)
    changed = {uri for uri, kinds in uris.items() if kind in kinds}
    assert {*await told(watcher)} == changed | ({LIST} if kind == "configure" else set())
    # Of another companion, and of another session, they show nothing.
    desk.tell(session_id, kind, companion_type="strategy")
    desk.tell(session_id[::-1], kind)
    assert {*await told(watcher)} - {LIST} == set()
    if kind in PARTS["run_log"]:
        desk.tell(session_id, kind, slot=1)
        assert f"{base}/run_log/0" not in (found := await told(watcher))
        assert f"{base}/run_log" in found


async def test_all_of_an_owner_s_sessions_change_what_is_said_of_them_together(desk: Desk) -> None:
    session_id = await desk.session()
    uris = ["resource://sessions", "resource://metrics", f"resource://sessions/{session_id}"]
    still = [
        "resource://companions",
        "resource://patterns/generic",
        f"resource://sessions/{session_id}/generic/nothing",
    ]
    watcher = desk.subscriptions.join(listing=False, stream=False)
    await desk.subscriptions.watch_all(watcher, uris + still)
    desk.tell(session_id, "draft")
    assert sorted(map(str, await told(watcher))) == sorted(uris)
    desk.tell("another", "draft")
    assert {*await told(watcher)} == {*uris[:2]}
    desk.tell(session_id, "learned")
    assert await told(watcher) == []
    for what in ("created", "archived", "deleted"):
        desk.tell(session_id, what=what, companion_type="")
        assert {*await told(watcher)} == {*uris}
    desk.news.missed()
    assert {*await told(watcher)} == {*uris}


async def test_nobody_hears_of_another_owner_s_changes(desk: Desk) -> None:
    session_id = await desk.session()
    desk.owner = "bob"
    watcher = desk.subscriptions.join(listing=True, stream=False)
    uris = ["resource://sessions", "resource://metrics", f"resource://sessions/{session_id}"]
    assert await desk.subscriptions.watch_all(watcher, uris) == uris[:2]
    with pytest.raises(SessionNotFoundError):
        await desk.subscriptions.watch(watcher, uris[2])
    for what in ("created", "archived", "deleted"):
        desk.tell(session_id, what=what)
    desk.tell(session_id, "draft")
    assert await told(watcher) == []
    desk.tell("his", "configure", owner=mark_of("bob"))
    assert {*await told(watcher)} == {*uris[:2], LIST}


class Counted(MemoryStore):
    """A store that counts what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def head(self, session_id: str) -> Head | None:
        self.reads += 1
        return await super().head(session_id)

    async def list(self, owner: str, **chosen: Any) -> Any:
        self.reads += 1
        return await super().list(owner, **chosen)


async def test_a_foreign_session_open_or_not_costs_the_reads_of_an_unknown_one_and_is_told_like_it() -> None:
    desk = Desk(Process.on(store := Counted()))
    foreign = await desk.session()
    desk.owner = "bob"
    watcher = desk.subscriptions.join(listing=False, stream=False)

    async def asked(session_id: str) -> tuple[list[str], str, int]:
        store.reads, uri = 0, f"resource://sessions/{session_id}"
        found = await desk.subscriptions.watch_all(watcher, [uri])
        with pytest.raises(SessionNotFoundError) as refused:
            await desk.subscriptions.watch(watcher, uri)
        return found, str(refused.value).replace(session_id, "ID"), store.reads

    unknown = await asked(foreign[::-1])
    assert await asked(foreign) == unknown
    desk.process.calls.desk.sessions.open.leave(foreign)
    assert await asked(foreign) == unknown
    assert unknown[2] > 0
    await desk.process.calls.close()


async def test_a_resource_that_is_not_served_cannot_be_watched(desk: Desk) -> None:
    watcher = desk.subscriptions.join(listing=False, stream=False)
    for uri in ("file:///etc/passwd", "resource://" + "x" * 2_000):
        assert await desk.subscriptions.watch_all(watcher, [uri]) == []
        with pytest.raises(InputError, match="There is no resource"):
            await desk.subscriptions.watch(watcher, uri)
    assert watcher.uris == {}


async def test_what_is_watched_is_bounded_for_each_connection_and_each_owner(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "MOST_URIS", 3)
    monkeypatch.setattr(watchers, "MOST_OF_OWNER", 5)
    monkeypatch.setattr(watchers, "MOST_WATCHERS", 2)
    uris = [f"resource://companions/{number}" for number in range(6)]
    first, second = (desk.subscriptions.join(listing=False, stream=True) for _ in range(2))
    with pytest.raises(InputError, match="2 connections"):
        desk.subscriptions.join(listing=False, stream=True)
    with pytest.raises(InputError, match="may watch 3"):
        await desk.subscriptions.watch_all(first, uris[:4])
    for uri in (*uris[:3], uris[0]):
        await desk.subscriptions.watch(first, uri)
    with pytest.raises(InputError, match="may watch 3"):
        await desk.subscriptions.watch(first, uris[3])
    await desk.subscriptions.watch_all(second, uris[:2])
    with pytest.raises(InputError, match="5 resources together"):
        await desk.subscriptions.watch(second, uris[2])
    desk.subscriptions.unwatch(first, uris[0])
    desk.subscriptions.unwatch(first, uris[0])
    await desk.subscriptions.watch(second, uris[2])
    desk.owner = "bob"
    await desk.subscriptions.watch_all(desk.subscriptions.join(listing=False, stream=False), uris[:3])
    desk.owner = OWNER
    desk.subscriptions.leave(first)
    desk.subscriptions.join(listing=False, stream=True)


async def test_a_watcher_that_left_leaves_nothing_behind(desk: Desk) -> None:
    watcher = desk.subscriptions.join(listing=True, stream=False)
    await desk.subscriptions.watch_all(watcher, ["resource://sessions", f"resource://sessions/{await desk.session()}"])
    desk.subscriptions.leave(watcher)
    kept: Any = desk.subscriptions._watchers  # pyright: ignore[reportPrivateUsage] (nobody else may see it)
    assert (kept.all(), kept._by_place, kept._of_owner) == ([], {}, {})
    desk.tell("any", "draft")
    assert await watcher.next() is None


async def test_a_slow_watcher_is_told_each_thing_once(desk: Desk) -> None:
    watcher = desk.subscriptions.join(listing=True, stream=False)
    await desk.subscriptions.watch(watcher, "resource://sessions")
    for number in range(10_000):
        desk.tell(f"s{number}", what="created")
    assert await told(watcher) == ["resource://sessions", LIST]


async def test_at_the_end_all_are_let_go_and_nobody_new_is_taken(desk: Desk) -> None:
    watcher = desk.subscriptions.join(listing=True, stream=False)
    desk.tell("s1", what="created")
    desk.subscriptions.close()
    assert await watcher.next() is LIST
    assert await watcher.next() is None
    with pytest.raises(StoreAwayError, match="ending"):
        desk.subscriptions.join(listing=True, stream=False)
    desk.subscriptions.open()
    desk.subscriptions.join(listing=True, stream=False)


def test_addresses_are_read_as_the_server_reads_them() -> None:
    assert topic("resource://sessions/s%31/generic/phase") == topic("resource://sessions/s1/generic/phase")
    assert topic("resource://sessions/s1/generic/run_log/x").still
    assert topic("resource://sessions/s1/generic/run_log/x").session_id == "s1"
    assert topic("test://sessions/s1").still
