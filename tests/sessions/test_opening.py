"""Opening a store: which URLs mean one, and how long work on all of it may take."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions import opening
from sessions.opening import open_store, reached
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import FaultyStore
from tests.sessions.writing import log_of

AWAY = r": The store is away\. Look whether it runs, whether it can be reached, and whether another program holds it\.$"
CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "page": lambda store: store.page("s1"),
    "scan": lambda store: store.scan(),
}
HURRY = 0.05
LONGER = 0.2


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wait for a store less long than a server does."""
    monkeypatch.setattr(opening, "DEADLINE", HURRY)
    with log_of("companions.store"):
        yield


@pytest.mark.parametrize("rest", ["host", "host/", "host/0", "host:6379/12/", "host/1?socket_timeout=1", "host?db=3"])
@pytest.mark.parametrize("driver", ["redis", "rediss"])
def test_a_redis_url_names_its_database_by_number_or_not_at_all(driver: str, rest: str) -> None:
    assert isinstance(open_store(f"{driver}://:secret@{rest}"), RedisStore)


def test_the_path_of_a_unix_url_is_a_socket_s() -> None:
    assert isinstance(open_store("unix:///run/redis.sock?db=1"), RedisStore)


@pytest.mark.parametrize("path", ["/abc", "/1/2", "/-1", "/1_0", "/\u0661", "/one?db=1", "/secret@host/1"])
def test_a_redis_url_that_the_driver_would_take_for_another_database_is_refused(path: str) -> None:
    with pytest.raises(StoreError, match="something else than the number of a database") as refused:
        open_store(f"redis://host{path}")
    assert path[1:] not in str(refused.value)


@pytest.mark.usefixtures("hurried")
async def test_a_store_that_is_away_is_named_before_any_work_begins() -> None:
    faulty = FaultyStore(MemoryStore(), away=True)
    with pytest.raises(StoreAwayError, match=f"^--to{AWAY}"):
        async with reached(faulty, "--to"):
            pytest.fail("there is no store to work on")


@pytest.mark.usefixtures("hurried")
async def test_once_a_store_was_reached_its_calls_may_take_longer_than_a_server_would_wait() -> None:
    faulty = FaultyStore(MemoryStore())
    async with reached(faulty, "--from") as store:
        for method, call in CALLS.items():
            gate = faulty.holds(method)
            asyncio.get_running_loop().call_later(LONGER, gate.open)
            assert await call(store) == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("silent", ["--from", "--to"])
@pytest.mark.parametrize("call", CALLS)
async def test_of_two_stores_the_one_that_stops_answering_is_named(
    silent: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CALL_SECONDS", HURRY)
    stores = {name: FaultyStore(MemoryStore()) for name in ("--from", "--to")}

    async def work() -> None:
        async with reached(stores["--from"], "--from") as read, reached(stores["--to"], "--to") as written:
            stores[silent].away = True
            await CALLS[call](read if silent == "--from" else written)

    with pytest.raises(StoreAwayError, match=f"^{silent}{AWAY}"):
        await work()


@pytest.mark.usefixtures("hurried")
async def test_a_store_that_answers_is_not_blamed_for_one_call_that_took_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "WORK_SECONDS", HURRY)
    faulty = FaultyStore(MemoryStore())

    async def work() -> None:
        async with reached(faulty, "--from") as store:
            faulty.holds("size")
            await store.size()

    with pytest.raises(StoreAwayError, match=r"^The store did not answer in time\."):
        await work()


async def test_a_store_is_closed_behind_the_work(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    async with reached(store, "--from"):
        pass
    with pytest.raises(StoreError, match="is closed"):
        await store.head("-")
