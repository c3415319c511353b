"""A PostgreSQL server that is away, frozen or restarted, callers that go away, and servers that refuse."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.postgres_store import PostgresStore
from sessions.store import Append, Committed
from tests.servers.fixtures import server_folder
from tests.servers.postgres_server import PostgresServer, run
from tests.sessions.building import WINDOWS, Story, note, one

Call = Callable[[PostgresStore], Awaitable[object]]
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'own' AND pid <> pg_backend_pid()"
ODD = "p@ss/w:rd?#%&=é "
ENCODED = "p%40ss%2Fw%3Ard%3F%23%25%26%3D%C3%A9%20"


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    with server_folder() as folder:
        server = PostgresServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def url(own_server: PostgresServer) -> str:
    """A database that is made anew, on a server that is up again whatever the test before did to it."""
    own_server.start()
    own_server.thaw()
    run(own_server.url("postgres"), "DROP DATABASE IF EXISTS own WITH (FORCE)")
    return own_server.url("own")


@pytest.fixture
async def postgres(url: str) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(url)
    yield made
    await made.close()


async def told(url: str) -> StoreError:
    """Give the error of a first call."""
    store = PostgresStore(url)
    try:
        with pytest.raises(StoreError) as raised:
            await store.head("s1")
    finally:
        await store.close()
    return raised.value


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_after_a_restart_the_next_call_goes_through_by_itself(
    postgres: PostgresStore, own_server: PostgresServer, how: str
) -> None:
    story = Story(postgres)
    await story.write(note(), note())
    await asyncio.gather(*(postgres.page("s1") for _ in range(8)))
    for call in (story.write, lambda: postgres.page("s1"), lambda: postgres.tombstone("unknown")):
        await asyncio.to_thread(getattr(own_server, how))
        await asyncio.to_thread(own_server.start)
        await call()
    assert await postgres.page("s1") == story.entries


async def test_a_server_that_is_away_is_told_as_away_by_every_call(
    postgres: PostgresStore, own_server: PostgresServer, call: Call
) -> None:
    await Story(postgres).write()
    await asyncio.to_thread(own_server.kill)
    for _ in range(2):
        with pytest.raises(StoreAwayError, match="does not answer"):
            await call(postgres)
    await asyncio.to_thread(own_server.start)
    await call(postgres)


async def test_a_server_that_ends_in_the_middle_of_calls_is_told_as_away(
    postgres: PostgresStore, own_server: PostgresServer
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
    await asyncio.to_thread(own_server.kill)
    await writing
    assert {type(error) for error in errors} == {StoreAwayError}
    await asyncio.to_thread(own_server.start)
    for story in stories:
        stored = await postgres.page(story.session_id, limit=10_000)
        late = unsure.get(story.session_id)
        assert stored in (story.entries, [*story.entries, *(late.entries if late else ())])


async def test_callers_that_leave_a_frozen_server_leave_a_store_that_works(
    postgres: PostgresStore, own_server: PostgresServer, url: str
) -> None:
    story = Story(postgres)
    await story.write(note(), note())
    await asyncio.to_thread(own_server.freeze)
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
    await asyncio.to_thread(own_server.thaw)
    async with asyncio.timeout(20):
        # What was under way when it froze may come about: one append at most, since each went on behind the same head.
        while (head := await postgres.head("s1")) is None:
            pass
        while await asyncio.to_thread(run, url, f"{BACKENDS} AND state <> 'idle'") != "0":
            pass
        head = await postgres.head("s1")
        assert head is not None
        story.entries = await postgres.page("s1")
        assert [entry.seq for entry in story.entries] == [1, 2, 3][: head.seq]
        await story.write(note())
        await asyncio.gather(*(postgres.page("s1") for _ in range(20)))
        assert int(await asyncio.to_thread(run, url, BACKENDS)) <= 5


async def test_a_store_of_a_frozen_server_closes_at_once(postgres: PostgresStore, own_server: PostgresServer) -> None:
    await Story(postgres).write()
    await asyncio.to_thread(own_server.freeze)
    under_way = [asyncio.ensure_future(postgres.page("s1")) for _ in range(6)]
    await asyncio.wait(under_way, timeout=0.05)
    began = time.monotonic()
    await postgres.close()
    await asyncio.wait(under_way, timeout=5)
    assert time.monotonic() - began < 1
    for task in under_way:
        with pytest.raises(StoreError, match="closed"):
            task.result()
    await asyncio.to_thread(own_server.thaw)


async def test_callers_that_leave_at_any_moment_leave_no_connection_behind(postgres: PostgresStore, url: str) -> None:
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
        while int(await asyncio.to_thread(run, url, BACKENDS)) > 5:
            pass


async def test_a_login_is_made_with_a_password_of_odd_characters_and_none_is_told(
    own_server: PostgresServer, url: str
) -> None:
    await asyncio.to_thread(run, url, f"DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN SUPERUSER PASSWORD '{ODD}'")
    rules = own_server.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all odd 127.0.0.1/32 scram-sha-256\n{before}")
    await asyncio.to_thread(run, url, "SELECT pg_reload_conf()")
    store = PostgresStore(url.replace("postgres@", f"odd:{ENCODED}@"))
    await Story(store).write()
    await store.close()
    for password in ("wrong", "wr@ng", "wr/ng", "wr%2Fong"):
        error = await told(url.replace("postgres@", f"odd:{password}@"))
        assert not isinstance(error, StoreAwayError) or "@" in password or "/" in password
        assert "wr" not in str(error)
    assert "refused the login" in str(await told(url.replace("postgres@", "odd:wrong@")))
    rules.write_text(before)
    await asyncio.to_thread(run, url, "SELECT pg_reload_conf()")


REFUSALS = {
    "no such user": (lambda url: url.replace("postgres@", "nobody:secret@"), "refused the login"),
    "no such database": (lambda url: f"{url}_not", "no database of that name"),
    "unknown parameter": (lambda url: f"{url}?channel_binding=require", "does not know a parameter"),
    "unknown ssl mode": (lambda url: f"{url}?sslmode=perhaps", "does not understand the URL"),
    "no encryption": (lambda url: f"{url}?sslmode=require", "does not answer"),
    "no server": (lambda url: url.replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:").replace("/own", "/own_not"), ""),
    "no port": (lambda url: url.replace("127.0.0.1:", "127.0.0.1:port"), "does not understand the URL"),
}


@pytest.mark.parametrize(("change", "what"), REFUSALS.values(), ids=REFUSALS)
async def test_what_a_server_refuses_is_told_in_our_words(url: str, change: Callable[[str], str], what: str) -> None:
    error = await told(change(url))
    assert what in str(error)
    assert "secret" not in str(error)
    assert str(error).count(".") >= 2
    assert "postgresql://" not in str(error)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_a_url_may_name_the_driver_or_several_hosts(url: str, scheme: str) -> None:
    _, _, rest = url.partition("://")
    several = f"{scheme}://{rest}".replace("@127.0.0.1:", "@127.0.0.1:9,127.0.0.1:")
    store = PostgresStore(f"{several}?sslmode=prefer&application_name=companions&target_session_attrs=any")
    await Story(store).write()
    assert await asyncio.to_thread(run, url, f"{BACKENDS} AND application_name = 'companions'") == "1"
    await store.close()


async def test_a_database_that_may_not_be_written_can_still_be_read(postgres: PostgresStore, url: str) -> None:
    story = Story(postgres)
    await story.write()
    await asyncio.to_thread(run, url, "ALTER DATABASE own SET default_transaction_read_only = on")
    reading = PostgresStore(url)
    assert await reading.page("s1") == story.entries
    with pytest.raises(StoreError, match="read-only") as raised:
        await one(reading, Story(reading, entries=story.entries).append())
    assert not isinstance(raised.value, StoreAwayError)
    await reading.close()


async def test_a_server_with_no_connection_left_is_away(url: str) -> None:
    limited = "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 0; GRANT ALL ON SCHEMA public TO few"
    await asyncio.to_thread(run, url, limited)
    assert isinstance(await told(url.replace("postgres@", "few@")), StoreAwayError)
