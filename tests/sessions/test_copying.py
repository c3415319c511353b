"""Copying from store to store: whole, taken up again, verified, and never over what the target holds otherwise."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions import copying
from sessions.copying import Copied, copy
from sessions.memory_store import MemoryStore
from sessions.postgres_store import PostgresStore
from sessions.redis_store import RedisStore
from sessions.sqlite_store import SQLiteStore
from sessions.store import Projection, Store
from tests.sessions.building import COMPANIONS, TEXTS, Program, Story, note, projection
from tests.sessions.faults import Fault, FaultyStore

AWAY = StoreAwayError("The store is away.", "Wait.")
META: dict[str, Any] = {
    "similarity": 0.1 + 0.2,
    "usage": {"b": 1, "a": 2},
    "words": ["Ü", "\0", None, True],
    "based_on": 1,
}
FORGOTTEN = "m-forgotten"
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


def unheard(_sessions: int, _entries: int) -> None:
    """Hear how far a copy is, and tell nobody."""


async def filled(store: Store, length: int = 40) -> list[Story]:
    """Fill a store with everything that can stand in one; gives its living sessions.

    Ids sort so that each fork is met before the session that it was forked from.
    """
    long, texts = Story(store, "z-long", owner="bob"), Story(store, "y-texts")
    await long.write(*(note("pick", companion=COMPANIONS[n % 2], slot=n // 9, index=n) for n in range(length)))
    await texts.write(*(note("learned", text=text, **META) for text in TEXTS.values()))
    fork = long.fork("n-fork", length // 2)
    await fork.write(note("query"), note("draft", text="\0 of the fork"))
    lost = fork.fork(FORGOTTEN, length // 2 + 1)
    await lost.write(note("query"))
    orphan, second = lost.fork("b-orphan", length // 2 + 2), fork.fork("a-second", length // 2 + 2)
    for story in (orphan, second):
        await story.write(note("pick"), note("pick"))
    assert await store.tombstone(FORGOTTEN)
    shown = Projection(
        session_id="y-texts", seq=7, title="T\0", last_used=2_000.75, preview="Ü", companions={"generic": {"slot": 1}}
    )
    await store.project([shown, replace(shown, session_id="n-fork")])
    return [second, orphan, fork, texts, long]


async def check_all(stories: Sequence[Story], target: Store) -> None:
    for story in stories:
        await replace(story, store=target).check()


def digest_of(stories: Sequence[Story]) -> str:
    """Make the digest of a whole as its documentation says, from what was written."""
    whole = ""
    for story in sorted(stories, key=lambda story: story.session_id):
        lines: list[list[Any]] = [[story.session_id, story.owner, story.created_at]]
        lines += [
            [e.seq, e.id, e.companion_type, e.kind, e.slot, e.index, e.author, e.at, {**e.meta}, e.text]
            for e in story.entries
        ]
        text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
        whole += f"{story.session_id} {hashlib.sha256(text.encode()).hexdigest()}\n"
    return hashlib.sha256(whole.encode()).hexdigest()


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
    monkeypatch.setattr(copying, "MOST_ENTRIES", 9)
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
    monkeypatch.setattr(copying, "MOST_ENTRIES", 20)
    monkeypatch.setattr(copying, "MOST_BYTES", 500_000)
    await Story(source, "a-large").write(*(note(text="x" * 200_000) for _ in range(9)))
    await Story(source, "b-long").write(*(note() for _ in range(75)))
    target.batches.clear()
    assert (await copy(source, target, unheard)).entries == 84
    sizes = [[entry for append in batch for entry in append.entries] for batch in target.batches]
    assert max(map(len, sizes)) == 20
    assert max(sum(len(entry.text) for entry in batch) for batch in sizes) == 400_000


async def test_pages_shrink_where_texts_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MOST_BYTES", 500_000)
    asked = list[int]()

    class Asked(MemoryStore):
        async def page(self, session_id: str, *, after: int = 0, limit: int = 100, **chosen: Any) -> list[Entry]:
            asked.append(limit)
            return await super().page(session_id, after=after, limit=limit, **chosen)

    source = Asked()
    await Story(source).write(*(note(text="x" * 200_000) for _ in range(40)))
    await copy(source, MemoryStore(), unheard)
    assert set(asked) == {copying.FIRST_PAGE, 2}


async def test_a_target_s_session_that_differs_is_named_and_left_alone(store: Store) -> None:
    source = MemoryStore()
    mine = Story(source)
    await mine.write(note("query"), note("draft"))
    await Story(source, "s2").write(note())
    theirs = Story(store)
    await theirs.write(note("query", text="another"))
    copied = await copy(source, store, unheard)
    assert (copied.sessions, copied.entries, copied.differing) == (1, 1, ("s1",))
    await theirs.check()
    assert copied.digest == digest_of([Story(source, "s2", entries=await source.page("s2"))])


@pytest.mark.parametrize(("owner", "created_at"), [("bob", 1_000.25), ("ann", 7.0)])
async def test_nothing_is_added_to_a_session_of_another_owner_or_origin(
    store: Store, owner: str, created_at: float
) -> None:
    source = MemoryStore()
    mine, theirs = Story(source), Story(store, owner=owner, created_at=created_at)
    await mine.write(note(), note())
    await theirs.write(note())
    assert (await copy(source, store, unheard)).differing == ("s1",)
    await theirs.check()


async def test_a_session_that_went_on_in_the_target_holds_all_of_the_source_s(store: Store) -> None:
    source = MemoryStore()
    mine = Story(source)
    await mine.write(note(), note())
    first = await copy(source, store, unheard)
    await store.project([projection("s1", title="newer")])
    theirs = replace(mine, store=store, entries=[*mine.entries])
    await theirs.write(note("query", text="only there"))
    assert await copy(source, store, unheard) == replace(first, entries=0)
    await mine.write(note("query", text="only here"))
    assert (await copy(source, store, unheard)).differing == ("s1",)
    await theirs.check()


async def test_a_fork_of_a_session_that_is_another_in_the_target_becomes_a_session_of_its_own(store: Store) -> None:
    source = MemoryStore()
    parent = Story(source)
    await parent.write(note(), note(), note())
    fork = parent.fork("f1", 2)
    await fork.write(note("query"))
    theirs = Story(store)
    await theirs.write(note(text="another"), note(), note())
    copied = await copy(source, store, unheard)
    assert (copied.sessions, copied.differing) == (1, ("s1",))
    await replace(fork, store=store).check()
    await theirs.check()
    head = await store.head("f1")
    assert head is not None
    assert head.opening.parent is None
    assert (await copy(source, store, unheard)).entries == 0


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


async def test_what_was_forgotten_in_the_target_is_not_brought_back(store: Store) -> None:
    source = MemoryStore()
    stories = await filled(source)
    await copy(source, store, unheard)
    assert await store.tombstone("n-fork")
    assert await store.tombstone("y-texts")
    copied = await copy(source, store, unheard)
    assert (copied.sessions, copied.entries, copied.differing) == (3, 0, ())
    assert copied.forgotten == ("n-fork", "y-texts")
    await check_all([story for story in stories if story.session_id not in copied.forgotten], store)


async def copying_while(source: Store, store: Store, meanwhile: Callable[[], Awaitable[object]]) -> Copied:
    """Copy, and do something while the first append is held."""
    target = FaultyStore(store)
    gate = target.holds("append")
    run = asyncio.create_task(copy(source, target, unheard))
    await gate.reached.wait()
    await meanwhile()
    gate.open()
    return await run


async def test_a_session_that_grows_meanwhile_is_verified_as_far_as_it_was_copied(store: Store) -> None:
    source = MemoryStore()
    story = Story(source)
    await story.write(*(note() for _ in range(5)))
    copied = await copying_while(source, store, lambda: story.write(note("query"), note("draft")))
    assert (copied.sessions, copied.entries, copied.differing) == (1, 5, ())
    assert await store.page("s1") == story.entries[:5]
    again = await copy(source, store, unheard)
    assert (again.entries, again.digest) == (2, digest_of([story]))


async def test_a_session_that_is_forgotten_meanwhile_is_told(store: Store) -> None:
    source = MemoryStore()
    await Story(source).write(note())
    copied = await copying_while(source, store, lambda: source.tombstone("s1"))
    assert (copied.sessions, copied.differing, copied.forgotten) == (0, (), ("s1",))


async def test_two_copies_at_once_store_every_entry_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MOST_ENTRIES", 4)
    source = MemoryStore()
    stories = await filled(source)
    one, two = await asyncio.gather(copy(source, store, unheard), copy(source, store, unheard))
    assert one.digest == two.digest == digest_of(stories)
    await check_all(stories, store)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET text = text || ' ' WHERE seq = 3",
        "UPDATE entries SET meta = '{\"similarity\": 0.3}' WHERE seq = 3",
        "UPDATE entries SET at = at + 0.001 WHERE seq = 3",
        "UPDATE entries SET author = 'bob' WHERE seq = 3",
        "UPDATE sessions SET owner = 'bob'",
    ],
)
async def test_one_changed_value_in_the_target_makes_another_digest(
    sqlite: SQLiteStore, program: Program, change: str
) -> None:
    source = MemoryStore()
    story = Story(source)
    await story.write(*(note("learned", text="x", similarity=0.25) for _ in range(5)))
    first = await copy(source, sqlite, unheard)
    await program.run(change)
    second = await copy(source, sqlite, unheard)
    assert second.differing == ("s1",)
    assert second.digest != first.digest
    await story.write(note())
    third = await copy(source, sqlite, unheard)
    assert (third.entries, third.differing) == (0, ("s1",))


async def test_a_damaged_source_is_told_and_nothing_is_stored_behind_the_gap(
    sqlite: SQLiteStore, program: Program
) -> None:
    await Story(sqlite).write(*(note() for _ in range(5)))
    await program.run("DELETE FROM entries WHERE seq = 3")
    target = MemoryStore()
    assert (await copy(sqlite, target, unheard)).differing == ("s1",)
    assert [entry.seq for entry in await target.page("s1")] == [1, 2]


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
