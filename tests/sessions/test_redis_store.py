"""What is Redis's own: its keys, its faults and what it holds; what every store must do stands elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import psutil
import pytest
from redis.crc import key_slot

from companions.errors import StoreAwayError, StoreError, StoreVersionError
from sessions import redis_scripts as scripts
from sessions.redis_driver import Driver, call, command
from sessions.redis_rows import fields
from sessions.redis_store import RedisStore
from sessions.store import Committed, Conflict, Gone
from tests.servers.fixtures import Server, server_folder
from tests.servers.redis_server import RedisServer
from tests.sessions.building import WINDOWS, Story, ids, note, one, projection
from tests.sessions.faults import until

SECRET = "the words to be forgotten"  # noqa: S105 (not a password)


@pytest.fixture(scope="module", params=["single", "cluster"])
def own_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server that a test may stop and freeze; it goes on when the test is over."""
    with server_folder() as folder:
        server = RedisServer(folder, cluster=request.param == "cluster")
        yield server
        server.stop()


@pytest.fixture
async def fragile(own_server: RedisServer, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    """A store on that server, which runs again at the beginning of each test."""
    own_server.start()
    made = RedisStore(own_server.url(request.node.nodeid))
    yield made
    await made.close()


@pytest.fixture(scope="module")
def single_server() -> Iterator[RedisServer]:
    """A server on its own, whose settings and counters are a test's to change."""
    with server_folder() as folder:
        server = RedisServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def single(single_server: RedisServer, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    made = RedisStore(single_server.url(request.node.nodeid))
    yield made
    await made.close()


@pytest.fixture
async def redis(redis_server: Server, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    made = RedisStore(redis_server.url(request.node.nodeid))
    yield made
    await made.close()


async def ask(store: RedisStore, *words: Any) -> Any:
    """Have a single server run a command of any kind."""
    (reply,) = await store.link.run(command(*words))
    return reply


async def dumped(store: RedisStore) -> bytes:
    """Read all that the store's database holds, as the server would write it to a snapshot."""
    found = b""
    for client in await (await store.link.nodes()).clients():
        for key in await client.keys("*"):
            found += key.encode() + await client.execute_command("DUMP", key, NEVER_DECODE=True)
    return found


def test_all_keys_of_a_session_share_a_slot() -> None:
    keys = [named("a-B_9") for named in (scripts.entries, scripts.head, scripts.forks)]
    assert len({key_slot(key.encode()) for key in [*keys, f"{keys[0]}:kept"]}) == 1
    assert key_slot(scripts.head("other").encode()) != key_slot(keys[0].encode())


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


async def test_a_server_that_lost_its_newest_entry_gets_none_that_would_leave_a_gap(redis: RedisStore) -> None:
    story = Story(redis)
    await story.write(note(), note(), note())
    await ask(redis, "XDEL", scripts.entries("s1"), "3-0")
    assert await one(redis, story.append()) == Conflict(2)


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


async def test_a_server_that_lost_its_scripts_learns_them_again(redis: RedisStore) -> None:
    story = Story(redis)
    await story.write()
    await ask(redis, "SCRIPT", "FLUSH")
    await story.write()
    await ask(redis, "SCRIPT", "FLUSH")
    assert await redis.head("s1") is not None
    assert await redis.page("s1") == story.entries


@pytest.mark.parametrize(
    ("version", "error", "said"), [("2", StoreVersionError, "version 2"), ("x", StoreError, "else")]
)
async def test_a_store_of_a_newer_version_or_of_another_program_is_refused(
    redis_server: Server, request: pytest.FixtureRequest, version: str, error: type[StoreError], said: str
) -> None:
    url = redis_server.url(request.node.nodeid)
    first, second = RedisStore(url), RedisStore(url)
    assert await first.head("s1") is None
    assert await ask(first, "GET", scripts.SCHEMA) == "1"
    await ask(first, "SET", scripts.SCHEMA, version)
    with pytest.raises(error, match=said):
        await second.append([Story(second).append()])
    await first.close()
    await second.close()


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


async def test_a_unix_socket_serves_as_well() -> None:
    with server_folder() as folder:
        server = RedisServer(folder)
        await asyncio.to_thread(server.start)
        store = RedisStore(f"unix://{server.socket}?db=3")
        await Story(store).write()
        assert (await store.size()).sessions == 1
        await asyncio.to_thread(server.stop)
        with pytest.raises(StoreAwayError, match=str(server.socket)):
            await store.head("s1")
        await store.close()


async def test_what_is_forgotten_is_nowhere_in_the_database(fragile: RedisStore) -> None:
    shared = "a prefix that forks read"
    parent = Story(fragile, "parent", owner="ann")
    await parent.write(note("query", text=shared), *(note(text=f"{SECRET} {number}") for number in range(300)))
    fork = parent.fork("fork", 1)
    await fork.write(note(text=SECRET))
    grandchild = fork.fork("grandchild", 1)
    await grandchild.write(note(text="other words"))
    await fragile.project([projection("parent", title=SECRET, preview=SECRET)])
    assert await fragile.tombstone("parent")
    assert (await dumped(fragile)).count(SECRET.encode()) >= 1
    assert await fragile.tombstone("fork")
    left = await dumped(fragile)
    assert SECRET.encode() not in left
    assert shared.encode() in left
    assert await fragile.page("grandchild") == grandchild.entries
    assert await fragile.tombstone("grandchild")
    left = await dumped(fragile)
    assert shared.encode() not in left
    assert b"ann" not in left
    assert await fragile.append([parent.append(), fork.append()]) == [Gone(), Gone()]


async def test_an_interrupted_erasure_is_finished_by_the_next_call(redis: RedisStore) -> None:
    story = Story(redis)
    await story.write(note(text=SECRET))
    await redis.link.run(call(scripts.FORGET, [scripts.head("s1")], "0:"))
    assert await redis.head("s1") is None
    assert SECRET.encode() in await dumped(redis)
    assert await redis.tombstone("s1")
    assert SECRET.encode() not in await dumped(redis)
    assert await ids(redis) == []
    assert not await redis.tombstone("s1")


async def test_a_fork_that_had_not_opened_when_its_parent_was_forgotten_never_does(redis: RedisStore) -> None:
    parent = Story(redis)
    await parent.write(note(), note())
    fork = parent.fork("f1", 2)
    keys = (*scripts.own_keys("s1"), scripts.forks("s1"))
    assert await redis.link.run(call(scripts.REGISTER, keys, "f1", 2)) == [2]
    assert await redis.tombstone("s1")
    opening = ["f1", 1, '["ann",1.0,"s1",2]', "", *fields(fork.append().entries[0], "")]
    opens = call(scripts.APPEND, scripts.own_keys("f1"), 3, *opening[1:])
    assert await redis.link.run(opens) == [[scripts.GONE]]


async def test_a_session_that_was_announced_and_never_opened_is_passed_over(redis: RedisStore) -> None:
    for number, name in enumerate(("s1", "s3")):
        await Story(redis, name, created_at=float(number)).write()
    await ask(redis, "ZADD", scripts.owned("ann"), 0.5, "s2")
    await ask(redis, "ZADD", scripts.SESSIONS, 0, "s2")
    assert await ids(redis, limit=2) == ["s3", "s1"]
    assert await one(redis, Story(redis, owner="bob").append()) == Conflict(1)
    assert await redis.list("bob") == []
    assert [head.opening.session_id for head in await redis.scan(limit=2)] == ["s1", "s3"]


async def spent(store: RedisStore, step: Callable[[], Awaitable[object]]) -> dict[str, int]:
    """Count the commands that a step takes, those inside scripts included."""
    await ask(store, "CONFIG", "RESETSTAT")
    await step()
    told = await ask(store, "INFO", "commandstats")
    return {name: each["calls"] for name, each in told.items() if "config" not in name}


async def test_a_step_takes_as_many_commands_at_2000_steps_as_at_50(single: RedisStore) -> None:
    costs = list[list[dict[str, int]]]()
    # Every script has been run once.
    await Story(single).write()
    await single.head("s1")
    for steps in (50, 2_000):
        story = Story(single, f"after {steps}")
        rounds = [note(kind, index=at, based_on=at) for at in range(steps // 2) for kind in ("critique", "revision")]
        await story.write(note("configure"), note("query"), note("draft"), *rounds)
        steps_taken = (
            partial(single.head, story.session_id),
            partial(single.tail, story.session_id, "generic", WINDOWS[0]),
            partial(story.write, note("critique", index=steps // 2)),
        )
        costs.append([await spent(single, step) for step in steps_taken])
    assert costs[0] == costs[1]
    assert costs[0][0] == {"cmdstat_evalsha": 1, "cmdstat_hmget": 1, "cmdstat_xlen": 1}


@pytest.mark.parametrize("batch", [1, 64])
async def test_a_step_writes_hardly_more_than_its_plain_entry(single: RedisStore, batch: int) -> None:
    async def size() -> int:
        return (await ask(single, "INFO", "persistence"))["aof_current_size"]

    stories = [Story(single, f"session-{batch}-{number}") for number in range(batch)]
    for story in stories:
        await story.write(note("query", text="q"))
    appends = [story.append(note("critique", text="c" * 1_500)) for story in stories]
    before = await size()
    assert await single.append(appends) == [Committed()] * batch
    ours = await size() - before
    before = await size()
    for append in appends:
        ((_, stored),) = await ask(single, "XRANGE", scripts.entries(append.session_id), "2", "+")
        await ask(single, "XADD", f"plain-xadd:{{{append.session_id}}}:entries", "2-0", *stored)
    assert ours / (await size() - before) <= 1.02


async def test_a_key_is_found_while_it_moves_to_another_node_and_after(redis_cluster: RedisServer) -> None:
    store = RedisStore(redis_cluster.url("moving"))
    story = Story(store)
    await story.write(note(), note())
    nodes = await store.link.nodes()
    slot = key_slot(scripts.head("s1").encode())
    clients = await nodes.clients()
    names = [await client.execute_command("CLUSTER", "MYID") for client in clients]
    kept = [await client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot) for client in clients]
    source = kept.index(2)
    target = (source + 1) % 3
    await clients[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
    await clients[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
    place = clients[target].connection_pool.connection_kwargs
    keys = await clients[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10)
    await clients[source].execute_command("MIGRATE", place["host"], place["port"], "", 0, 5_000, "KEYS", *keys)
    await story.write()
    assert await store.page("s1") == story.entries
    for client in clients:
        await client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])
    await story.write()
    assert await store.page("s1") == story.entries
    assert await one(store, Story(store).append()) == Conflict(4)
    await store.close()
