"""Spools of processes that died: each is taken over once and whole, and none of a living process is."""

# pyright: reportPrivateUsage=false
# (a fault is injected where nothing public leads)

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from sessions.spool import file as spool_file
from sessions.spool.file import VERSION
from sessions.spool.spool import Spool
from tests.sessions.spooling import (
    ADOPTING,
    PUTTING,
    ROOM,
    STORE,
    append,
    ended,
    files,
    left,
    left_behind,
    seqs_of,
    started,
    threads,
    waiting,
)
from tests.sessions.writing import log_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool"


@pytest.fixture
async def spool(folder: Path) -> AsyncIterator[Spool]:
    made = Spool(folder, STORE, limit=ROOM)
    yield made
    await made.close()
    assert threads() == []


async def test_every_append_whose_put_returned_outlives_a_kill(spool: Spool, folder: Path) -> None:
    child = await started(PUTTING, str(folder))
    assert child.stdout is not None
    told = [int(await child.stdout.readline()) for _ in range(20)]
    told += await ended(child)
    assert await spool.adopt() >= len(told)
    found = seqs_of(await waiting(spool))["s1"]
    # The put of its last moment may have come about without having been told.
    assert found in (told, [*told, told[-1] + 1])
    assert len(files(folder)) == 1


async def test_an_orphan_comes_before_what_is_put_later(spool: Spool, folder: Path) -> None:
    await spool.put([append("mine", 1)])
    await left_behind(folder, append("s1", 1), append("s2", 1), append("s1", 2, 3))
    await left_behind(folder, append("s3", 1), append("s3", 2))
    assert await spool.adopt() == 6
    await spool.put([append("s1", 4), append("s3", 3)])
    assert seqs_of(await waiting(spool)) == {"mine": [1], "s1": [1, 2, 3, 4], "s2": [1], "s3": [1, 2, 3]}
    assert len(files(folder)) == 1
    assert await spool.adopt() == 0


async def test_a_living_owner_keeps_its_file(spool: Spool, folder: Path) -> None:
    child = await started(PUTTING, str(folder))
    assert child.stdout is not None
    await child.stdout.readline()
    assert await left(folder) == []
    assert await spool.adopt() == 0
    before = await child.stdout.readline()
    assert before
    told = await ended(child)
    assert len(await left(folder)) == 1
    assert await spool.adopt() >= len(told)


async def test_another_stores_file_is_left_alone(spool: Spool, folder: Path) -> None:
    other = await left_behind(folder, append(), store=f"{STORE}2")
    before = other.read_bytes()
    assert await left(folder) == []
    assert await left(folder, f"{STORE}2") == [other]
    assert await spool.adopt() == 0
    assert other.read_bytes() == before


async def test_of_several_adopters_one_gets_each_file(folder: Path) -> None:
    for number in range(6):
        await left_behind(folder, append(f"s{number}", 1), append(f"s{number}", 2))
    children = [await started(ADOPTING, str(folder), "0") for _ in range(3)]
    rivals = [Spool(folder, STORE, limit=ROOM) for _ in range(3)]
    mine = await asyncio.gather(*(rival.adopt() for rival in rivals))
    told = [int(await child.stdout.readline()) for child in children if child.stdout is not None]
    assert sum(mine) + sum(told) == 12
    appends = [each for rival in rivals for each in await waiting(rival)]
    assert len(appends) == sum(mine)
    for child in children:
        await ended(child)
    heir = Spool(folder, STORE, limit=ROOM)
    assert await heir.adopt() == sum(told)
    found = seqs_of([*appends, *await waiting(heir)])
    assert found == {f"s{number}": [1, 2] for number in range(6)}
    for each in (*rivals, heir):
        await each.close()


async def test_an_adoption_that_is_killed_loses_and_doubles_nothing(spool: Spool, folder: Path) -> None:
    expected = {f"s{number}": [1, 2, 3, 4] for number in range(4)}
    for session_id in expected:
        await left_behind(folder, append(session_id, 1, 2), append(session_id, 3), append(session_id, 4))
    died = 0
    for steps in (30, 200, 400, 250, 100):
        child = await started(ADOPTING, str(folder), str(steps))
        assert child.stdout is not None
        died += not await child.stdout.readline()
        await ended(child)
        assert seqs_in(folder) == expected
    assert died >= 3
    assert await spool.adopt() == 16
    assert seqs_of(await waiting(spool)) == expected


def seqs_in(folder: Path) -> dict[str, list[int]]:
    """Read what waits in all files of a folder, as they are when no process holds them."""
    found: dict[str, list[int]] = {}
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,)
            query = "SELECT session_id, first, last FROM appends ORDER BY number"
            for session_id, first, last in connection.execute(query) if tables else ():
                found.setdefault(session_id, []).extend(range(first, last + 1))
    return found


async def test_a_file_that_cannot_be_removed_after_its_adoption_is_empty(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await left_behind(folder, append("s1", 1, 2, text="the secret"))
    remove = spool_file._remove

    def fail_once(path: Path) -> None:
        monkeypatch.setattr(spool_file, "_remove", remove)
        raise PermissionError(path)

    monkeypatch.setattr(spool_file, "_remove", fail_once)
    assert await spool.adopt() == 2
    assert await left(folder) == [path]
    assert b"the secret" not in path.read_bytes()
    assert await spool.adopt() == 0
    assert await left(folder) == []
    assert seqs_of(await waiting(spool)) == {"s1": [1, 2]}


async def test_files_that_cannot_be_read_are_left_alone_and_told(spool: Spool, folder: Path) -> None:
    newer = await left_behind(folder, append("s1"))
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    foreign, junk = (newer.with_stem(f"{newer.stem[:-1]}{ending}") for ending in "yz")
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE appends (number INTEGER)")
    junk.write_bytes(b"not a database" * 1_000)
    before = {path: path.read_bytes() for path in (newer, foreign, junk)}
    await left_behind(folder, append("s2"))
    with log_of("companions.spool") as said:
        assert await spool.adopt() == 1
    assert {path: path.read_bytes() for path in before} == before
    for path, why in {
        newer: f"The spool {newer.name} has version {VERSION + 1}, and this program knows versions up to {VERSION}.",
        foreign: f"The file {foreign.name} is not a spool of this program.",
        junk: f"The spool {junk.name} is damaged.",
    }.items():
        assert [line for line in said if line.startswith(f"the spool {path.name} stays as it is: {why} ")]
    assert len(said) == 3


async def test_a_process_killed_while_it_made_its_file_leaves_nothing_to_adopt(spool: Spool, folder: Path) -> None:
    path = await left_behind(folder, append())
    path.write_bytes(b"")
    assert await left(folder) == []
    assert await spool.adopt() == 0
    # What is left where a first transaction was rolled back.
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE appends (number); DROP TABLE appends;")
    assert await left(folder) == [path]
    assert await spool.adopt() == 0
    assert path not in files(folder)
