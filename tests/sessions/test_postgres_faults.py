"""A PostgreSQL server that is away, frozen or restarted, and callers that go away."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.store import Append, Committed
from sessions.stores.postgres.store import PostgresStore
from tests.servers.postgres_server import PostgresServer, run
from tests.sessions.building import WINDOWS, Story, note, one

Call = Callable[[PostgresStore], Awaitable[object]]
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'own' AND pid <> pg_backend_pid()"


@pytest.fixture
async def postgres(own_postgres_url: str) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(own_postgres_url)
    yield made
    await made.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_after_a_restart_the_next_call_goes_through_by_itself(
    postgres: PostgresStore, own_postgres: PostgresServer, how: str
) -> None:
    story = Story(postgres)
    await story.write(note(), note())
    await asyncio.gather(*(postgres.page("s1") for _ in range(8)))
    for call in (story.write, lambda: postgres.page("s1"), lambda: postgres.tombstone("unknown")):
        await asyncio.to_thread(getattr(own_postgres, how))
        await asyncio.to_thread(own_postgres.start)
        await call()
    assert await postgres.page("s1") == story.entries


async def test_of_a_restart_that_nobody_heard_of_a_read_is_made_again_and_an_append_is_not(
    postgres: PostgresStore, own_postgres: PostgresServer
) -> None:
    story = Story(postgres)
    await story.write()
    assert await postgres.page("s1") == story.entries
    # In the event loop on purpose: until it goes on, no connection can be found dead.
    own_postgres.kill()
    own_postgres.start()
    assert await asyncio.gather(*(postgres.page("s1") for _ in range(8))) == [story.entries] * 8
    await story.write()
    own_postgres.kill()
    own_postgres.start()
    append = story.append()
    with pytest.raises(StoreAwayError):
        await one(postgres, append)
    assert await one(postgres, append) == Committed()


async def test_a_server_that_is_away_is_told_as_away_by_every_call(
    postgres: PostgresStore, own_postgres: PostgresServer, call: Call
) -> None:
    await Story(postgres).write()
    await asyncio.to_thread(own_postgres.kill)
    for _ in range(2):
        with pytest.raises(StoreAwayError, match="does not answer"):
            await call(postgres)
    await asyncio.to_thread(own_postgres.start)
    await call(postgres)


async def test_a_server_that_ends_in_the_middle_of_calls_is_told_as_away(
    postgres: PostgresStore, own_postgres: PostgresServer
) -> None:
    stories = [Story(postgres, f"s{number}") for number in range(8)]
    await asyncio.gather(*(story.write() for story in stories))
    errors: list[StoreError] = []
    unsure: dict[str, Append] = {}

    async def write(story: Story) -> None:
        while not errors:
            append = story.append(note(), note())
            try:
                outcome = await one(postgres, append)
            except StoreError as error:
                errors.append(error)
                unsure[story.session_id] = append
            else:
                assert outcome == Committed()
                story.entries += append.entries

    writing = asyncio.gather(*map(write, stories))
    await asyncio.to_thread(own_postgres.kill)
    await writing
    assert {type(error) for error in errors} == {StoreAwayError}
    await asyncio.to_thread(own_postgres.start)
    for story in stories:
        stored = await postgres.page(story.session_id, limit=10_000)
        late = unsure.get(story.session_id)
        assert stored in (story.entries, [*story.entries, *(late.entries if late else ())])


async def test_callers_that_leave_a_frozen_server_leave_a_store_that_works(
    postgres: PostgresStore, own_postgres: PostgresServer, own_postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    story = Story(postgres)
    await story.write(note(), note())
    await asyncio.to_thread(own_postgres.freeze)
    left: list[asyncio.Task[object]] = []
    for number in range(24):
        calls: tuple[Awaitable[object], ...] = (
            postgres.page("s1"),
            postgres.append([story.append(note(text=f"left {number}"))]),
            postgres.tail("s1", "generic", WINDOWS[0]),
            postgres.lease("job", "a", 1),
        )
        tasks = [asyncio.ensure_future(call) for call in calls]
        await asyncio.wait(tasks, timeout=0.02)
        for task in tasks:
            assert task.cancel()
        left += tasks
    _, hanging = await asyncio.wait(left, timeout=5)
    assert not hanging, "what was left cleans up without the server"
    gc.collect()
    assert not caplog.messages, "and says nothing about it"
    await asyncio.to_thread(own_postgres.thaw)
    async with asyncio.timeout(20):
        # What was under way when it froze may come about: one append at most, since each went on behind the same head.
        while (head := await postgres.head("s1")) is None:
            pass
        while await asyncio.to_thread(run, own_postgres_url, f"{BACKENDS} AND state <> 'idle'") != "0":
            pass
        head = await postgres.head("s1")
        assert head is not None
        story.entries = await postgres.page("s1")
        assert [entry.seq for entry in story.entries] == [1, 2, 3][: head.seq]
        await story.write(note())
        await asyncio.gather(*(postgres.page("s1") for _ in range(20)))
        assert int(await asyncio.to_thread(run, own_postgres_url, BACKENDS)) <= 5


async def test_a_store_of_a_frozen_server_closes_at_once(postgres: PostgresStore, own_postgres: PostgresServer) -> None:
    await Story(postgres).write()
    await asyncio.to_thread(own_postgres.freeze)
    under_way = [asyncio.ensure_future(postgres.page("s1")) for _ in range(6)]
    await asyncio.wait(under_way, timeout=0.05)
    began = time.monotonic()
    await postgres.close()
    await asyncio.wait(under_way, timeout=5)
    assert time.monotonic() - began < 1
    for task in under_way:
        with pytest.raises(StoreError, match="closed"):
            task.result()
    await asyncio.to_thread(own_postgres.thaw)


async def test_callers_that_leave_at_any_moment_leave_no_connection_behind(
    postgres: PostgresStore, own_postgres_url: str
) -> None:
    story = Story(postgres)
    await story.write()

    async def leave(call: Awaitable[object], turns: int) -> None:
        task = asyncio.ensure_future(call)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    for turns in range(60):
        await asyncio.gather(
            leave(postgres.page("s1"), turns),
            leave(postgres.append([story.append(note(), note())]), turns),
            leave(postgres.project([]), turns),
        )
        story.entries = await postgres.page("s1", limit=1_000)
        assert len(story.entries) % 2 == 1, "a run is stored whole or not at all"
    await story.write()
    async with asyncio.timeout(10):
        while int(await asyncio.to_thread(run, own_postgres_url, BACKENDS)) > 5:
            pass
