"""What wakes a page that waits: a take-back, and whatever becomes of its list, however far down and whoever did it."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest

from companions.errors import SessionNotFoundError
from pages import changes as pages_changes
from pages.changes import Changes
from sessions import erasing
from sessions.labels import MOST_PINNED, listed_at
from sessions.listing import newest
from sessions.news import Change, mark_of
from sessions.news_exchange import NewsExchange
from sessions.sharing import Sharing
from sessions.store import Store
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story, projection
from tests.sessions.company import ANN, BOB, Person, sessions_of, shared
from tests.sessions.faults import Process

pytest_plugins = ("tests.sessions.company_fixtures",)

T = TypeVar("T")


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def soon(work: Awaitable[T]) -> T:
    async with asyncio.timeout(20):
        return await work


@pytest.fixture
def news(process: Process) -> NewsExchange:
    made = NewsExchange()
    process.calls.desk.sessions.observing.add("news", made)
    return made


@pytest.fixture
def changes(process: Process, news: NewsExchange) -> Changes:
    return Changes(process.calls.desk.sessions, news)


async def many(store: Store, owner: str, *, pinned: int, others: int) -> None:
    """Put sessions into a store: so many that are pinned, and others that are not, those used last first."""
    for number in range(pinned + others):
        session_id = f"s{number:03d}"
        await Story(store, session_id, owner=owner).write()
        used_at = listed_at(1_000.0 - number, pinned=number < pinned)
        await store.project([projection(session_id, title="Title", last_used=used_at)])


async def waiting(wait: Awaitable[T]) -> "asyncio.Task[T]":
    """Begin a wait that has nothing to tell yet."""
    task = asyncio.ensure_future(wait)
    done, _ = await asyncio.wait([task], timeout=0.2)
    assert not done
    return task  # pyright: ignore[reportReturnType] (a coroutine's future is a task)


@pytest.mark.parametrize("heard", ["by news", "at the owner's next step"])
async def test_a_take_back_ends_a_wait_and_nothing_is_told_after_it(
    process: Process, changes: Changes, news: NewsExchange, heard: str
) -> None:
    ann, bob = Person(ANN, process), Person(BOB, process)
    session_id = await shared(ann, bob, "reader")
    seen = await changes.of_session(BOB, session_id, 0, forever)
    wait = await waiting(changes.of_session(BOB, session_id, seen, forever))
    if heard == "by news":
        await Sharing(sessions=sessions_of(ann), told=news.granted).take_back(ANN, session_id, "bob")
    else:
        await process.store.store.grants.remove(session_id, BOB, 0.0)
        await ann.step("critique", session_id, text="Secret.")
    with pytest.raises(SessionNotFoundError):
        await soon(wait)


async def test_what_is_erased_far_down_or_shared_changes_a_list_once(
    process: Process, changes: Changes, news: NewsExchange
) -> None:
    ann = Person(ANN, process)
    await many(process.store.store, ANN, pinned=0, others=30)
    first = await changes.of_list(ANN, "", forever)
    wait = await waiting(changes.of_list(ANN, first, forever))
    await erasing.forget(sessions_of(ann), ANN, "s029")
    second = await soon(wait)
    assert second != first
    wait = await waiting(changes.of_list(ANN, second, forever))
    news.granted(ANN, "another one's", True)
    assert await soon(wait) != second
    # What changed while nobody waited is told to whoever comes with the mark from before.
    assert await soon(changes.of_list(ANN, second, forever)) != second


async def test_a_mark_of_another_process_is_taken_for_what_it_says_of_the_list(process: Process) -> None:
    await many(process.store.store, ANN, pinned=0, others=3)
    one, other = (Changes(process.calls.desk.sessions, NewsExchange()) for _ in range(2))
    one.changed(Change(owner=mark_of(ANN), session_id="gone", what="deleted"))
    seen = await one.of_list(ANN, "", forever)
    wait = await waiting(other.of_list(ANN, seen, forever))
    wait.cancel()
    for wrong in ("", "x", "a.b.c.d", seen.partition(".")[0][:-1]):
        assert await soon(other.of_list(ANN, wrong, forever)) != wrong


async def test_of_however_many_owners_little_is_kept_and_no_change_is_lost(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_changes, "MOST_OWNERS", 3)
    seen = await changes.of_list(ANN, "", forever)
    changes.changed(Change(owner=mark_of(ANN), session_id="gone", what="archived"))
    for number in range(5):
        changes.changed(Change(owner=mark_of(f"owner {number}"), session_id="gone", what="archived"))
    assert await soon(changes.of_list(ANN, seen, forever)) != seen


async def test_what_another_process_erases_in_the_same_file_changes_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_changes, "LOOK_SECONDS", 0.05)
    one, other = (Process.on(SQLiteStore(tmp_path / "sessions.db")) for _ in range(2))
    await many(one.store.store, ANN, pinned=12, others=28)
    changes = Changes(one.calls.desk.sessions, NewsExchange())
    seen = await changes.of_list(ANN, "", forever)
    wait = await waiting(changes.of_list(ANN, seen, forever))
    await erasing.forget(other.calls.desk.sessions, ANN, "s039")
    assert await soon(wait) != seen
    for process in (one, other):
        await process.calls.close()


async def test_a_new_session_is_seen_also_where_more_are_pinned_than_may_be(process: Process, changes: Changes) -> None:
    await many(process.store.store, ANN, pinned=3 * MOST_PINNED, others=2)
    ann = Person(ANN, process)
    seen = await changes.of_list(ANN, "", forever)
    session_id = (await ann.step("draft", query="Why?", text="So.")).session_id
    # Not by the news that it was opened, which another process may not hear.
    told = await soon(Changes(sessions_of(ann), NewsExchange()).of_list(ANN, seen, forever))
    assert told.partition(".")[0] != seen.partition(".")[0]
    named = await newest(sessions_of(ann), ANN)
    assert session_id in named
