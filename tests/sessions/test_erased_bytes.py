"""What is erased is searched for byte by byte, wherever a store could have written it."""

import asyncio
import random
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from companions.entries import Entry
from sessions import erasing
from sessions.forking import fork
from sessions.spool.spool import Spool
from sessions.store import Append, Committed, Projection, Store
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.files import notes
from tests.servers.postgres_server import run
from tests.sessions.building import Story, note
from tests.sessions.disks import Disk, PostgresDisk, RedisDisk, SQLiteDisk, found_in, holds, new_marker
from tests.sessions.faults import OWNER, Process, until

pytest_plugins = ("tests.sessions.redis_fixtures",)

BESIDE = "x" * 900 + "y" * 5_000
"""Of an entry that is compressed, and kept in parts, where a store does that."""


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
async def disk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Disk]:
    made: SQLiteDisk | PostgresDisk | RedisDisk
    match request.param:
        case "sqlite":
            made = SQLiteDisk(SQLiteStore(tmp_path / "store" / "sessions.db"), tmp_path / "store")
        case "postgresql":
            url: str = request.getfixturevalue("own_postgres_url")
            made = PostgresDisk(PostgresStore(url), request.getfixturevalue("own_postgres"), url)
        case _:
            redis = request.getfixturevalue("single_server")
            made = RedisDisk(RedisStore(redis.url(request.node.nodeid)), redis)
    await made.store.head("-")
    yield made
    await made.store.close()


@pytest.fixture
async def process(disk: Disk, tmp_path: Path) -> AsyncIterator[Process]:
    spool = Spool(tmp_path / "spool", "the store", limit=10_000_000)
    made = Process.on(disk.store, keeps=True, spool=spool)
    yield made
    await made.calls.close()


async def thought(process: Process, marker: str) -> str:
    """Think in a new session, with a marker in every place that takes a text."""
    text = f"{marker} {BESIDE}"
    drafted = await process.step("draft", query=text, text=f"Draft {text}", attachments=(notes(text),))
    session_id = drafted.session_id
    await process.step("critique", session_id, text=f"Critique {text}", evidence=f"Evidence {text}")
    await process.step("revise", session_id, text=f"Revision {text}")
    newest = (await process.entries(session_id))[-1]
    said = [
        replace(newest, kind="alternative", text=text, meta={"of": "revision"}),
        replace(newest, kind="pick", index=0, text="", meta={"version": 1, "why": text}),
        replace(newest, kind="workflow", index=0, text="", meta={"workflow": "refine", "workflow_id": marker}),
        replace(newest, kind="critique", index=1, text="Short.", meta={"evidence": marker}),
    ]
    await _append(process.store, session_id, newest, said)
    await process.step("revise", session_id, text=f"{marker} is short.")
    sessions = process.calls.desk.sessions
    await sessions.projector.flush()
    head = await process.store.head(session_id)
    assert head is not None
    assert head.projection is not None
    assert marker in head.projection.title
    assert marker in head.projection.preview
    return session_id


async def _append(store: Store, session_id: str, newest: Entry, entries: list[Entry]) -> None:
    placed = [replace(e, seq=newest.seq + n, id=f"{e.kind}-{n}") for n, e in enumerate(entries, start=1)]
    assert await store.append([Append(session_id=session_id, entries=tuple(placed))]) == [Committed()]


async def beside(disk: Disk) -> Story:
    """Write another owner's session between all others."""
    story = Story(disk.store, "of-bob", owner="bob")
    await story.write(*(note(text=f"{number} {BESIDE}") for number in range(8)))
    return story


async def spooled(process: Process, session_id: str, marker: str, folder: Path) -> None:
    """Make a step that waits on the disk while the store is away."""
    process.store.away = True
    await process.step("critique", session_id, text=f"Spooled {marker}")
    contents = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in folder.iterdir()))
    assert found_in(contents, marker)
    process.store.away = False
    await until(lambda: not process.calls.desk.sessions.store.away)


async def test_nothing_of_an_erased_owner_is_found_in_any_file(disk: Disk, process: Process, tmp_path: Path) -> None:
    marker = new_marker()
    other = await beside(disk)
    session_id = await thought(process, marker)
    sessions = process.calls.desk.sessions
    made = await fork(sessions, OWNER, session_id)
    await process.step("critique", made.session_id, text=f"Of the fork: {marker}")
    await other.write(*(note(text=f"{number} {BESIDE}") for number in range(8)))
    await spooled(process, session_id, marker, tmp_path / "spool")
    if isinstance(disk, PostgresDisk):
        await asyncio.to_thread(run, disk.url, "ANALYZE")
    if isinstance(disk, RedisDisk):
        await disk.save()
    before = await holds(disk, marker)
    assert before["served"]
    assert sum(before.values()) > 1
    attached = b64encode(marker.encode()[:39]).decode()
    assert (await holds(disk, attached))["served"] == isinstance(disk, RedisDisk)

    # The parent first: what the fork reads of it stays until that is erased too.
    erased = await erasing.erase(sessions, OWNER)
    assert (erased.sessions, erased.kept) == (2, [])
    assert erased.wiped is not None
    assert erased.wiped.done

    for text in (marker, attached):
        after = await holds(disk, text)
        assert not any(after.values()), [name for name, held in after.items() if held]
    left = await asyncio.to_thread(lambda: [path.read_bytes() for path in (tmp_path / "spool").iterdir()])
    assert not any(found_in(content, marker) for content in left)
    await other.check()


async def test_a_forgotten_session_is_served_no_more_and_its_prefix_goes_with_the_last_fork(
    disk: Disk, process: Process
) -> None:
    marker = new_marker()
    session_id = await thought(process, marker)
    sessions = process.calls.desk.sessions
    forks = [(await fork(sessions, OWNER, session_id, 3)).session_id for _ in range(2)]
    late = new_marker()
    await process.step("draft", session_id, query="Later?", text="Later.", attachments=(notes(late),))
    written = [late, b64encode(late.encode()[:39]).decode()]
    assert any([found_in(await disk.served(), form) for form in written])
    kept = (await erasing.forget(sessions, OWNER, session_id)).kept
    assert kept is not None
    assert not any([found_in(await disk.served(), form) for form in written])
    assert (kept.fork, kept.entries) == (forks[0], 3)
    assert found_in(await disk.served(), marker)
    for made in forks:
        assert (await erasing.forget(sessions, OWNER, made)).kept is None
    if isinstance(disk, PostgresDisk):
        await asyncio.to_thread(
            run, disk.url, "DELETE FROM pg_statistic WHERE starelid = 'companions_entries'::regclass"
        )
    assert not found_in(await disk.served(), marker)


async def test_no_piece_stays_in_a_sqlite_file_where_rows_were_moved(tmp_path: Path) -> None:
    folder, rows = tmp_path / "store", random.Random(4)  # noqa: S311 (no secret)
    store = SQLiteStore(folder / "sessions.db")
    markers = [new_marker() for _ in range(30)]
    stories = [Story(store, f"s{number}") for number in range(30)]
    for step in range(600):
        number = rows.randrange(30)
        story, marker = stories[number], markers[number]
        await story.write(note(text=f"{marker} {'x' * rows.randrange(800)}", evidence=marker))
        if rows.random() < 0.3:
            shown = {"generic": {"why": "z" * rows.randrange(600)}}
            title = marker * rows.randrange(1, 3)
            await store.project(
                [
                    Projection(
                        session_id=story.session_id,
                        seq=len(story.entries),
                        title=title,
                        last_used=float(step),
                        preview=marker + "y" * rows.randrange(200),
                        companions=shown,
                    )
                ]
            )
    order = [*range(30)]
    rows.shuffle(order)
    for number in order[:25]:
        await store.tombstone(stories[number].session_id)
        assert (await store.wipe()).done
        held = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in folder.iterdir()))
        assert not found_in(held, markers[number])
    for number in order[25:]:
        await stories[number].check()
    await store.close()
