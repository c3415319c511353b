"""Archives carry what is attached, once each, and one that was forged is refused before anything is stored."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companions.attachments import Attachment
from companions.errors import InputError
from sessions.forking import fork
from sessions.stores.memory.store import MemoryStore
from tests.files import PDF, PNG, notes, picture, report
from tests.sessions.archived import bring, contents, export, forged, packed, read, refused
from tests.sessions.faults import OWNER, Process
from tests.sessions.filed import ALL, drafted, found

FILE = f"attachments/{picture().sha256}"
Held = dict[str, bytes]


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore(), execution_mode="server")
    yield made
    await made.calls.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "all.zip"


async def test_an_archive_brings_the_files_of_sessions_and_forks(process: Process, path: Path) -> None:
    session_id = await drafted(process)
    made = await fork(process.calls.desk.sessions, OWNER, session_id)
    await process.step("draft", made.session_id, query="And this?", attachments=(picture("same.png"),))
    await export(process, path)
    assert sorted(name for name in contents(path) if "attach" in name) == sorted(
        f"attachments/{each.sha256}" for each in ALL
    )
    target = Process.on(MemoryStore())
    for _ in range(2):
        brought = await bring(target, path, owner="bob")
        for each in ALL:
            assert await found(target, brought.ids[session_id], each, owner="bob") == each
        for each in (notes(), picture("same.png"), report()):
            assert await found(target, brought.ids[made.session_id], each, owner="bob") == each
    await target.calls.close()


async def test_a_large_file_of_many_queries_survives_export_and_import(process: Process, path: Path) -> None:
    log = Attachment(name="server.log", mime_type="text/plain", data=b"nothing happened\n" * 265_000)
    session_id = await drafted(process, log, text="Nothing.")
    for number in range(8):
        named = replace(log, name=f"server-{number}.log", mime_type=f"text/x-log-{number % 2}")
        await process.step("draft", session_id, query=f"And {number}?", text="Nothing.", attachments=(named,))
    await export(process, path)
    target = Process.on(MemoryStore())
    # As often as the room to unpack in does not allow: 64 MB, of which the queries name more than half.
    await bring(target, path)
    assert await found(target, session_id, log) == log
    query = next(entry for entry in await read(target.store, session_id) if entry.kind == "query")
    assert await target.store.attachments.kept(session_id) == {log.sha256: query.seq}
    await target.calls.close()


async def test_a_file_that_was_lost_before_the_export_is_lost_after_the_import(process: Process, path: Path) -> None:
    session_id = await drafted(process)
    await export(process, path)
    packed(path, {name: content for name, content in contents(path).items() if name != FILE})
    target = Process.on(MemoryStore())
    await bring(target, path)
    assert await found(target, session_id, report()) == report()
    with pytest.raises(InputError, match="no such attachment"):
        await found(target, session_id, picture())
    await target.calls.close()


def other(name: str, content: bytes) -> Callable[[Held], Held]:
    return lambda held: held | {name: content}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (other(FILE, PNG + b" "), "is not what the entry says"),
        (other(FILE, PDF), "is not what the entry says"),
        (other(f"attachments/{'0' * 64}", PNG), "holds a file that no entry names"),
        (other("attachments/x.png", PNG), "holds a file that is none of an archive's"),
    ],
)
async def test_a_file_that_is_not_what_an_entry_says_is_refused(
    process: Process, path: Path, change: Callable[[Held], Held], what: str
) -> None:
    await drafted(process)
    await export(process, path)
    assert what in await refused(packed(path, change(contents(path))))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"mime_type": "image/gif"}, r"are not image/gif"),
        ({"name": "../../x.png"}, r"holds a slash"),
        ({"sha256": "../../manifest.json"}, r"In entry"),
        ({"bytes": -1}, r"In entry"),
        ({"bytes": 1}, "is not what the entry says"),
        ({"more": "x"}, r"In entry"),
    ],
)
async def test_what_an_entry_says_of_a_file_is_held_against_it(
    process: Process, path: Path, said: dict[str, Any], what: str
) -> None:
    session_id = await drafted(process, picture())
    await export(process, path)

    def edit(_body: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        query = next(entry for entry in entries if entry["kind"] == "query")
        query["meta"]["attachments"][0] |= said

    assert what in await refused(forged(path, session_id, edit))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"mime_type": "image/gif"}, r"are not image/gif"),
        ({"name": "../../x.png"}, r"holds a slash"),
        ({"bytes": 1}, "is not what the entry says"),
    ],
)
async def test_what_a_second_entry_says_of_a_file_is_held_against_it_as_well(
    process: Process, path: Path, said: dict[str, Any], what: str
) -> None:
    session_id = await drafted(process, picture())
    await process.step("draft", session_id, query="And this?", attachments=(picture(),))
    await export(process, path)

    def edit(_body: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        query = [entry for entry in entries if entry["kind"] == "query"][-1]
        query["meta"]["attachments"][0] |= said

    assert what in await refused(forged(path, session_id, edit))
