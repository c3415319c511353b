"""Copying where the two sides differ or change meanwhile: it is told, and nothing is written over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sessions import whole_sessions
from sessions.copying import Copied, copy
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Program, Story, note, projection
from tests.sessions.copies import check_all, digest_of, filled, unheard
from tests.sessions.faults import FaultyStore


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
    monkeypatch.setattr(whole_sessions, "MOST_ENTRIES", 4)
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
