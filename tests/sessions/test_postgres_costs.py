"""What a call costs a PostgreSQL server: the blocks it looks at, and the bytes it writes to its log."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sessions.store import Append, Committed
from sessions.stores.postgres import erasing as postgres_erasing
from sessions.stores.postgres import reads as postgres_reads
from sessions.stores.postgres import writes as postgres_writes
from sessions.stores.postgres.connections import Lane
from sessions.stores.postgres.schema import SETTINGS
from sessions.stores.postgres.store import PostgresStore
from tests.servers.fixtures import Server
from tests.servers.postgres_server import run
from tests.sessions.building import WINDOWS, Story, note

LOOKS_AT_ALL = {"SIZE", "RELEASE"}
"""Statements that count everything, or remove what expired, in a table of the leases held at the moment."""
PARTS = {"HEAD_COLUMNS"}
"""Of statements: other modules take them."""


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(postgres_url)
    yield made
    await made.close()


async def in_psql(url: str, statement: str) -> str:
    return await asyncio.to_thread(run, url, statement)


def statements() -> dict[str, str]:
    named = {
        name: value
        for module in (postgres_reads, postgres_writes, postgres_erasing)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }
    return {name: value for name, value in named.items() if "companions_" in value and name not in LOOKS_AT_ALL | PARTS}


@pytest.mark.parametrize("name", statements())
async def test_no_statement_is_planned_to_read_a_table_from_end_to_end_or_to_sort_what_may_be_long(
    postgres: PostgresStore, postgres_url: str, name: str
) -> None:
    assert await postgres.size()
    told = await in_psql(postgres_url, f"{SETTINGS}; EXPLAIN (GENERIC_PLAN) {statements()[name]}")
    assert "Seq Scan" not in told, told
    assert name not in {"LISTING", "SEARCH", "SCAN", "PAGE"} or "Sort" not in told, told


def lanes(store: PostgresStore) -> tuple[Lane, Lane]:
    return store._writer, store._others  # pyright: ignore[reportPrivateUsage]


async def blocks(url: str, store: PostgresStore, call: Callable[[], Awaitable[object]]) -> int:
    """Count the blocks of tables and indexes that the server looks at in ten calls."""
    touched: list[int] = []
    for calls in (0, 10):
        for _ in range(calls):
            await call()
        for lane in lanes(store):
            await lane.fetch("SELECT pg_stat_force_next_flush()")
        of_tables = "heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read"
        of_texts = "coalesce(toast_blks_hit + toast_blks_read + tidx_blks_hit + tidx_blks_read, 0)"
        looked = f"SELECT sum({of_tables} + {of_texts}) FROM pg_statio_user_tables"  # noqa: S608 (constants)
        touched.append(int(await in_psql(url, looked)))
    return touched[1] - touched[0]


async def test_a_long_session_costs_the_server_no_more_blocks_than_a_short_one(
    postgres: PostgresStore, postgres_url: str
) -> None:
    stories = [Story(postgres, "short"), Story(postgres, "long")]
    counts: list[list[int]] = []
    for story, iterations in zip(stories, (25, 1_000), strict=True):
        await story.write(note("configure"), note("query"), note("draft"))
        for index in range(iterations):
            text = "words " * 200
            pair = (note("critique", index=index, text=text), note("revision", index=index, text=text, based_on=index))
            await story.write(*pair)
    for story in stories:
        calls = (
            lambda story=story: postgres.tail(story.session_id, "generic", WINDOWS[0]),
            lambda story=story: postgres.head(story.session_id),
            lambda story=story: story.write(note()),
        )
        for call in calls:
            await call()
        counts.append([await blocks(postgres_url, postgres, call) for call in calls])
    short, long = counts
    assert all(more <= 1.15 * fewer + 10 for fewer, more in zip(short, long, strict=True)), counts


INSERT = """WITH d AS (SELECT $1::bigint AS session) INSERT INTO plain (session, at, seq, slot, idx, id, companion_type,
    kind, author, mark, meta, text) SELECT session, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM d"""


async def plainly(store: PostgresStore, story: Story, append: Append) -> None:
    """Insert an append's entries row by row into the table of the same shape."""
    number = abs(hash(story.session_id))
    for entry in append.entries:
        place = (entry.at, entry.seq, entry.slot, entry.index, entry.id, entry.companion_type, entry.kind, entry.author)
        values = (number, *place, "2,2,2,3,4,5,6,7", json.dumps(entry.meta), entry.text.encode())
        await lanes(store)[0].fetch(INSERT, *values)


@pytest.mark.parametrize("together", [1, 64])
async def test_a_step_writes_as_many_bytes_of_log_as_a_plain_insert(postgres_server: Server, together: int) -> None:
    url = await asyncio.to_thread(postgres_server.url, f"log_{together}")
    store = PostgresStore(url)
    stories = [Story(store, f"s{number}") for number in range(together)]
    await asyncio.gather(*(story.write() for story in stories))
    await in_psql(url, "CREATE TABLE plain (LIKE companions_entries INCLUDING ALL) WITH (toast_tuple_target = 8160)")
    written = {"plain": 0, "ours": 0}
    # What the server writes in its own time would be counted as somebody's.
    await in_psql(url, "ALTER SYSTEM SET autovacuum = off")
    await in_psql(url, "ALTER SYSTEM SET checkpoint_timeout = '1d'")
    await in_psql(url, "SELECT pg_reload_conf()")
    for turn in range(320 // together):
        text = f"{turn:04d} " * (300 if turn % 2 else 600)
        appends = [story.append(note("revision", index=turn, text=text, based_on=turn)) for story in stories]
        for how in written:
            if turn == 0:
                await in_psql(url, "CHECKPOINT")
            before = await position(store)
            if how == "ours":
                assert await store.append(appends) == [Committed()] * together
            else:
                for story, append in zip(stories, appends, strict=True):
                    await plainly(store, story, append)
            written[how] += await position(store) - before
        for story, append in zip(stories, appends, strict=True):
            story.entries += append.entries
    await in_psql(url, "ALTER SYSTEM RESET ALL")
    await in_psql(url, "SELECT pg_reload_conf()")
    await store.close()
    assert written["ours"] <= 1.05 * written["plain"], written


async def position(store: PostgresStore) -> int:
    ((at,),) = await lanes(store)[0].fetch("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
    return at
