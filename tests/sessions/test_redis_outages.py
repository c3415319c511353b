"""Redis stopped, killed, frozen, full or foreign, and calls given up half-way: what the store says, and does next."""

import asyncio
from collections.abc import Awaitable, Callable

import psutil
import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.store import Committed, Conflict
from sessions.stores.redis import scripts
from sessions.stores.redis.driver import Driver
from sessions.stores.redis.store import RedisStore
from tests.servers.fixtures import Server
from tests.servers.redis_server import RedisServer
from tests.sessions.building import Story, note, one
from tests.sessions.faults import until
from tests.sessions.redis_looking import ask

pytest_plugins = ("tests.sessions.redis_fixtures",)


@pytest.mark.parametrize("end", [RedisServer.stop, RedisServer.kill])
async def test_a_server_that_ended_is_away_and_the_first_call_after_its_return_goes_through(
    fragile: RedisStore, own_server: RedisServer, end: Callable[[RedisServer], None]
) -> None:
    story = Story(fragile)
    await story.write(note("query", text="kept"))
    await asyncio.gather(*(fragile.head("s1") for _ in range(20)))
    await asyncio.to_thread(end, own_server)
    for call_it in (fragile.head("s1"), fragile.append([story.append()])):
        with pytest.raises(StoreAwayError, match=r"The Redis server at 127\.0\.0\.1:\d+ cannot be reached"):
            await call_it
    await asyncio.to_thread(own_server.start)
    await story.write()
    assert await fragile.page("s1") == story.entries
    # Now with connections that the server knows nothing of any more, and nobody has noticed it.
    await asyncio.to_thread(end, own_server)
    await asyncio.to_thread(own_server.start)
    await story.write()


async def late(called: Awaitable[object]) -> bool:
    """Give up a call after a moment, as the layer above does."""
    try:
        async with asyncio.timeout(0.1):
            await called
    except TimeoutError:
        return True
    return False


async def test_calls_given_up_on_a_frozen_server_leave_no_trace(fragile: RedisStore, own_server: RedisServer) -> None:
    stories = [Story(fragile, f"s{number}") for number in range(40)]
    await asyncio.gather(*(story.write(note("query", text=story.session_id)) for story in stories))
    own_server.freeze()
    long = [story.append(note(text="x" * 200_000)) for story in stories]
    calls = [fragile.append(long), *(fragile.page(story.session_id) for story in stories for _ in range(5))]
    assert all(await asyncio.gather(*map(late, calls)))
    own_server.thaw()
    for story, page in zip(stories, await asyncio.gather(*(fragile.page(s.session_id) for s in stories)), strict=True):
        assert page[0].text == story.session_id
        # What had left this process before the call was given up may come about after all, and is then in the way.
        outcome = await one(fragile, story.append(note("draft", text="next")))
        (second,) = await fragile.page(story.session_id, after=1)
        assert (outcome, second.text) in [(Committed(), "next"), (Conflict(2), "x" * 200_000)]


async def test_a_store_on_a_frozen_server_closes_at_once_and_leaves_nothing_to_be_sent(
    fragile: RedisStore, own_server: RedisServer
) -> None:
    story = Story(fragile)
    await story.write()
    own_server.freeze()
    try:
        assert await late(fragile.append([story.append(note(text="x" * 20_000_000))]))
        async with asyncio.timeout(1):
            await fragile.close()
        await until(lambda: not connections(own_server))
    finally:
        own_server.thaw()


def connections(server: RedisServer) -> list[int]:
    """Give the ports of a server that this process holds connections to."""
    own = psutil.Process().net_connections("tcp")
    return [each.raddr.port for each in own if each.raddr and each.raddr.port in server.ports]


def test_no_option_of_a_url_makes_the_driver_repeat_a_command() -> None:
    client = Driver().client("redis://127.0.0.1?retry_on_timeout=True")
    assert client.connection_pool.make_connection().retry.get_retries() == 0


async def test_a_call_cancelled_at_any_moment_is_not_answered_by_another_ones_reply(redis: RedisStore) -> None:
    stories = [Story(redis, f"s{number}") for number in range(4)]
    for story in stories:
        await story.write(note("query", text=story.session_id))
    for moments in range(60):
        tasks = [asyncio.create_task(redis.page(story.session_id)) for story in stories]
        for _ in range(moments // 2):
            await asyncio.sleep(0)
        tasks[moments % 4].cancel()
        pages = await asyncio.gather(*tasks, return_exceptions=True)
        for story, page in zip(stories, pages, strict=True):
            assert isinstance(page, asyncio.CancelledError) or page == story.entries


async def test_more_calls_at_once_than_connections_all_go_through(redis: RedisStore) -> None:
    await Story(redis).write()
    assert len({await done for done in asyncio.as_completed([redis.lease("job", "a", 9) for _ in range(400)])}) == 1


@pytest.mark.parametrize(
    ("cause", "cure", "said"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "no memory left"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "only reads"),
    ],
)
async def test_a_server_that_cannot_write_for_now_is_away(
    single: RedisStore, cause: tuple[str, ...], cure: tuple[str, ...], said: str
) -> None:
    story = Story(single)
    await story.write()
    await ask(single, *cause)
    try:
        with pytest.raises(StoreAwayError, match=said):
            await single.append([story.append()])
    finally:
        await ask(single, *cure)
    await story.write()


@pytest.mark.parametrize("url", ["redis://ann:hidden@{}/0", "redis://:hidden@{}/0"])
async def test_a_wrong_password_is_told_and_not_shown(redis: RedisStore, redis_server: Server, url: str) -> None:
    assert await redis.head("s1") is None
    place = redis_server.url("any").removeprefix("redis://").partition("/")[0]
    store = RedisStore(url.format(place))
    with pytest.raises(StoreError, match="password") as refused:
        await store.head("s1")
    assert not isinstance(refused.value, StoreAwayError)
    assert "hidden" not in str(refused.value)
    await store.close()


async def test_a_foreign_value_under_our_keys_is_no_passing_fault(redis: RedisStore) -> None:
    await ask(redis, "SET", scripts.head("s1"), "foreign")
    with pytest.raises(StoreError, match="something else") as refused:
        await redis.head("s1")
    assert not isinstance(refused.value, StoreAwayError)


async def test_a_url_that_nobody_can_read_is_told(redis: RedisStore) -> None:
    assert await redis.head("s1") is None
    store = RedisStore("redis://127.0.0.1/0?socket_timeout=soon")
    with pytest.raises(StoreError, match="COMPANIONS_STORE"):
        await store.head("s1")
