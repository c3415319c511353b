"""A SQLite file's version: older ones are brought forward, newer and foreign ones refused and left as they are."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from companions.errors import StoreError, StoreVersionError
from sessions.stores.sqlite.schema import STEPS, VERSION, open_database
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Program, Story, note, one


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
