"""News between processes: they arrive, none of another store do, and a channel that was lost is made again."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.news import Change, Channel, mark_of, read
from sessions.news_exchange import NewsExchange
from sessions.observers import Observed
from sessions.opening import open_channel
from sessions.stores.postgres import news as postgres_news
from sessions.stores.redis import news as redis_news
from tests.servers.postgres_server import PostgresServer, run
from tests.servers.redis_server import RedisServer
from tests.sessions.building import note, placed
from tests.sessions.faults import until
from tests.sessions.gate import Gate
from tests.sessions.writing import log_of

pytest_plugins = ("tests.sessions.redis_fixtures",)

ANN = Observed(session_id="s1", owner="ann", parent=None, created_at=1.0)
URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "postgresql": lambda request: request.getfixturevalue("postgres_url"),
    "redis": lambda request: request.getfixturevalue("redis_server").url(request.node.nodeid),
    "redis cluster": lambda request: request.getfixturevalue("redis_cluster").url(request.node.nodeid),
}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    return URLS[request.param](request)


@dataclass(slots=True)
class Listener:
    """A process that listens, and all that it has heard."""

    exchange: NewsExchange
    heard: list[Change] = field(default_factory=list[Change])
    missed: int = 0
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    @classmethod
    def on(cls, channel: Channel | None) -> "Listener":
        made = cls(NewsExchange(channel))
        made.exchange.hear, made.exchange.missed = made._hear, made._miss
        return made

    def _hear(self, change: Change) -> None:
        self.heard.append(change)
        self._wake()

    def _miss(self) -> None:
        self.missed += 1
        self._wake()

    def _wake(self) -> None:
        self._tasks.add(asyncio.ensure_future(self._notify()))

    async def _notify(self) -> None:
        async with self._more:
            self._more.notify_all()

    async def until(self, *wanted: Change, missed: int = 0) -> None:
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: {*wanted} <= {*self.heard} and self.missed >= missed)


@asynccontextmanager
async def listening(*urls: str) -> AsyncGenerator[list[Listener]]:
    made = [Listener.on(open_channel(url)) for url in urls]
    try:
        for each in made:
            await each.exchange.ready(30)
        yield made
    finally:
        for each in made:
            await each.exchange.close()


async def test_what_one_process_stores_another_hears_and_none_hears_its_own_twice(url: str) -> None:
    async with listening(url, url) as (one, other):
        entries = [placed(note("draft", slot=0), 1), placed(note("critique", slot=0), 2)]
        await one.exchange.on_created(ANN)
        for entry in entries:
            await one.exchange.on_entry(ANN, entry)
        await other.exchange.on_deleted(ANN)
        deleted = Change(owner=mark_of("ann"), session_id="s1", what="deleted")
        await asyncio.gather(one.until(deleted), other.until(deleted, *one.heard[:3]))
        assert sorted(map(repr, one.heard)) == sorted(map(repr, other.heard))
        assert [each.what for each in one.heard].count("created") == 1
        assert len(one.heard) == 4


async def test_stores_beside_each_other_on_one_server_hear_nothing_of_each_other(
    postgres_url: str, redis_server: RedisServer
) -> None:
    run(postgres_url, "CREATE SCHEMA IF NOT EXISTS beside")
    pairs = [
        (postgres_url, f"{postgres_url}?options=-csearch_path%3Dbeside"),
        (redis_server.url("news"), redis_server.url("news beside")),
    ]
    for url, beside in pairs:
        async with listening(url, url, beside, beside) as (one, same, other, fence):
            await one.exchange.on_created(ANN)
            await same.until(*one.heard)
            await fence.exchange.on_deleted(ANN)
            await other.until(*fence.heard)
            assert [each.what for each in other.heard] == ["deleted"]
            assert [each.what for each in same.heard] == ["created"]
    run(postgres_url, "DROP SCHEMA beside CASCADE")


@pytest.fixture(params=["postgresql", "redis"])
def own(request: pytest.FixtureRequest) -> tuple[PostgresServer | RedisServer, str]:
    """A server that a test may stop or freeze, and the URL of a store on it."""
    if request.param == "postgresql":
        return request.getfixturevalue("own_postgres"), request.getfixturevalue("own_postgres_url")
    server: RedisServer = request.getfixturevalue("single_server")
    return server, server.url("news")


async def test_a_channel_that_was_lost_is_made_again_and_says_what_may_have_been_missed(
    own: tuple[PostgresServer | RedisServer, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="companions.news")
    server, url = own
    async with listening(url, url) as (one, other):
        await asyncio.to_thread(server.stop)
        await one.exchange.on_created(ANN)
        await asyncio.to_thread(server.start)
        await asyncio.gather(one.until(missed=1), other.until(missed=1))
        await one.exchange.on_deleted(ANN)
        await other.until(*one.heard[1:])


async def test_a_listener_finds_out_that_a_silent_server_stands_still(
    own: tuple[PostgresServer | RedisServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = own
    for module in (postgres_news, redis_news):
        monkeypatch.setattr(module, "QUIET_SECONDS", 0.05)
    channel, heard, ready = open_channel(url), asyncio.Queue[str](), asyncio.Event()
    assert channel is not None
    task = asyncio.create_task(channel.listen(heard.put_nowait, ready.set))
    async with asyncio.timeout(30):
        await ready.wait()
        await channel.send("[]")
        assert await heard.get() == "[]"
    for module in (postgres_news, redis_news):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)
    await asyncio.to_thread(server.freeze)
    try:
        async with asyncio.timeout(30):
            with pytest.raises(StoreAwayError):
                await task
    finally:
        await asyncio.to_thread(server.thaw)
    await channel.close()


@dataclass(slots=True)
class Scripted:
    """A channel whose sending is held at a gate, and fails as often as it is told to."""

    failures: int = 0
    sent: list[str] = field(default_factory=list[str])
    gate: Gate = field(default_factory=Gate)

    async def send(self, message: str) -> None:
        await self.gate.passed()
        if self.failures:
            self.failures -= 1
            raise StoreError("It does not.", "Wait.")
        self.sent.append(message)

    async def listen(self, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
        del hear, listening
        await asyncio.Event().wait()

    async def close(self) -> None: ...


async def test_what_happens_again_while_it_is_being_told_is_told_again() -> None:
    channel = Scripted()
    exchange = NewsExchange(channel)
    channel.gate.close()
    await exchange.on_created(ANN)
    async with asyncio.timeout(30):
        await channel.gate.reached.wait()
    await exchange.on_created(ANN)
    await exchange.on_created(ANN)
    channel.gate.open()
    await exchange.close()
    assert [len(read(message, but_of="")) for message in channel.sent] == [1, 1]


async def test_what_could_not_be_sent_is_sent_later_and_the_log_says_so_once() -> None:
    exchange = NewsExchange(channel := Scripted(failures=2))
    with log_of("companions.news") as said:
        await exchange.on_created(ANN)
        await exchange.on_deleted(ANN)
        await until(lambda: bool(channel.sent))
    assert [each.what for each in read(channel.sent[0], but_of="")] == ["created", "deleted"]
    await exchange.close()
    assert said == ["other processes are not told what changes here for now: It does not."]


async def test_without_a_channel_only_the_own_process_hears() -> None:
    listener = Listener.on(None)
    await listener.exchange.on_archived(ANN)
    await listener.exchange.ready(30)
    assert [each.what for each in listener.heard] == ["archived"]
    await listener.exchange.close()
