"""When watchers end, and which of them count: with the newest access token, and those that asked to be told."""

import asyncio
import time

import pytest

from companions.errors import InputError, StoreAwayError
from resources import watchers
from resources.watchers import LIST
from sessions.news_exchange import NewsExchange
from tests.resources.test_subscriptions import Desk, desk
from tests.sessions.faults import OWNER

__all__ = ["desk"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_watcher_ends_with_the_access_token_that_it_came_with(desk: Desk, *, stream: bool) -> None:
    desk.until = time.time() + 0.05
    watcher = desk.subscriptions.join(listing=True, stream=stream)
    desk.until = None
    lasting = desk.subscriptions.join(listing=True, stream=stream)
    assert await watcher.next() is None
    desk.tell("s1", what="created")
    assert await watcher.next() is None
    assert await lasting.next() is LIST


async def test_a_watcher_goes_by_the_newest_token_of_its_owner_while_it_waits(desk: Desk) -> None:
    desk.until = time.time() + 30
    watcher = desk.subscriptions.join(listing=True, stream=False)
    waiting = asyncio.create_task(watcher.next())
    await asyncio.sleep(0)
    desk.owner, desk.until = "bob", time.time() - 1
    desk.subscriptions.renew(watcher)
    assert watcher.until is not None
    assert watcher.until > time.time()
    desk.owner, desk.until = OWNER, time.time() + 0.05
    desk.subscriptions.renew(watcher)
    async with asyncio.timeout(20):
        assert await waiting is None


async def test_a_newer_token_lets_a_watcher_outlast_the_first(desk: Desk) -> None:
    desk.until = time.time() + 0.05
    watcher = desk.subscriptions.join(listing=True, stream=False)
    waiting = asyncio.create_task(watcher.next())
    await asyncio.sleep(0)
    first, desk.until = desk.until, time.time() + 30
    desk.subscriptions.renew(watcher)
    done, _ = await asyncio.wait({waiting}, timeout=first + 0.01 - time.time())
    assert not done
    desk.tell("s1", what="created")
    assert await waiting is LIST


async def test_connections_that_never_asked_to_be_told_do_not_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "MOST_WATCHERS", 2)
    silent = [desk.subscriptions.join(listing=True, stream=False) for _ in range(3)]
    stream = desk.subscriptions.join(listing=True, stream=True)
    for uri in ("resource://sessions", "resource://metrics"):
        await desk.subscriptions.watch(silent[0], uri)
    with pytest.raises(InputError, match="2 connections"):
        await desk.subscriptions.watch(silent[1], "resource://sessions")
    desk.subscriptions.leave(stream)
    await desk.subscriptions.watch(silent[1], "resource://sessions")


async def test_one_that_left_while_it_was_being_made_ready_watches_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = desk.subscriptions.join(listing=True, stream=False)

    async def leaves(_news: NewsExchange, _seconds: float) -> None:
        desk.subscriptions.leave(watcher)

    monkeypatch.setattr(NewsExchange, "ready", leaves)
    with pytest.raises(StoreAwayError, match="has ended"):
        await desk.subscriptions.watch(watcher, "resource://sessions")
    with pytest.raises(StoreAwayError, match="has ended"):
        await desk.subscriptions.watch_all(watcher, ["resource://sessions"])
    assert watcher.uris == {}
