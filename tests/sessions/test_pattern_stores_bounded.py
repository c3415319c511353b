"""Shares behind the bounds of a process, where calls break off, and in the copy of a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from companions.errors import StoreAwayError
from sessions.pattern_store import PatternStore
from sessions.stores.guarded import GuardedStore
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story
from tests.sessions.faults import Fault, FaultyStore
from tests.sessions.shared import share
from tests.sessions.writing import log_of

AWAY = StoreAwayError("The store is away.", "Wait.")
SECONDS = 0.1
CALLS: dict[str, Callable[[PatternStore], Awaitable[object]]] = {
    "shares": lambda store: store.shares("generic"),
    "put_share": lambda store: store.put_share(share(version=2)),
    "fold_shares": lambda store: store.fold_shares([share()], share("p2")),
    "drop_shares": lambda store: store.drop_shares("generic"),
}


@pytest.fixture
async def faulty() -> FaultyStore:
    made = FaultyStore(MemoryStore())
    assert await made.put_share(share())
    return made


@pytest.fixture
async def guarded(faulty: FaultyStore) -> AsyncIterator[GuardedStore]:
    made = GuardedStore(faulty, SECONDS)
    yield made
    await made.rest()


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_that_hangs_ends_at_its_deadline_and_steps_go_on(
    guarded: GuardedStore, faulty: FaultyStore, name: str
) -> None:
    gate, loop = faulty.holds(name), asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(StoreAwayError, match="did not answer in time"):
        await CALLS[name](guarded)
    assert SECONDS <= loop.time() - started <= SECONDS + 0.5
    assert not guarded.away, "learning keeps no step from its store"
    gate.open()
    assert await CALLS[name](guarded)


@pytest.mark.parametrize("name", CALLS)
async def test_a_store_that_is_known_to_be_away_is_not_asked(
    guarded: GuardedStore, faulty: FaultyStore, name: str
) -> None:
    await guarded.load()
    faulty.away = True
    with log_of("companions.store"), pytest.raises(StoreAwayError):
        await guarded.head("s1")
    faulty.away = False
    gate = faulty.holds(name)
    with pytest.raises(StoreAwayError, match="is away"):
        await CALLS[name](guarded)
    assert not gate.reached.is_set()


@pytest.mark.parametrize("name", ["put_share", "fold_shares"])
@pytest.mark.parametrize("commits", [False, True], ids=["lost", "stored all the same"])
async def test_a_call_that_failed_can_be_made_again_whatever_became_of_it(
    guarded: GuardedStore, faulty: FaultyStore, name: str, commits: bool
) -> None:
    faulty.breaks(name, Fault(AWAY, commits=commits), Fault(AWAY, commits=commits))
    for _ in range(2):
        with pytest.raises(StoreAwayError):
            await CALLS[name](guarded)
    assert await CALLS[name](guarded) is True
    assert await faulty.shares() == [share(version=2) if name == "put_share" else share("p2")]


async def test_a_copy_of_a_file_holds_what_was_learned(sqlite: SQLiteStore, tmp_path: Path) -> None:
    await Story(sqlite).write()
    assert await sqlite.put_share(share())
    await sqlite.backup(tmp_path / "copy.db")
    assert await sqlite.put_share(share(version=2))
    copied = SQLiteStore(tmp_path / "copy.db")
    assert await copied.shares() == [share()]
    assert await copied.put_share(share(version=2))
    await copied.close()


async def test_what_was_learned_is_there_for_the_next_process_and_for_another(sqlite: SQLiteStore, path: Path) -> None:
    other = SQLiteStore(path)
    assert await sqlite.put_share(share())
    assert await other.put_share(share("p2"))
    assert await sqlite.fold_shares(await sqlite.shares(), share("p2", 2))
    assert not await other.put_share(share("p2", 2, state={}))
    await sqlite.close()
    assert await other.shares() == [share("p2", 2)]
    await other.close()
    again = SQLiteStore(path)
    assert await again.shares() == [share("p2", 2)]
    await again.close()
