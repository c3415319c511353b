"""News between processes: what a message holds, that it arrives, and that a channel that was lost is made again."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.errors import StoreAwayError, StoreError
from sessions.news import MOST_BYTES, Change, Channel, mark_of, messages, read
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
URLS = {
    "postgresql": lambda request: request.getfixturevalue("postgres_url"),
    "redis": lambda request: request.getfixturevalue("redis_server").url(request.node.nodeid),
    "redis cluster": lambda request: request.getfixturevalue("redis_cluster").url(request.node.nodeid),
}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    return URLS[request.param](request)


def change(number: int = 0, **chosen: object) -> Change:
    given = {"owner": mark_of("ann"), "session_id": f"s{number}", "what": "entry", "companion_type": "generic"} | chosen
    return Change(kind="draft", slot=number, **given)  # pyright: ignore[reportArgumentType]


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
async def listening(*urls: str) -> AsyncIterator[list[Listener]]:
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


@pytest.mark.parametrize("kind", ["postgresql", "redis"])
async def test_a_channel_that_was_lost_is_made_again_and_says_what_may_have_been_missed(
    kind: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="companions.news")
    server: PostgresServer | RedisServer = request.getfixturevalue(
        "own_postgres" if kind == "postgresql" else "single_server"
    )
    url = request.getfixturevalue("own_postgres_url") if kind == "postgresql" else server.url("lost")
    async with listening(url, url) as (one, other):
        await asyncio.to_thread(server.stop)
        await one.exchange.on_created(ANN)
        await asyncio.to_thread(server.start)
        await asyncio.gather(one.until(missed=1), other.until(missed=1))
        await one.exchange.on_deleted(ANN)
        await other.until(*one.heard[1:])


@pytest.mark.parametrize("kind", ["postgresql", "redis"])
async def test_a_listener_finds_out_that_a_silent_server_stands_still(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (postgres_news, redis_news):
        monkeypatch.setattr(module, "QUIET_SECONDS", 0.05)
    server: PostgresServer | RedisServer = request.getfixturevalue(
        "own_postgres" if kind == "postgresql" else "single_server"
    )
    url = request.getfixturevalue("own_postgres_url") if kind == "postgresql" else server.url("still")
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

    async def listen(self, *_: object) -> None:
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


@given(st.lists(st.builds(change, st.integers(0, 9), companion_type=st.text(max_size=2_000)), max_size=30))
def test_messages_are_short_and_hold_every_change_that_fits(changes: list[Change]) -> None:
    written = [*messages("me", changes)]
    assert all(len(message.encode()) <= MOST_BYTES for message in written)
    found = [each for message in written for each in read(message, but_of="another")]
    assert [each for each in changes if len(json.dumps(each.companion_type)) < MOST_BYTES - 300] == [
        each for each in found if len(json.dumps(each.companion_type)) < MOST_BYTES - 300
    ]
    assert not [each for message in written for each in read(message, but_of="me")]


@given(
    st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=20).map(json.dumps))
)
def test_what_another_program_sends_is_no_news(message: str) -> None:
    with suppress(AssertionError):
        assert read(message, but_of="me") == []
    assert read("[" * 100_000, but_of="me") == []
    assert read('["you",[["a","b","entry","c","d","e"],["a","b","shouted","c","d",1],3]]', but_of="me") == []


def test_a_message_names_no_owner() -> None:
    (message,) = messages("me", [change(owner=mark_of('["https://issuer", "ann"]'))])
    assert "ann" not in message
