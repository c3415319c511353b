"""A copy of a SQLite store that is in use: whole, of one moment, and in nobody's way."""

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from companions.errors import StoreError
from sessions.stores.sqlite import backup as sqlite_backup
from sessions.stores.sqlite.schema import open_database
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story, note
from tests.sessions.faults import until


def files(folder: Path) -> list[str]:
    return [found.name for found in os.scandir(folder) if found.is_file()]


def integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


async def test_a_copy_holds_a_prefix_of_every_session_that_is_written_meanwhile(
    sqlite: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Page by page, so that many appends fall between the first and the last.
    monkeypatch.setattr(sqlite_backup, "PAGES", 1)
    stories = [Story(sqlite, f"s{number}") for number in range(8)]
    await asyncio.gather(*(story.write(*(note(text=f"{n} " * 900) for n in range(40))) for story in stories))
    opened = [len(story.entries) for story in stories]
    target = tmp_path / "copy.db"
    copying = asyncio.create_task(sqlite.backup(target))

    async def grow(story: Story) -> None:
        while not copying.done():
            await story.write(note(text="meanwhile " * 300))

    await asyncio.gather(*map(grow, stories))
    await copying
    assert target.stat().st_mode & 0o777 == 0o600
    assert files(tmp_path) == ["copy.db"]
    assert await asyncio.to_thread(integrity, target) == "ok"
    copied = SQLiteStore(target)
    for story, before in zip(stories, opened, strict=True):
        entries = await copied.page(story.session_id, limit=100_000)
        assert entries == story.entries[: len(entries)]
        assert before <= len(entries) < len(story.entries)
    # It is a store like any other.
    goes_on = Story(copied, "s0", entries=await copied.page("s0", limit=100_000))
    await goes_on.write(note("query"))
    await goes_on.check()
    await copied.close()


class Writing(threading.Event):
    """Another connection that writes whenever the copy asks whether to stop, and in the end stops it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self.connection = connection
        self.asked = 0

    def is_set(self) -> bool:
        self.asked += 1
        self.connection.execute("INSERT INTO leases VALUES (?, 'ann', 0, 0)", (str(self.asked),))
        return self.asked > 200


def test_a_copy_is_not_begun_anew_with_every_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_backup, "PAGES", 1)
    with closing(open_database(path, seconds=0.5)) as connection:
        writing = Writing(connection)
        sqlite_backup.copy(path, path.with_name("copy.db"), writing, seconds=0.5)
    assert 5 < writing.asked < 50


@pytest.mark.parametrize("name", ["copy.db", "copy.db-wal"])
async def test_a_file_that_is_there_is_never_replaced(sqlite: SQLiteStore, tmp_path: Path, name: str) -> None:
    await Story(sqlite).write()
    (tmp_path / name).write_bytes(b"Mine")
    with pytest.raises(StoreError, match=rf"^There is a file {name} already\. Name another"):
        await sqlite.backup(tmp_path / "copy.db")
    assert files(tmp_path) == [name]
    assert await asyncio.to_thread((tmp_path / name).read_bytes) == b"Mine"


async def test_a_folder_that_is_missing_is_told(sqlite: SQLiteStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^The copy copy\.db cannot be written\. Name a file in a folder"):
        await sqlite.backup(tmp_path / "nowhere" / "copy.db")


async def test_a_copy_that_nobody_waits_for_any_more_is_given_up(
    sqlite: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_backup, "PAGES", 1)
    story = Story(sqlite)
    for _ in range(30):
        await story.write(note(text="long " * 40_000))
    copying = asyncio.create_task(sqlite.backup(tmp_path / "copy.db"))
    await until(lambda: bool(files(tmp_path)))
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    await until(lambda: not files(tmp_path))


async def test_a_closed_store_is_not_copied(sqlite: SQLiteStore, tmp_path: Path) -> None:
    await Story(sqlite).write()
    await sqlite.close()
    with pytest.raises(StoreError, match="closed"):
        await sqlite.backup(tmp_path / "copy.db")
    assert not files(tmp_path)
