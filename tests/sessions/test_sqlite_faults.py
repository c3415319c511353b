"""What goes wrong at a SQLite file is told in words of ours: what may go through later, and what would fail again."""

# pyright: reportPrivateUsage=false
# (faults are injected on the store's own connections, where nothing public leads)

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import WINDOWS, Program, Story, note, one

PAGE = 4096


async def test_another_programs_lock_is_told(sqlite: SQLiteStore, program: Program) -> None:
    story = Story(sqlite)
    await story.write(note("query"))
    await program.run("BEGIN IMMEDIATE")
    await story.check()
    with pytest.raises(StoreAwayError, match=r"^Another program keeps sessions.db locked\. Close"):
        await one(sqlite, story.append(note("draft")))
    await program.run("ROLLBACK")
    await story.write(note("draft"))
    await story.check()


async def test_a_call_that_takes_too_long_is_given_up(sqlite: SQLiteStore) -> None:
    done = threading.Event()
    with pytest.raises(StoreAwayError, match=r"^The store sessions.db did not answer within 0.5 seconds"):
        await sqlite._writer.run(lambda _: done.wait())
    done.set()
    await Story(sqlite).write()


async def test_a_full_disk_is_told_and_takes_nothing_with_it(sqlite: SQLiteStore) -> None:
    story = Story(sqlite)
    await story.write()
    await sqlite._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 20"))
    with pytest.raises(StoreError, match=r"^The disk that holds sessions.db is full\. Free some space"):
        await one(sqlite, story.append(note(text="x" * 200_000)))
    await sqlite._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 2000"))
    await story.write(note(text="x" * 200_000))
    await story.check()


@pytest.mark.parametrize("place", ["a file/sessions.db", "a folder"])
async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    store = SQLiteStore(tmp_path / place)
    with pytest.raises(StoreError, match=rf"^The store {Path(place).name} cannot be written\. Let this user"):
        await store.head("s1")
    await store.close()


async def test_a_text_that_no_file_can_hold_is_refused_and_the_store_goes_on(sqlite: SQLiteStore) -> None:
    story = Story(sqlite)
    with pytest.raises(StoreError, match=r"^A text holds half a character"):
        await one(sqlite, story.append(note(), note(text="\ud800")))
    await story.write()
    await story.check()


async def test_the_folder_stands_in_the_log_and_in_no_message(
    sqlite: SQLiteStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(path.write_bytes, b"A diary. " * 1000)
    with caplog.at_level(logging.WARNING, "companions.sqlite"), pytest.raises(StoreError) as failure:
        await sqlite.head("s1")
    assert str(path.parent) not in str(failure.value)
    assert str(path) in caplog.text


async def test_a_damaged_text_is_told_and_a_page_that_passes_over_it_is_read(sqlite: SQLiteStore, path: Path) -> None:
    story = Story(sqlite)
    await story.write(note("query"), note("draft", text="x" * 40_000), note("critique"))
    await sqlite.close()
    await asyncio.to_thread(damage_long_texts, path)
    again = SQLiteStore(path)
    assert await again.page("s1", kinds=("query", "critique")) == [story.entries[0], story.entries[2]]
    assert await again.page("s1", companion_type="strategy") == []
    for read in (again.page("s1"), again.tail("s1", "generic", WINDOWS[0])):
        with pytest.raises(StoreError, match=r"^The store sessions.db is damaged\. Put back a copy"):
            await read
    await again.close()


def damage_long_texts(path: Path) -> None:
    """Make the pages that a long text spills over to lead nowhere: whoever reads one of them finds out."""
    content = bytearray(path.read_bytes())
    spilled = [at for at in range(0, len(content), PAGE) if content[at + 8 : at + 800] == bytearray(b"x" * 792)]
    assert len(spilled) >= 8
    for at in spilled:
        content[at : at + 4] = b"\xff" * 4
    path.write_bytes(content)


@pytest.mark.parametrize("damage", ["UPDATE entries SET meta = '{'", "DELETE FROM entries WHERE seq = 1"])
async def test_entries_that_cannot_be_what_was_written_are_told(
    sqlite: SQLiteStore, program: Program, damage: str
) -> None:
    await Story(sqlite).write(note("query"), note("draft"))
    await program.run(damage)
    with pytest.raises(StoreError, match=r"^The store sessions.db is damaged\. Put back a copy"):
        await sqlite.tail("s1", "generic", WINDOWS[0])
