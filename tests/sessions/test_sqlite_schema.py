"""A SQLite file's version: older ones are brought forward, newer and foreign ones refused and left as they are."""

import asyncio
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from companions.errors import StoreError, StoreVersionError
from sessions.store import Committed
from sessions.stores.sqlite import writes as sqlite_writes
from sessions.stores.sqlite.schema import STEPS, VERSION, open_database
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Program, Story, note, one, projection
from tests.sessions.shared import share

RELEASED = ["008cb799c7916034", "44ec863dfab6b584", "bbe184e10bdd754c", "5abf2977c010bbc9", "136e1c58d27a7ce0"]
"""Of the steps, what they are digested to."""


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_newer_file_is_refused_and_left_alone(sqlite: SQLiteStore, path: Path, program: Program) -> None:
    await Story(sqlite).write()
    await sqlite.close()
    await program.run(f"PRAGMA user_version = {VERSION + 1}")
    await program.close()
    before, newer = bytes_of(path.parent), SQLiteStore(path)
    for call in (newer.head("s1"), one(newer, Story(newer).append())):
        with pytest.raises(StoreVersionError, match=rf"version {VERSION + 1}, .* up to {VERSION}\."):
            await call
    await newer.close()
    assert bytes_of(path.parent) == before


@pytest.mark.parametrize("content", [b"short", b"A diary. " * 1000, b""], ids=["short", "text", "another program's"])
async def test_a_foreign_file_is_left_alone(sqlite: SQLiteStore, path: Path, program: Program, content: bytes) -> None:
    await asyncio.to_thread(path.write_bytes, content)
    if not content:
        await program.run("CREATE TABLE diary (day)", "PRAGMA user_version = 1")
    before = bytes_of(path.parent)
    with pytest.raises(StoreError, match=r"^The file sessions\.db is not a store of this program"):
        await sqlite.head("s1")
    await sqlite.close()
    assert bytes_of(path.parent) == before


async def test_an_older_file_is_brought_forward_once_and_keeps_what_it_holds(sqlite: SQLiteStore, path: Path) -> None:
    story = Story(sqlite)
    await story.write(note("query"), note("draft"))
    await sqlite.close()
    steps = (*STEPS, ("ALTER TABLE sessions ADD COLUMN tag TEXT NOT NULL DEFAULT 'none'",))

    def bring_forward() -> tuple[str, int]:
        with closing(open_database(path, seconds=0.5, steps=steps)) as connection:
            (tag,) = connection.execute("SELECT tag FROM sessions").fetchone()
            return tag, connection.execute("PRAGMA user_version").fetchone()[0]

    assert await asyncio.to_thread(bring_forward) == ("none", VERSION + 1)
    assert await asyncio.to_thread(bring_forward) == ("none", VERSION + 1)
    before = bytes_of(path.parent)
    story.store = SQLiteStore(path)
    with pytest.raises(StoreVersionError, match=rf"^The store sessions.db has schema version {VERSION + 1},"):
        await story.check()
    await story.store.close()
    assert bytes_of(path.parent) == before


async def test_a_step_forward_that_fails_changes_nothing(sqlite: SQLiteStore, path: Path) -> None:
    story = Story(sqlite)
    await story.write()
    await sqlite.close()
    steps = (*STEPS, ("ALTER TABLE sessions ADD COLUMN tag TEXT", "ALTER TABLE nothing RENAME TO something"))
    with pytest.raises(sqlite3.OperationalError):
        await asyncio.to_thread(open_database, path, seconds=0.5, steps=steps)
    story.store = SQLiteStore(path)
    await story.check()
    await story.store.close()


def write_first_version(path: Path, story: Story) -> None:
    """Make a file as the first version did, which knew sessions and no shares, and write a session into it."""
    with closing(open_database(path, seconds=0.5, steps=STEPS[:1])) as connection:
        append = story.append(note("query"), note("draft"))
        assert sqlite_writes.append(connection, appends=[append], known=sqlite_writes.Places()) == [Committed()]
        sqlite_writes.project(connection, projections=[projection("s1", title="T")])
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    story.entries += append.entries


async def test_a_file_of_the_first_version_keeps_its_sessions_and_can_hold_what_was_learned(
    sqlite: SQLiteStore, path: Path
) -> None:
    story = Story(sqlite)
    await asyncio.to_thread(write_first_version, path, story)
    other = SQLiteStore(path)
    assert await asyncio.gather(sqlite.shares(), other.shares()) == [[], []]
    await story.check()
    head = await other.head("s1")
    assert head is not None
    assert head.projection == projection("s1", title="T")
    await story.write(note("critique"))
    assert await other.put_share(share())
    assert await sqlite.shares() == [share()]
    await other.close()


def test_a_step_that_brought_files_forward_is_not_edited() -> None:
    digests = [sha256("\n".join(step).encode()).hexdigest()[:16] for step in STEPS]
    assert digests == RELEASED
