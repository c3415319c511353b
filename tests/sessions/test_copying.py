"""Copying from store to store: whole, within bounds, and taken up again where it was cut short."""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions import copying, whole_sessions
from sessions.copying import Copied, copy
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import TEXTS, Story, note, projection
from tests.sessions.copies import FORGOTTEN, check_all, digest_of, filled, unheard
from tests.sessions.faults import Fault, FaultyStore
from tests.sessions.shared import share

AWAY = StoreAwayError("The store is away.", "Wait.")
TARGETS: dict[str, Callable[[pytest.FixtureRequest], Store]] = {
    "memory": lambda _request: MemoryStore(),
    "sqlite": lambda request: SQLiteStore(request.getfixturevalue("tmp_path") / "target.db"),
    "postgresql": lambda request: PostgresStore(request.getfixturevalue("postgres_server").url(database(request))),
    "redis": lambda request: RedisStore(request.getfixturevalue("redis_server").url(database(request))),
}
"""A second store beside each, in a database of its own."""


def database(request: pytest.FixtureRequest) -> str:
    """Name a database after a test."""
    return f"target_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}"


@pytest.fixture(params=TARGETS)
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made = TARGETS[request.param](request)
    yield made
    await made.close()


async def test_every_session_arrives_whole_with_its_owner_its_forks_and_what_listings_show(
    store: Store, target: Store
) -> None:
    stories = await filled(store)
    copied = await copy(store, target, unheard)
    assert (copied.sessions, copied.differing, copied.forgotten) == (5, (), ())
    assert copied.entries == 40 + len(TEXTS) + 2 + (22 + 2) + 2
    assert copied.digest == digest_of(stories)
    await check_all(stories, target)
    here = {head.opening.session_id: head for head in await store.scan()}
    there = {head.opening.session_id: head for head in await target.scan()}
    orphan = here.pop("b-orphan")
    assert there.pop("b-orphan") == replace(orphan, opening=replace(orphan.opening, parent=None, base=0))
    assert there == here
    assert await target.head(FORGOTTEN) is None


async def test_a_copy_of_a_copy_has_the_same_digest(store: Store) -> None:
    source = MemoryStore()
    await filled(source)
    first = await copy(source, store, unheard)
    assert (await copy(store, MemoryStore(), unheard)).digest == first.digest


async def test_a_second_run_stores_only_what_is_new(store: Store) -> None:
    source, target = MemoryStore(), FaultyStore(store)
    stories = await filled(source)
    first = await copy(source, target, unheard)
    target.batches.clear()
    second = await copy(source, target, unheard)
    assert second == replace(first, entries=0)
    assert target.batches == []
    await stories[2].write(note("critique"), note("revision", based_on=0))
    new = Story(source, "new")
    await new.write(note("query"))
    third = await copy(source, target, unheard)
    assert (third.sessions, third.entries, third.differing) == (6, 3, ())
    await check_all([*stories, new], target)


@pytest.mark.parametrize("commits", [False, True], ids=["lost", "stored_all_the_same"])
@pytest.mark.parametrize("batches", [0, 1, 2, 4, 7])
async def test_a_run_that_was_cut_short_is_taken_up_where_it_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch, batches: int, commits: bool
) -> None:
    monkeypatch.setattr(whole_sessions, "MOST_ENTRIES", 9)
    source = MemoryStore()
    stories = await filled(source)
    target = FaultyStore(store)
    target.breaks("append", *[None] * batches, Fault(AWAY, commits=commits))
    with pytest.raises(StoreAwayError):
        await copy(source, target, unheard)
    stored = sum(len(append.entries) for batch in target.batches[: batches + commits] for append in batch)
    copied = await copy(source, target, unheard)
    assert (copied.sessions, copied.differing) == (5, ())
    assert copied.entries + stored == 40 + len(TEXTS) + 2 + (22 + 2) + 2
    assert copied.digest == digest_of(stories)
    await check_all(stories, store)


@pytest.mark.parametrize("pages", range(0, 20, 4))
async def test_a_source_that_fails_in_between_leaves_nothing_wrong_behind(store: Store, pages: int) -> None:
    stories, target = await filled(store), MemoryStore()
    source = FaultyStore(store)
    source.breaks("page", *[None] * pages, Fault(AWAY))
    with pytest.raises(StoreAwayError):
        await copy(source, target, unheard)
    assert (await copy(source, target, unheard)).digest == digest_of(stories)
    await check_all(stories, target)


async def test_no_append_is_larger_than_its_bounds_and_short_sessions_share_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = MemoryStore(), FaultyStore(MemoryStore())
    for number in range(30):
        await Story(source, f"s{number}").write(note())
    await copy(source, target, unheard)
    assert [len(batch) for batch in target.batches] == [30]
    monkeypatch.setattr(whole_sessions, "MOST_ENTRIES", 20)
    monkeypatch.setattr(whole_sessions, "MOST_BYTES", 500_000)
    await Story(source, "a-large").write(*(note(text="x" * 200_000) for _ in range(9)))
    await Story(source, "b-long").write(*(note() for _ in range(75)))
    target.batches.clear()
    assert (await copy(source, target, unheard)).entries == 84
    sizes = [[entry for append in batch for entry in append.entries] for batch in target.batches]
    assert max(map(len, sizes)) == 20
    assert max(sum(len(entry.text) for entry in batch) for batch in sizes) == 400_000


async def test_pages_shrink_where_texts_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_sessions, "MOST_BYTES", 500_000)
    asked = list[int]()

    class Asked(MemoryStore):
        async def page(self, session_id: str, *, after: int = 0, limit: int = 100, **chosen: Any) -> list[Entry]:
            asked.append(limit)
            return await super().page(session_id, after=after, limit=limit, **chosen)

    source = Asked()
    await Story(source).write(*(note(text="x" * 200_000) for _ in range(40)))
    await copy(source, MemoryStore(), unheard)
    assert set(asked) == {whole_sessions.FIRST_PAGE, 2}


async def test_a_parent_that_is_on_its_way_is_not_handed_over_twice() -> None:
    source, target = MemoryStore(), FaultyStore(MemoryStore())
    parent = Story(source, "a")
    await parent.write(note(), note())
    await parent.fork("b", 1).write(note())
    copied = await copy(source, target, unheard)
    handed = [entry for batch in target.batches for append in batch for entry in append.entries]
    assert copied.entries == len(handed) == 3


async def test_a_long_line_of_forks_is_copied_eldest_first() -> None:
    source, target = MemoryStore(), MemoryStore()
    line = [Story(source, "f9999")]
    await line[0].write(note())
    for number in range(400):
        line.append(line[-1].fork(f"f{9998 - number}", len(line[-1].entries)))
        await line[-1].write(note())
    copied = await copy(source, target, unheard)
    assert (copied.sessions, copied.entries) == (401, 401)
    assert await target.page("f9599", limit=1_000) == line[-1].entries


async def test_a_copy_tells_how_far_it_is_and_ends_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "SESSIONS", 2)
    source, heard = MemoryStore(), list[tuple[int, int]]()
    await filled(source)
    copied = await copy(source, MemoryStore(), lambda sessions, entries: heard.append((sessions, entries)))
    assert heard == sorted(heard)
    assert len(heard) > 3
    assert heard[-1] == (copied.sessions, copied.entries)


async def test_an_empty_store_is_copied_to_the_digest_of_nothing(store: Store) -> None:
    copied = await copy(store, MemoryStore(), unheard)
    assert copied == Copied(sessions=0, entries=0, digest=hashlib.sha256().hexdigest())


async def test_what_listings_show_is_not_set_back_by_a_later_copy(store: Store) -> None:
    source = MemoryStore()
    await Story(source).write(note())
    await source.project([projection("s1", title="older")])
    await copy(source, store, unheard)
    await store.project([replace(projection("s1", title="newer"), seq=2)])
    await copy(source, store, unheard)
    head = await store.head("s1")
    assert head is not None
    assert head.projection is not None
    assert head.projection.title == "newer"


async def test_what_was_learned_is_copied_as_it_is_and_a_newer_share_stays(store: Store, target: Store) -> None:
    mine = [share("p1"), share("p2"), share("p2", 2), share("p3"), share("p9", companion_type="strategy")]
    theirs = [share("p1"), share("p1", 2), share("p2"), share("p3", state={"another": 1})]
    for place, put in ((store, mine), (target, theirs)):
        for each in put:
            assert await place.put_share(each)
    both = [share("p1", 2), share("p2", 2), share("p3", state={"another": 1}), mine[-1]]
    for _ in range(2):
        await copy(store, target, unheard)
        assert await target.shares() == both
    assert await store.shares() == [share("p1"), share("p2", 2), share("p3"), mine[-1]]
    assert await store.put_share(share("p2", 3))
    await copy(store, target, unheard)
    assert (await target.shares())[1] == share("p2", 3)


async def test_shares_that_did_not_arrive_come_with_the_next_run() -> None:
    source, target = MemoryStore(), FaultyStore(MemoryStore())
    await Story(source).write()
    for process in ("p1", "p2", "p3"):
        assert await source.put_share(share(process))
    target.breaks("fold_shares", None, Fault(AWAY, commits=True))
    with pytest.raises(StoreAwayError):
        await copy(source, target, unheard)
    assert await target.shares() == [share("p1"), share("p2")]
    assert (await copy(source, target, unheard)).sessions == 1
    assert await target.shares() == await source.shares()
