"""What is Redis's own: its keys and scripts, what it costs and what it holds; faults stand elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from redis.crc import key_slot

from companions.errors import StoreAwayError, StoreError, StoreVersionError
from sessions.store import Committed, Conflict, Gone
from sessions.stores.redis import scripts
from sessions.stores.redis.driver import call
from sessions.stores.redis.rows import fields
from sessions.stores.redis.store import RedisStore
from tests.servers.fixtures import Server, server_folder
from tests.servers.redis_server import RedisServer
from tests.sessions.building import WINDOWS, Story, ids, note, one, projection
from tests.sessions.redis_looking import ask, dumped

pytest_plugins = ("tests.sessions.redis_fixtures",)

SECRET = "the words to be forgotten"  # noqa: S105 (not a password)


def test_all_keys_of_a_session_share_a_slot() -> None:
    keys = [named("a-B_9") for named in (scripts.entries, scripts.head, scripts.forks)]
    assert len({key_slot(key.encode()) for key in [*keys, f"{keys[0]}:kept"]}) == 1
    assert key_slot(scripts.head("other").encode()) != key_slot(keys[0].encode())


async def test_a_server_that_lost_its_newest_entry_gets_none_that_would_leave_a_gap(redis: RedisStore) -> None:
    story = Story(redis)
    await story.write(note(), note(), note())
    await ask(redis, "XDEL", scripts.entries("s1"), "3-0")
    assert await one(redis, story.append()) == Conflict(2)


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
    await single.tail("s1", "generic", WINDOWS[0])
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
