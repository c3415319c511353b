"""The tables in PostgreSQL that an earlier version left: they are brought forward, and keep what they hold."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256

import pytest

from sessions.stores.postgres.schema import STEPS, VERSION
from sessions.stores.postgres.store import PostgresStore
from tests.servers.postgres_server import run
from tests.sessions.building import Story, note, projection
from tests.sessions.shared import share

FIRST_VERSION = """DROP TABLE companions_shares, companions_seals, companions_participants, companions_invitations,
    companions_attachments;
    UPDATE companions_schema SET version = 1"""
"""What later versions added is taken away again."""
COLUMNS = """SELECT string_agg(concat_ws(' ', table_name, column_name, data_type, collation_name, column_default), ';'
        ORDER BY table_name, ordinal_position)
    FROM information_schema.columns WHERE table_name ~ '^companions_'"""
VERSION_IS = "SELECT version FROM companions_schema"
RELEASED = ["4cc5f2ba305bdc24", "25f0012525465726", "9d40e75e9719ce7a", "1555703f1e41c960", "afdd0745ec298d65"]
"""Of the steps, what they are digested to."""

CALLS: dict[str, Callable[[PostgresStore], Awaitable[object]]] = {
    "an append": lambda store: Story(store, "new").write(),
    "a read": lambda store: store.head("s1"),
    "shares": lambda store: store.shares(),
}


async def in_psql(url: str, statement: str) -> str:
    return await asyncio.to_thread(run, url, statement)


@pytest.mark.parametrize("first", CALLS.values(), ids=CALLS)
async def test_a_database_of_the_first_version_keeps_its_sessions_and_can_hold_what_was_learned(
    own_postgres_url: str, first: Callable[[PostgresStore], Awaitable[object]]
) -> None:
    before = PostgresStore(own_postgres_url)
    story = Story(before)
    await story.write(note("query"), note("draft"))
    await before.project([projection("s1", title="T")])
    await before.close()
    await in_psql(own_postgres_url, FIRST_VERSION)
    stores = [PostgresStore(own_postgres_url) for _ in range(4)]
    await first(stores[0])
    assert await asyncio.gather(*(store.shares() for store in stores)) == [[]] * 4
    assert await in_psql(own_postgres_url, VERSION_IS) == str(VERSION)
    story.store = stores[1]
    await story.check()
    head = await stores[2].head("s1")
    assert head is not None
    assert head.projection == projection("s1", title="T")
    await story.write(note("critique"))
    assert await stores[3].put_share(share())
    assert await stores[0].shares() == [share()]
    for store in stores:
        await store.close()


async def test_what_the_first_version_left_is_what_its_steps_make(own_postgres_url: str) -> None:
    store = PostgresStore(own_postgres_url)
    assert await store.shares() == []
    await store.close()
    await in_psql(own_postgres_url, FIRST_VERSION)
    left = await in_psql(own_postgres_url, COLUMNS)
    await in_psql(own_postgres_url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    for statement in STEPS[0]:
        await in_psql(own_postgres_url, statement)
    assert await in_psql(own_postgres_url, COLUMNS) == left


def test_a_step_that_brought_tables_forward_is_not_edited() -> None:
    assert [sha256("\n".join(step).encode()).hexdigest()[:16] for step in STEPS] == RELEASED
