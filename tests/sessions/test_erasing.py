"""Erasing all that an owner has: what is told, what others keep, and what happens while it goes on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from companions.errors import SessionNotFoundError, StoreAwayError, StoreError
from sessions import erasing
from sessions.erasures import Kept
from sessions.forking import fork
from sessions.spool.spool import Spool
from sessions.store import Gone, Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis import scripts
from sessions.stores.redis.store import RedisStore
from tests.servers.postgres_server import run
from tests.sessions.building import Story, note, one
from tests.sessions.faults import OWNER, Fault, Process
from tests.sessions.redis_looking import ask
from tests.sessions.spooling import append, left_behind

pytest_plugins = ("tests.sessions.redis_fixtures",)
AWAY = StoreAwayError("The store is away.", "Wait.")


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True)
    yield made
    await made.calls.close()


async def test_the_report_counts_what_went_and_names_what_others_keep(process: Process) -> None:
    sessions = process.calls.desk.sessions
    first = Story(process.store, "a-first", owner=OWNER)
    await first.write(*(note(index=n) for n in range(6)))
    mine, theirs = first.fork("b-mine", 4), first.fork("c-theirs", 3)
    theirs.owner = "bob"
    for story in (mine, theirs):
        await story.write(note(), note())
    other = Story(process.store, "d-other", owner="bob")
    await other.write(note())

    told = await erasing.would_erase(sessions, OWNER)
    kept = Kept(session_id="a-first", entries=3, fork="c-theirs", own=False)
    assert (told.sessions, told.entries, told.spooled, told.kept, told.wiped) == (2, 8, 0, [kept], None)
    assert len(await process.store.list(OWNER)) == 2

    erased = await erasing.erase(sessions, OWNER)
    assert (erased.sessions, erased.entries, erased.spooled, erased.kept) == (2, 8, 0, [kept])
    assert erased.wiped is not None
    assert await process.store.list(OWNER) == []
    for story in (theirs, other):
        await story.check()
    # Whoever still holds one of them open writes to nothing.
    for story in (first, mine):
        assert await one(process.store.store, story.append(note())) == Gone()
    again = await erasing.erase(sessions, OWNER)
    assert (again.sessions, again.kept) == (0, [])


async def test_an_erasure_that_fails_midway_is_finished_by_the_next(process: Process) -> None:
    sessions = process.calls.desk.sessions
    for number in range(4):
        await Story(process.store, f"s{number}", owner=OWNER).write(note())
    process.store.breaks("tombstone", None, Fault(AWAY, commits=True), Fault(AWAY))
    with pytest.raises(StoreAwayError):
        await erasing.erase(sessions, OWNER)
    process.store.faults.clear()
    assert (await erasing.erase(sessions, OWNER)).sessions == 2
    assert await process.store.list(OWNER) == []


async def test_a_session_that_is_gone_although_its_log_could_not_be_emptied_is_counted(process: Process) -> None:
    await Story(process.store, "s1", owner=OWNER).write(note())
    process.store.breaks("tombstone", Fault(StoreError("The log is read.", "Wait."), commits=True))
    assert (await erasing.erase(process.calls.desk.sessions, OWNER)).sessions == 1


async def test_open_sessions_and_their_forks_leave_memory_too(process: Process) -> None:
    sessions = process.calls.desk.sessions
    session_id = (await process.step("draft", query="Where?", text="Here.")).session_id
    made = await fork(sessions, OWNER, session_id)
    assert (await erasing.erase(sessions, OWNER)).sessions == 2
    for gone in (session_id, made.session_id):
        assert sessions.open.get(gone) is None
        with pytest.raises(SessionNotFoundError):
            await process.step("critique", gone, text="Why?")


async def test_what_an_ended_process_kept_on_the_disk_is_erased_with_the_rest(tmp_path: Path) -> None:
    folder, url = tmp_path / "spool", "the store"
    await left_behind(folder, append("only-here", 1, 2, text="the secret", opening=True), store=url)
    spool = Spool(folder, url, limit=1_000_000)
    process = Process.on(MemoryStore(), spool=spool)
    # The store refuses them, so that they stay where they are.
    process.store.breaks("append", *[Fault(StoreError("The store is full.", "Wait."))] * 1_000)
    sessions = process.calls.desk.sessions
    told = await erasing.would_erase(sessions, OWNER)
    assert (told.sessions, told.entries, told.spooled) == (1, 0, 2)
    erased = await erasing.erase(sessions, OWNER)
    assert (erased.sessions, erased.entries, erased.spooled) == (1, 0, 2)
    assert spool.entries == 0
    await process.calls.close()


async def test_postgresql_finishes_an_erasure_that_ended_behind_its_mark(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    story = Story(store, "s1", owner=OWNER)
    await story.write(note(), note())
    run(postgres_url, "UPDATE companions_sessions SET owner = NULL")
    await store.wipe(OWNER)
    assert run(postgres_url, "SELECT count(*) FROM companions_entries") == "0"
    await store.close()


async def test_redis_finishes_an_erasure_that_ended_behind_its_mark_and_forgets_the_owner_s_name(
    single: RedisStore,
) -> None:
    story = Story(single, "s1", owner=OWNER)
    await story.write(note(), note())
    head = scripts.head("s1")
    opening = await ask(single, "HGET", head, "opening")
    await ask(single, "DEL", head)
    await ask(single, "HSET", head, "tombstone", "0:", "erasing", opening)
    await ask(single, "ZADD", scripts.owned(OWNER), 1.0, "never-opened")
    wiped = await single.wipe(OWNER)
    assert wiped.done == ("The append-only file was written anew.",)
    assert await ask(single, "EXISTS", scripts.entries("s1"), scripts.entries("s1")) == 0
    assert await ask(single, "EXISTS", scripts.owned(OWNER)) == 0


async def test_what_a_server_refuses_a_user_is_told(single: RedisStore, postgres_url: str) -> None:
    await single.head("-")
    await ask(single, "ACL", "SETUSER", "default", "-bgrewriteaof", "-config")
    try:
        left = (await single.wipe(OWNER)).left
    finally:
        await ask(single, "ACL", "SETUSER", "default", "+bgrewriteaof", "+config")
    assert any("BGREWRITEAOF" in sentence for sentence in left)
    assert not any("dump.rdb" in sentence for sentence in left)

    owner = PostgresStore(postgres_url)
    await Story(owner, "s1", owner=OWNER).write(note())
    run(postgres_url, "DROP ROLE IF EXISTS reader")
    run(postgres_url, "CREATE ROLE reader LOGIN")
    run(postgres_url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader")
    reader = PostgresStore(postgres_url.replace("postgres@", "reader@"))
    wiped = await reader.wipe(OWNER)
    assert wiped.done == ()
    assert any("VACUUM FULL" in sentence for sentence in wiped.left)
    assert any("pg_statistic" in sentence for sentence in wiped.left)
    await reader.close()
    await owner.close()
    run(postgres_url, "DROP OWNED BY reader")
    run(postgres_url, "DROP ROLE reader")


def test_what_an_owner_is_told_names_no_session_of_others() -> None:
    kept = Kept(session_id="s1", entries=1, fork="f1", own=False)
    assert kept.told == "A fork of somebody else's keeps its first entry."
    assert replace(kept, entries=2, own=True).told == "Fork f1 keeps its first 2 entries."
