"""Streams that are rewritten in Redis while somebody forgets their session, or rewrites it too."""

import pytest

from sessions.stores.redis import scripts
from sessions.stores.redis.driver import call
from sessions.stores.redis.sealing import COPY
from sessions.stores.redis.store import RedisStore
from tests.sessions.building import Story, note
from tests.sessions.redis_looking import ask
from tests.sessions.sealed_stores import reworded

pytest_plugins = ["tests.sessions.redis_fixtures"]

BEGUN = 100


@pytest.fixture
async def story(redis: RedisStore) -> Story:
    made = Story(redis)
    await made.write(*(note(index=n) for n in range(150)))
    return made


async def copied(redis: RedisStore, at: int = 0, begins: str = "1", session_id: str = "s1") -> int:
    """Have a piece of a session copied."""
    keys = [scripts.entries(session_id), scripts.rewritten(session_id)]
    (reply,) = await redis.link.run(call(COPY, keys, at, begins, BEGUN))
    return reply


async def test_a_session_that_is_forgotten_while_it_is_rewritten_leaves_no_copy_and_does_not_come_back(
    redis: RedisStore, story: Story
) -> None:
    assert await copied(redis) == BEGUN
    assert await redis.tombstone("s1")
    assert not list(await ask(redis, "KEYS", "*entries*"))
    assert await copied(redis, BEGUN, "") == -2
    assert await copied(redis) == -1
    assert not list(await ask(redis, "KEYS", "*entries*"))
    assert await redis.rewrite("s1", reworded(story.entries)) == 0


async def test_a_copy_of_what_a_fork_still_reads_goes_when_the_parent_is_forgotten(
    redis: RedisStore, story: Story
) -> None:
    fork = story.fork("fork", 10)
    await fork.write(note())
    assert await copied(redis) == BEGUN
    assert await redis.tombstone("s1")
    assert await copied(redis, BEGUN, "") == -2
    assert not list(await ask(redis, "KEYS", "*rewritten*"))
    await fork.check()


async def test_of_two_who_rewrite_a_session_none_undoes_what_the_other_has_done(
    redis: RedisStore, story: Story
) -> None:
    assert await copied(redis) == BEGUN
    assert await redis.rewrite("s1", reworded(story.entries)) == 150
    assert await copied(redis, BEGUN, "") == -2
    story.entries[:] = reworded(story.entries)
    await story.check()
    await story.write(note())
    await story.check()


async def test_what_is_appended_while_a_stream_is_copied_is_in_the_copy(redis: RedisStore, story: Story) -> None:
    assert await copied(redis) == BEGUN
    await story.write(*(note(index=n) for n in range(80)))
    assert await copied(redis, BEGUN, "") == 200
    assert await copied(redis, 200, "") == -1
    await story.check()
    await story.write(note())
    await story.check()
