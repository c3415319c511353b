"""What is SQLite's own: the file, its neighbours in other processes, and what is left of a forgotten text."""

# pyright: reportPrivateUsage=false
# (faults are injected on the store's own connections, where nothing public leads)

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from companions.entries import Note
from companions.errors import StoreError
from sessions.store import Committed, Conflict, Gone
from sessions.stores.sqlite import grants as sqlite_grants
from sessions.stores.sqlite import reads as sqlite_reads
from sessions.stores.sqlite import writes as sqlite_writes
from sessions.stores.sqlite.lane import Lane
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import COMPANIONS, TEXTS, WINDOWS, Program, Story, note, one, projection

ROOT = Path(__file__).parents[2]
# Parts of statements begin with _, and HEADS is one that grants take; the table of EXPIRE holds live leases only; COUNT
# may count.
STATEMENTS = {
    name: statement
    for module in (sqlite_reads, sqlite_writes)
    for name, statement in vars(module).items()
    if name.isupper() and isinstance(statement, str) and name[0] != "_"
    if name not in {"COLUMNS", "COUNT", "EXPIRE", "HEADS"}
} | {"ROLE": sqlite_grants.ROLE, "JOINED": sqlite_grants.JOINED}
APPENDING = """
import asyncio, pathlib, sys
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story, note
async def main():
    story = Story(SQLiteStore(pathlib.Path(sys.argv[1])))
    while True:
        await story.write(note(text="x" * 3000))
        print(len(story.entries), flush=True)
asyncio.run(main())
"""


async def instructions(lanes: Sequence[Lane], story: Story) -> list[int]:
    """Count the instructions that SQLite needs for a tail, a head and an append."""
    done: list[None] = []
    for lane in lanes:
        # The handler is called at every instruction and returns None to let it go on.
        await lane.run(lambda connection: connection.set_progress_handler(lambda: done.append(None), 1))
    await story.store.tail(story.session_id, "generic", WINDOWS[0])
    counts = [len(done)]
    await story.store.head(story.session_id)
    counts.append(len(done) - sum(counts))
    await story.write()
    return [*counts, len(done) - sum(counts)]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_what_was_written_is_there_after_a_restart(sqlite: SQLiteStore, path: Path, program: Program) -> None:
    await program.run()  # makes an empty file, which is as good as none
    story = Story(sqlite)
    await story.write(*(note("query", text=text) for text in TEXTS.values()))
    await sqlite.project([projection("s1", title="T", last_used=7.0)])
    before = await sqlite.head("s1")
    await sqlite.close()
    story.store = SQLiteStore(path)
    assert await story.store.head("s1") == before
    await story.check()
    await story.store.close()


async def test_the_files_are_their_owners_and_only_one_stays(tmp_path: Path) -> None:
    of_others, folder = set(threading.enumerate()), tmp_path / "not yet" / "there"
    store = SQLiteStore(folder / "sessions.db")
    assert not folder.exists()
    await Story(store).write()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    await store.close()
    assert [file.name for file in folder.iterdir()] == ["sessions.db"]
    left = set(threading.enumerate()) - of_others
    assert not [thread.name for thread in left if thread.name.startswith("companions-sqlite")]


async def test_two_that_race_have_one_winner_for_each_number(sqlite: SQLiteStore, path: Path) -> None:
    rival = SQLiteStore(path)
    await asyncio.gather(sqlite.head("s1"), rival.head("s1"))
    await Story(sqlite).write()
    won: dict[SQLiteStore, list[int]] = {sqlite: [], rival: []}

    async def race(store: SQLiteStore) -> None:
        while len(won[store]) < 25:
            seen = Story(store, entries=await store.page("s1"))
            append = seen.append(note(text=str(id(store))))
            won[store] += [append.entries[0].seq] if await one(store, append) == Committed() else []

    await asyncio.gather(race(sqlite), race(rival))
    told = [(1, "pick 0.0"), *sorted((seq, str(id(store))) for store, seqs in won.items() for seq in seqs)]
    assert [(entry.seq, entry.text) for entry in await rival.page("s1")] == told
    assert len(told) == 51
    await rival.close()


async def test_every_entry_that_a_killed_process_was_told_of_is_there(sqlite: SQLiteStore, path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDING, str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    told = [await child.stdout.readline() for _ in range(40)]
    child.kill()
    *rest, _ = (await child.communicate())[0].split(b"\n")
    known = int([*told, *rest][-1])
    found = [entry.seq for entry in await sqlite.page("s1", limit=100_000)]
    # The entry of its last moment may be stored without having been told.
    assert found in ([*range(1, known + 1)], [*range(1, known + 2)])
    assert known >= 40


async def test_what_another_process_wrote_is_seen_by_the_next_append(sqlite: SQLiteStore, path: Path) -> None:
    story, rival = Story(sqlite), SQLiteStore(path)
    await story.write(note("query"))
    late = story.append(note("critique"))
    story.store = rival
    await story.write(note("draft"))
    assert await one(sqlite, late) == Conflict(2)
    story.store = sqlite
    await story.write(note("critique"))
    await story.check()
    late = story.append(note("revision", based_on=0))
    assert await rival.tombstone("s1")
    assert await one(sqlite, late) == Gone()
    await rival.close()


async def test_an_append_that_failed_leaves_no_memory_of_itself(sqlite: SQLiteStore) -> None:
    story = Story(sqlite)
    await story.write(note("query"))
    with pytest.raises(StoreError, match="half a character"):
        await one(sqlite, story.append(note("draft"), note("critique", text="\ud800")))
    await story.write(note("draft", text="another"))
    await story.check()


async def test_a_batch_may_open_a_session_and_a_fork_of_its_middle(sqlite: SQLiteStore) -> None:
    parent = Story(sqlite)
    opens = parent.append(note("query"), note("draft"), note("critique"))
    parent.entries += opens.entries
    fork = parent.fork("f1", 2)
    follows = fork.append(note("critique", text="another"))
    assert await sqlite.append([opens, follows]) == [Committed(), Committed()]
    fork.entries += follows.entries
    for story in (parent, fork):
        await story.check()


async def test_more_sessions_than_are_remembered_go_on(sqlite: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writes, "KNOWN", 2)
    stories = [Story(sqlite, f"s{number}") for number in range(5)]
    for kind in ("query", "draft", "critique"):
        for companion in COMPANIONS:
            for story in stories:
                await story.write(note(kind, companion=companion))
    for story in stories:
        await story.check()


async def test_nothing_of_a_forgotten_text_stands_in_any_file(sqlite: SQLiteStore, path: Path) -> None:
    def left(mark: bytes) -> bool:
        return mark in b"".join(bytes_of(path.parent).values()).lower()

    parent = Story(sqlite)
    stories = [parent]
    await parent.write(*(note(text=f"kept {number} " * 40) for number in range(3)))
    await parent.write(*(note(text=f"hushed {number} " * 900, model="hushed") for number in range(30)))
    shown = projection("s1", title="Hushed title", preview="hushed answer")
    await sqlite.project([shown])
    for base in (3, 5, 6):
        stories.append(stories[-1].fork(f"f{base}", base))
        await stories[-1].write(note(), note(), note())
    assert left(b"hushed")
    for forgotten in ("f3", "f5", "s1"):
        assert await sqlite.tombstone(forgotten)
    await sqlite.project([shown])
    assert not left(b"hushed")
    await stories[-1].check()
    # What only a fork still read goes with it.
    assert left(b"kept")
    assert await sqlite.tombstone("f6")
    assert not left(b"kept")


async def test_a_text_left_in_the_log_is_owned_up_to(sqlite: SQLiteStore, path: Path, program: Program) -> None:
    await Story(sqlite).write()
    await program.run("BEGIN", "SELECT * FROM entries")
    with pytest.raises(StoreError, match=r"^The session is forgotten, but another program or a backup still reads"):
        await sqlite.tombstone("s1")
    await program.run("COMMIT")
    assert await sqlite.head("s1") is None
    assert not await sqlite.tombstone("s1")
    assert path.with_name("sessions.db-wal").stat().st_size == 0


@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_statement_walks_a_table(sqlite: SQLiteStore, name: str) -> None:
    statement, values = STATEMENTS[name], [0] * STATEMENTS[name].count("?")
    plan = await sqlite._reader.run(lambda c: c.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())
    # f: what a recursion has found so far, which is no table.
    walked = [row[3] for row in plan if row[3].startswith("SCAN") and row[3] != "SCAN f"]
    assert not [*walked, *(row[3] for row in plan if "TEMP B-TREE" in row[3])]


SHAPES: dict[str, Callable[[int], Note]] = {
    "many slots": lambda n: note(("query", "draft", "critique", "revision")[n % 4], slot=n // 4, based_on=0, guard="x"),
    "one slot": lambda n: note(("critique", "revision")[n % 2], index=n // 2, based_on=min(n // 2, 1), guard="x"),
    "written again": lambda _: note("revision", based_on=0),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_step_costs_the_same_behind_eighty_entries_and_behind_four_thousand(path: Path, shape: str) -> None:
    store = SQLiteStore(path, deadline=30)  # thousands of commits, on whatever disk there is
    (short, *short_forks), (long, *long_forks) = [await costs(store, shape, length) for length in (80, 4_000)]
    await store.close()
    assert long == short
    # A parent that went on after the fork is searched by halving: a few more halves, of a few instructions each.
    for little, much in zip(short_forks, long_forks, strict=True):
        assert all(b <= 1.3 * a for a, b in zip(little, much, strict=True)), (little, much)


async def costs(store: SQLiteStore, shape: str, length: int) -> list[list[int]]:
    """Count what a tail, a head and an append cost: of a session, of its fork and of that one's fork."""
    parent = Story(store, f"{shape} {length}")
    await parent.write(note("configure"), note("query"), note("draft"))
    for at in range(0, length, 80):
        await parent.write(*map(SHAPES[shape], range(at, at + 80)))
    fork = parent.fork(f"{shape} {length} fork", length // 2)
    await fork.write()
    again = fork.fork(f"{shape} {length} fork's fork", length // 2 - 3)
    await again.write()
    return [await instructions((store._reader, store._writer), story) for story in (parent, fork, again)]
