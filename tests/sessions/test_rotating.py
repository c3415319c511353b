"""Sealing a whole store with another key: everything, while others work on it, however often it is cut short."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companions.entries import Entry
from companions.errors import StoreAwayError, StoreError, UnopenedError
from sessions.seal_store import SealableStore
from sessions.sealing import admission
from sessions.sealing.entries import SEALED
from sessions.sealing.keys import Keyring
from sessions.sealing.rotating import Rotated, rotate
from sessions.stores.guarded import GuardedStore
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story, note
from tests.sessions.copies import check_all, filled, unheard
from tests.sessions.faults import Process
from tests.sessions.forks import looped
from tests.sessions.sealed_stores import BOTH, MARK, NEW_RING, OLD_RING, bytes_of, files_of, marked, sealed

AWAY = StoreAwayError("The store is away.", "Wait.")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every process look at the seals before each append, so that a rotation need not wait for that."""
    monkeypatch.setattr(admission, "EXPIRY", 0.0)


class Interrupted:
    """A store whose nth rewriting or projection fails, before or after it came about; all else is the store's own."""

    def __init__(self, store: SealableStore, left: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, left, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        return await self._counted(lambda: self._store.rewrite(session_id, entries))

    async def project(self, projections: Sequence[Any]) -> None:
        await self._counted(lambda: self._store.project(projections))

    async def _counted(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise AWAY.with_traceback(None)
        done = await call()
        if self._left == 0:
            raise AWAY.with_traceback(None)
        return done


async def rotated(store: Any, keyring: Keyring, **chosen: Any) -> Rotated:
    guarded = GuardedStore(store)
    try:
        return await rotate(store, guarded, keyring, unheard, **chosen)
    finally:
        await guarded.rest()


async def keys_in(store: SealableStore) -> set[str | None]:
    """Name the keys that anything in the store is sealed with."""
    found: set[str | None] = set()
    for head in await store.scan():
        entries = await store.page(head.opening.session_id, limit=1_000)
        found |= {entry.meta[SEALED]["key"] if SEALED in entry.meta else None for entry in entries}
        if head.projection is not None:
            found.add(head.projection.companions.get(":sealed", {}).get("key"))
    return found


@pytest.mark.parametrize("before", [None, OLD_RING], ids=["plain", "sealed"])
async def test_everything_is_sealed_with_the_newest_key_and_reads_as_it_did(
    store: SealableStore, before: Keyring | None
) -> None:
    face = sealed(store, before)
    stories = [*await filled(face), await marked(face)]
    told = {head.opening.session_id: head for head in await face.scan()}
    done = await rotated(store, BOTH)
    assert done.whole
    forgotten = 1
    assert done.resealed == sum(len(story.entries) - story.base for story in stories) + forgotten
    assert done.dropped == ([] if before is None else ["old"])
    assert await keys_in(store) == {"new"}
    await check_all(stories, sealed(store, NEW_RING))
    assert {head.opening.session_id: head for head in await sealed(store, NEW_RING).scan()} == told
    again = await rotated(store, NEW_RING)
    assert (again.resealed, again.entries, again.whole) == (0, done.entries, True)


async def test_no_words_from_before_there_was_a_key_are_left(
    store: SealableStore, request: pytest.FixtureRequest
) -> None:
    await marked(sealed(store, None))
    assert MARK.encode() in await bytes_of(store, request)
    await rotated(store, OLD_RING)
    assert MARK.encode() not in await bytes_of(store, request)


@pytest.mark.parametrize("after", [False, True])
async def test_a_rotation_that_was_cut_short_is_taken_up_by_the_next(*, after: bool) -> None:
    store = MemoryStore()
    stories = await filled(sealed(store))
    for left in (1, 3, 5):
        with pytest.raises(StoreAwayError):
            await rotated(Interrupted(store, left, after=after), BOTH)
        await check_all(stories, sealed(store, BOTH))
        assert await store.seals() == {name: BOTH.proof(name) for name in ("old", "new")}
    assert (await rotated(store, BOTH)).whole
    await check_all(stories, sealed(store, NEW_RING))


async def test_others_go_on_meanwhile(store: SealableStore) -> None:
    process = Process.on(sealed(store, Keyring({**OLD_RING.keys, **NEW_RING.keys})), keeps=True)
    session_id = await looped(process, revisions=3)
    await process.calls.desk.sessions.writer.drain()
    going = asyncio.create_task(rotated(store, BOTH, drop=False))
    for number in range(8):
        await process.step("critique", session_id, text=f"c {number}")
        await process.step("revise", session_id, text=f"Version {number} and more of it")
    await going
    await process.calls.close()
    # That process sealed with the older key; now it has ended, nothing does.
    done = await rotated(store, BOTH)
    assert (done.whole, done.dropped, done.unopened) == (True, ["old"], set())
    found = await sealed(store, NEW_RING).page(session_id, limit=100)
    texts = [entry.text for entry in found if entry.kind in {"critique", "revision"}]
    assert len(texts) == 2 * (3 + 8)
    assert texts[-2:] == ["c 7", "Version 7 and more of it"]


async def test_what_does_not_open_is_named_and_left_and_no_key_is_dropped() -> None:
    store = MemoryStore()
    face = sealed(store)
    stories = [await marked(face, name) for name in ("s1", "s2")]
    (first,) = await store.page("s1", limit=1)
    spoilt = replace(first, id=first.id, text=first.text[:-8] + "AAAAAAA=")
    assert await store.rewrite("s1", [spoilt]) == 1
    done = await rotated(store, BOTH)
    assert (done.unopened, done.whole, done.dropped, done.entries) == ({"s1"}, False, [], 15)
    assert (await store.page("s1", limit=1))[0] == spoilt
    await check_all(stories[1:], sealed(store, BOTH))
    assert await store.tombstone("s1")
    assert (await rotated(store, BOTH)).dropped == ["old"]


async def test_it_needs_every_key_that_the_store_was_sealed_with() -> None:
    store = MemoryStore()
    await marked(sealed(store))
    with pytest.raises(UnopenedError, match="sealed with the key 'old', not among"):
        await rotated(store, NEW_RING)
    assert await store.seals() == {"old": OLD_RING.proof("old")}


async def test_a_long_session_and_its_fork_are_sealed_in_pages(store: SealableStore) -> None:
    face = sealed(store, None)
    long = Story(face, "a-long")
    await long.write(*(note("pick", index=n, text=n * "x") for n in range(700)))
    fork = long.fork("b-fork", 650)
    await fork.write(note("pick"), note("pick"))
    assert await store.tombstone("a-long")
    done = await rotated(store, OLD_RING)
    assert (done.resealed, done.entries, done.whole) == (652, 652, True)
    await check_all([fork], sealed(store))


async def test_a_rotation_is_not_whole_while_a_log_holds_what_an_earlier_one_replaced(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "store" / "sessions.db", deadline=0.2)
    await marked(sealed(store, None))
    path = tmp_path / "store" / "sessions.db"
    reader = await asyncio.to_thread(sqlite3.connect, path, check_same_thread=False, isolation_level=None)
    await asyncio.to_thread(lambda: reader.execute("BEGIN").fetchall())
    await asyncio.to_thread(lambda: reader.execute("SELECT count(*) FROM entries").fetchall())
    # The entries, what listings show, and nothing any more.
    for _ in range(3):
        with pytest.raises(StoreError, match="still reads the text"):
            await rotated(store, OLD_RING)
    assert await keys_in(store) == {"old"}
    await asyncio.to_thread(reader.close)
    assert (await rotated(store, OLD_RING)).whole
    assert MARK.encode() not in await asyncio.to_thread(files_of, tmp_path / "store")
    await store.close()
