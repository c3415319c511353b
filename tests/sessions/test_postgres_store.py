"""What is PostgreSQL's own: several programs at one database, how tables are made, and what forgetting leaves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs] -- it has no types at all
import pytest

from companions.errors import StoreError, StoreVersionError
from sessions.store import Append, Committed, Conflict, Gone, Outcome
from sessions.stores.postgres import erasing as postgres_erasing
from sessions.stores.postgres import schema as postgres_schema
from sessions.stores.postgres.store import PostgresStore
from tests.servers.fixtures import Server
from tests.servers.postgres_server import run
from tests.sessions.building import Story, ids, note, one, projection

TABLES = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname ~ '^comp'"
COUNT = "SELECT count(*) FROM companions_entries"


@pytest.fixture
async def stores(postgres_url: str) -> AsyncIterator[list[PostgresStore]]:
    made = [PostgresStore(postgres_url) for _ in range(4)]
    yield made
    for store in made:
        await store.close()


@pytest.fixture
async def postgres(stores: list[PostgresStore]) -> PostgresStore:
    return stores[0]


async def in_psql(url: str, statement: str) -> str:
    return await asyncio.to_thread(run, url, statement)


def run_of(store: PostgresStore, head: int, length: int, who: str) -> Append:
    story = Story(store, entries=list(Story(store).append(*[note()] * head).entries))
    return Append(session_id="s1", entries=story.append(*(note(text=who) for _ in range(length))).entries)


async def test_of_stores_that_race_one_wins_each_number_and_no_run_is_stored_in_part(
    stores: list[PostgresStore],
) -> None:
    await Story(stores[0]).write()
    heads = dict.fromkeys(stores, 1)
    won: list[tuple[int, int, str]] = []

    async def write(store: PostgresStore, who: str) -> None:
        for turn in range(40):
            length = 1 + turn % 3
            outcome = await one(store, run_of(store, heads[store], length, f"{who} {turn}"))
            if outcome == Committed():
                won.append((heads[store] + 1, length, f"{who} {turn}"))
                heads[store] += length
            else:
                assert isinstance(outcome, Conflict)
                heads[store] = outcome.seq

    await asyncio.gather(*(write(store, f"writer {number}") for number, store in enumerate(stores)))
    expected = [text for _, length, text in sorted(won) for _ in range(length)]
    stored = await stores[0].page("s1", after=1, limit=1_000)
    assert [entry.text for entry in stored] == expected
    assert [entry.seq for entry in stored] == list(range(2, 2 + len(expected)))


async def test_stores_that_open_one_session_at_once_make_one(stores: list[PostgresStore]) -> None:
    stories = [Story(store, owner=f"owner {number}") for number, store in enumerate(stores)]
    outcomes = await asyncio.gather(*(one(story.store, story.append()) for story in stories))
    assert sorted(map(repr, outcomes)) == sorted(map(repr, [Committed(), *[Conflict(1)] * 3]))
    head = await stores[0].head("s1")
    assert head is not None
    assert head.opening == stories[outcomes.index(Committed())].opening


async def test_nothing_is_left_of_a_session_that_others_wrote_to_while_it_was_forgotten(
    stores: list[PostgresStore], postgres_url: str
) -> None:
    forgetting, *writing = stores
    for attempt in range(25):
        names = [f"s{attempt}-{number}" for number in range(len(writing))]
        stories = [Story(store, name) for store, name in zip(writing, names, strict=True)]
        await asyncio.gather(*(story.write() for story in stories))
        forgotten = asyncio.Event()

        async def write(story: Story, forgotten: asyncio.Event = forgotten) -> None:
            while not forgotten.is_set():
                append = story.append(note(), note())
                outcome = await one(story.store, append)
                if outcome == Gone():
                    return
                story.entries += append.entries

        async def forget(names: list[str] = names, forgotten: asyncio.Event = forgotten) -> None:
            for name in names:
                assert await forgetting.tombstone(name)
            forgotten.set()

        await asyncio.gather(forget(), *map(write, stories))
        assert await in_psql(postgres_url, COUNT) == "0"


async def test_a_fork_made_while_its_parent_is_forgotten_reads_all_or_is_refused(stores: list[PostgresStore]) -> None:
    outcomes: list[Outcome] = []
    for attempt in range(25):
        parent = Story(stores[0], f"s{attempt}")
        await parent.write(note(), note(), note())
        fork = Story(stores[1], f"f{attempt}", parent=f"s{attempt}", entries=parent.entries[:2], base=2)
        append = fork.append()
        _, outcome = await asyncio.gather(stores[0].tombstone(f"s{attempt}"), one(stores[1], append))
        outcomes.append(outcome)
        expected = [*fork.entries, *append.entries] if outcome == Committed() else []
        assert await stores[2].page(f"f{attempt}") == expected
    assert {*map(repr, outcomes)} <= {repr(Committed()), repr(Gone())}


async def test_a_fork_waits_for_whoever_is_forgetting_its_parent(postgres: PostgresStore, postgres_url: str) -> None:
    parent = Story(postgres)
    await parent.write(note(), note())
    driver: Any = asyncpg
    other = await driver.connect(postgres_url)
    transaction = other.transaction()
    await transaction.start()
    await other.fetch(postgres_erasing.MARK, "s1")
    forking = asyncio.ensure_future(one(postgres, parent.fork("f1", 2).append()))
    async with asyncio.timeout(10):
        while await in_psql(postgres_url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == "0":
            assert not forking.done()
    await transaction.commit()
    assert await forking == Gone()
    await other.close()


async def test_an_append_behind_entries_that_the_server_has_lost_is_refused(
    postgres: PostgresStore, postgres_url: str
) -> None:
    story = Story(postgres)
    await story.write(note(), note(), note())
    await in_psql(postgres_url, "DELETE FROM companions_entries WHERE seq > 1")
    assert await one(postgres, story.append()) == Conflict(1)


async def test_an_erasure_that_was_interrupted_is_finished_when_it_is_asked_for_again(
    postgres: PostgresStore, postgres_url: str
) -> None:
    await Story(postgres).write(note(), note())
    await Story(postgres, "other").write()
    await in_psql(postgres_url, "UPDATE companions_sessions SET owner = NULL WHERE id = 's1'")
    assert await in_psql(postgres_url, COUNT) == "3"
    assert not await postgres.tombstone("s1")
    assert await in_psql(postgres_url, COUNT) == "1"


async def test_forgetting_leaves_no_text_in_any_row(postgres: PostgresStore, postgres_url: str) -> None:
    await Story(postgres).write(note(text="secret"))
    await postgres.project([projection("s1", title="secret", preview="secret")])
    assert await postgres.tombstone("s1")
    rows = await in_psql(postgres_url, "SELECT s::text FROM companions_sessions AS s")
    assert "s1" in rows
    assert b"secret".hex() not in rows
    assert await in_psql(postgres_url, COUNT) == "0"


async def test_stores_that_start_at_once_make_the_tables_once(postgres_server: Server) -> None:
    url = await asyncio.to_thread(postgres_server.url, "started_at_once")
    made = [PostgresStore(url) for _ in range(8)]
    assert await asyncio.gather(*(store.head("s1") for store in made)) == [None] * 8
    for store in made:
        await store.close()
    names = (
        "attachments",
        "entries",
        "invitations",
        "leases",
        "participants",
        "schema",
        "seals",
        "sessions",
        "shares",
    )
    assert await in_psql(url, TABLES) == " ".join(f"companions_{name}" for name in names)
    assert await in_psql(url, "SELECT version FROM companions_schema") == str(postgres_schema.VERSION)


async def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(postgres_server: Server) -> None:
    url = await asyncio.to_thread(postgres_server.url, "newer")
    await in_psql(url, "CREATE TABLE companions_schema AS SELECT 99 AS version")
    store = PostgresStore(url)
    with pytest.raises(StoreVersionError, match="version 99"):
        await store.head("s1")
    await store.close()
    assert await in_psql(url, TABLES) == "companions_schema"


async def test_tables_stand_beside_others_in_the_schema_that_the_url_names(postgres_server: Server) -> None:
    url = await asyncio.to_thread(postgres_server.url, "shared_with_others")
    await in_psql(url, "CREATE TABLE sessions (id text); CREATE SCHEMA apart")
    store = PostgresStore(f"{url}?search_path=apart&application_name=companions")
    await Story(store).write()
    await store.close()
    assert await in_psql(url, "SELECT count(*) FROM apart.companions_entries") == "1"
    assert await in_psql(url, "SELECT count(*) FROM sessions") == "0"


async def test_a_number_that_no_entry_has_reads_as_empty(postgres: PostgresStore) -> None:
    await Story(postgres).write()
    assert await postgres.page("s1", after=10**12) == await postgres.page("s1", slot=10**12) == []
    assert await postgres.page("s1", slot=-(10**12)) == []
    assert len(await postgres.page("s1", after=-5, limit=10**12)) == 1


@pytest.mark.parametrize("name", ["nul\0", "half \ud800"])
async def test_a_name_that_postgresql_cannot_hold_is_refused_and_harms_nothing(
    postgres: PostgresStore, name: str
) -> None:
    for call in (postgres.head(name), postgres.tombstone(name), postgres.lease(name, "a", 1), postgres.list(name)):
        with pytest.raises(StoreError, match="cannot be kept"):
            await call
    await Story(postgres).write()
    assert await ids(postgres) == ["s1"]


async def test_a_text_with_half_a_character_is_refused(postgres: PostgresStore) -> None:
    with pytest.raises(StoreError, match="surrogate"):
        await one(postgres, Story(postgres).append(note(text="half \ud800")))
    assert await postgres.head("s1") is None


async def test_projections_of_two_programs_do_not_wait_in_a_circle(stores: list[PostgresStore]) -> None:
    names = [f"s{number}" for number in range(20)]
    await asyncio.gather(*(Story(stores[0], name).write() for name in names))

    async def show(store: PostgresStore, order: list[str]) -> None:
        for _ in range(10):
            await store.project([projection(name, title="T") for name in order])

    await asyncio.gather(*(show(store, names[:: 1 - 2 * (number % 2)]) for number, store in enumerate(stores)))
