"""The spool: what was put is there in order, once, and nowhere else, until it is dropped or forgotten."""

# pyright: reportPrivateUsage=false
# (faults are injected on the spool's own connection, where nothing public leads)

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from companions.errors import StoreError
from sessions.spool.spool import Spool
from sessions.store import Append, Opening
from tests.sessions.building import TEXTS, note, placed
from tests.sessions.spooling import (
    ROOM,
    STORE,
    append,
    contents,
    files,
    left,
    left_behind,
    modes,
    seqs_of,
    threads,
    waiting,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool"


@pytest.fixture
async def spool(folder: Path) -> AsyncIterator[Spool]:
    made = Spool(folder, STORE, limit=ROOM)
    yield made
    await made.close()
    assert threads() == []


async def test_what_is_put_is_taken_in_order_until_it_is_dropped(spool: Spool) -> None:
    first = [append("s1", 5, 6, opening=True), append("s2", 9)]
    second = [append("s1", 7), append("s3", 1, 2, 3)]
    await spool.put(first)
    await spool.put(second)
    assert await waiting(spool) == first + second
    taken = await spool.take()
    await spool.drop([taken[0].number, taken[3].number, 1_000])
    assert await waiting(spool) == [first[1], second[0]]
    await spool.drop([each.number for each in taken])
    assert await waiting(spool) == []
    await spool.put(first)
    assert (await spool.take())[0].number > taken[-1].number


@pytest.mark.parametrize(
    ("limit", "entries"), [(1, [3]), (3, [3]), (4, [3, 1]), (5, [3, 1]), (6, [3, 1, 2]), (512, [3, 1, 2])]
)
async def test_no_more_is_taken_than_asked_for_but_one_append(spool: Spool, limit: int, entries: list[int]) -> None:
    await spool.put([append("s1", 1, 2, 3), append("s2", 1), append("s3", 1, 2)])
    assert [len(spooled.append.entries) for spooled in await spool.take(limit)] == entries


async def test_every_field_comes_back_as_it_was(spool: Spool) -> None:
    entries = tuple(
        replace(placed(note("revision", slot=3, index=2, text=text), seq), meta={"score": 0.1, name: [None, "\ud800é"]})
        for seq, (name, text) in enumerate(TEXTS.items(), start=41)
    )
    opening = Opening(session_id="s-2", owner="Ünï", created_at=1.1, parent="s-1", base=40)
    put = Append(session_id="s-2", entries=entries, opening=opening)
    await spool.put([put])
    (taken,) = await spool.take()
    assert taken.append == put


async def test_a_text_that_no_store_can_hold_is_refused_and_nothing_of_its_put_is_kept(spool: Spool) -> None:
    with pytest.raises(StoreError, match=r"^A text holds half a character"):
        await spool.put([append("s1"), append("s2", text="\ud800")])
    await spool.put([append("s3")])
    assert seqs_of(await waiting(spool)) == {"s3": [1]}


async def test_nothing_is_made_without_a_put(spool: Spool, folder: Path) -> None:
    assert (spool.entries, spool.bytes, spool.full, dict(spool.waiting)) == (0, 0, False, {})
    assert await spool.take() == []
    await spool.put([])
    await spool.drop([1])
    await spool.forget("s1")
    assert await spool.adopt() == 0
    assert await left(folder) == []
    await spool.close()
    assert not folder.parent.exists()


async def test_the_file_is_its_owners_and_tells_nothing_of_the_stores_url(spool: Spool, folder: Path) -> None:
    await spool.put([append()])
    assert modes(folder) == (0o700, {0o600})
    (file,) = files(folder)
    beginning, _, rest = file.stem.partition("-")
    assert (len(beginning), len(rest)) == (12, 16)
    for word in (b"sesame", b"example", b"postgresql"):
        assert word not in contents(folder)


async def test_an_empty_file_is_removed_at_the_end_and_one_with_entries_stays(spool: Spool, folder: Path) -> None:
    await spool.put([append()])
    await spool.close()
    assert len(await left(folder)) == 1
    assert spool.entries == 0
    assert await spool.adopt() == 1
    await spool.drop([spooled.number for spooled in await spool.take()])
    await spool.close()
    await spool.close()
    assert modes(folder) == (0o700, set())


async def test_a_drained_file_gives_its_room_back(spool: Spool, folder: Path) -> None:
    await spool.put([append("s1", *range(1, 5), text="x" * 200_000)])
    assert len(contents(folder)) > 800_000
    await spool.drop([spooled.number for spooled in await spool.take()])
    assert len(contents(folder)) < 20_000


async def test_a_full_spool_refuses_and_takes_again_when_something_left(folder: Path) -> None:
    spool = Spool(folder, STORE, limit=2_000)
    await spool.put([append("s1", 1, text="x" * 1_900)])
    assert not spool.full
    # What was begun while there was room is not lost for want of it.
    await spool.put([append("s1", 2, text="x" * 1_900)])
    assert spool.full
    with pytest.raises(StoreError, match=r"^The spool on this machine's disk is full \(2000 bytes\)\. Make the store"):
        await spool.put([append("s1", 3)])
    await spool.drop([spooled.number for spooled in await spool.take(1)])
    assert not spool.full
    await spool.put([append("s1", 3)])
    assert seqs_of([spooled.append for spooled in await spool.take()]) == {"s1": [2, 3]}
    await spool.close()


async def test_a_forgotten_session_leaves_no_byte_in_the_folder(spool: Spool, folder: Path) -> None:
    await left_behind(folder, append("s1", 1, text="the secret of before"))
    await spool.adopt()
    for seq in range(2, 40):
        await spool.put([append("s1", seq, text=f"the secret {seq}" * 90), append("s2", seq, text="kept" * 700)])
    assert b"the secret" in contents(folder)
    await spool.forget("s1")
    assert b"the secret" not in contents(folder)
    assert b"s1" not in contents(folder)
    assert seqs_of(await waiting(spool)) == {"s2": list(range(2, 40))}


async def test_what_was_dropped_leaves_no_byte_either(spool: Spool, folder: Path) -> None:
    await spool.put([append("s1", seq, text=f"the secret {seq}" * 90) for seq in range(1, 40)])
    await spool.put([append("s2", text="kept")])
    await spool.drop([spooled.number for spooled in (await spool.take())[:-1]])
    assert b"the secret" not in contents(folder)
    assert seqs_of(await waiting(spool)) == {"s2": [1]}


async def test_puts_takes_and_drops_go_on_at_once(spool: Spool) -> None:
    drained: list[Append] = []

    async def put(session_id: str) -> None:
        for seq in range(1, 21):
            await spool.put([append(session_id, seq)])

    async def drain() -> None:
        while len(drained) < 200:
            taken = await spool.take(16)
            await spool.drop([spooled.number for spooled in taken])
            drained.extend(spooled.append for spooled in taken)
            await asyncio.sleep(0)

    await asyncio.gather(drain(), *(put(f"s{number}") for number in range(10)))
    assert seqs_of(drained) == {f"s{number}": list(range(1, 21)) for number in range(10)}
    assert await waiting(spool) == []


async def test_a_put_that_is_given_up_leaves_nothing(folder: Path) -> None:
    spool = Spool(folder, STORE, limit=ROOM, deadline=0.3)
    await spool.put([append("s1")])
    assert spool._file is not None
    begun, go_on, said = threading.Event(), threading.Event(), list[str]()

    def hold_up(statement: str) -> None:
        said.append(statement)
        if statement.startswith("COMMIT"):
            begun.set()
            go_on.wait()

    await spool._file._lane.run(lambda connection: connection.set_trace_callback(hold_up))
    late = [asyncio.create_task(spool.put([append(session_id)])) for session_id in ("s2", "s3")]
    for task in late:
        with pytest.raises(StoreError, match=r"^The spool [0-9a-f]{12} did not answer within 0.3 seconds\."):
            await task
    assert begun.is_set()
    go_on.set()
    assert seqs_of(await waiting(spool)) == {"s1": [1]}
    # The one behind it was given up before its turn came, and costs the disk nothing.
    assert len([statement for statement in said if statement.startswith("INSERT")]) == 1
    await spool.close()


async def test_a_full_disk_is_told_and_takes_nothing_with_it(spool: Spool) -> None:
    await spool.put([append("s1")])
    assert spool._file is not None
    lane = spool._file._lane
    await lane.run(lambda connection: connection.execute("PRAGMA max_page_count = 20"))
    with pytest.raises(StoreError, match=r"^The disk that holds the spool [0-9a-f]{12} is full\. Free some space"):
        await spool.put([append("s2"), append("s3", text="x" * 200_000)])
    await lane.run(lambda connection: connection.execute("PRAGMA max_page_count = 2000"))
    assert seqs_of(await waiting(spool)) == {"s1": [1]}
    await spool.put([append("s3", text="x" * 200_000)])
    assert spool.entries == 2


async def test_a_folder_that_cannot_be_made_is_told_and_hinders_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file" / "spool", STORE, limit=ROOM)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"^The spool [0-9a-f]{12} cannot be written\. Let this user"):
            await spool.put([append()])
    assert spool.entries == 0
    await spool.forget("s1")
    (tmp_path / "file").unlink()
    await spool.put([append()])
    assert seqs_of(await waiting(spool)) == {"s1": [1]}
    await spool.close()
