"""Archives that anybody may have made: refused as a whole, in our words, and nothing of them is stored."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest

from companions.errors import InputError
from sessions.archives import reading
from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import MOST_LINE, bring, contents, export, forged, packed, signed, thought
from tests.sessions.faults import OWNER, Process

Body = dict[str, Any]
Entries = list[Body]

IDS: list[str] = []
"""Of the archive at hand: a session, its fork, and a fork of that."""


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """An archive of three sessions."""
    process = Process.on(MemoryStore())
    IDS[:] = await thought(process)
    made = tmp_path / "all.zip"
    await export(process, made)
    await process.calls.close()
    return made


async def refused(path: Path) -> str:
    """Have an archive refused; gives what is told."""
    process = Process.on(MemoryStore())
    with pytest.raises(InputError) as raised:
        await bring(process, path)
    assert (await process.store.size()).entries == 0
    await process.calls.close()
    told = str(raised.value)
    assert str(path.parent) not in told
    assert len(told) < 600
    return told


def renumbered(_body: Body, entries: Entries) -> None:
    del entries[3]


def first_of(entries: Entries, kind: str) -> Body:
    return next(entry for entry in entries if entry["kind"] == kind)


def meta(kind: str, **told: Any) -> Callable[[Body, Entries], None]:
    def edit(_body: Body, entries: Entries) -> None:
        first_of(entries, kind)["meta"] |= told

    return edit


def without(kind: str, name: str) -> Callable[[Body, Entries], None]:
    def edit(_body: Body, entries: Entries) -> None:
        first_of(entries, kind)["meta"].pop(name)

    return edit


def place(of: str, **told: Any) -> Callable[[Body, Entries], None]:
    def edit(_body: Body, entries: Entries) -> None:
        first_of(entries, of).update(told)

    return edit


def head(**told: Any) -> Callable[[Body, Entries], None]:
    def edit(body: Body, _entries: Entries) -> None:
        body["session"] |= told

    return edit


def version(number: int) -> Callable[[Body, Entries], None]:
    def edit(body: Body, _entries: Entries) -> None:
        body["version"] = number

    return edit


FORGED: dict[str, tuple[Callable[[Body, Entries], None], str]] = {
    "a gap": (renumbered, "follows entry 3"),
    "a newer session": (version(2), "version 2 of the format"),
    "a revision before its critique": (place("critique", kind="revision", meta={"based_on": 0}), "cannot follow"),
    "a critique of another slot": (place("critique", slot=7), "cannot follow"),
    "an index too high": (place("revision", index=4), "cannot follow"),
    "a query of a slot to come": (place("query", slot=3), "cannot follow"),
    "an unknown kind": (place("critique", kind="chat"), "is not what the schema asks for"),
    "a revision of nothing": (without("revision", "based_on"), "is not what the schema asks for"),
    "a revision of a version to come": (meta("revision", based_on=9), "cannot follow"),
    "settings that lack some": (without("configure", "draft"), "is not what the schema asks for"),
    "settings of another type": (meta("configure", threshold="high"), "is not what the schema asks for"),
    "usage that is no sum": (meta("critique", usage="much"), "is not what the schema asks for"),
    "critics that are none": (meta("configure", critics=[{"x": 1}]), "holds what no step of this program writes"),
    "a workflow that is none": (meta("workflow", workflow="consult", companion_types=3), "no step of this program"),
    "a negative seq": (place("query", seq=-1), "is not what the schema asks for"),
    "a huge number": (place("query", seq=10**40), "is not what the schema asks for"),
    "a field of its own": (place("query", owner="ann"), "is not what the schema asks for"),
    "a text that is none": (place("query", text=["a"]), "is not what the schema asks for"),
    "half a character": (place("query", text="\ud800"), "half of a character"),
    "a parent without a base": (head(parent="x"), "a parent without a base"),
    "a base without a parent": (head(base=3), "a parent without a base"),
    "itself as its parent": (head(parent="ITSELF", base=3), "forks of each other"),
    "a parent that is not there": (head(parent="somebody", base=3), "lacks what session"),
    "a time that calendars do not know": (head(created_at=1e15), "is not what the schema asks for"),
    "another session": (head(session_id="another"), "begins with another session"),
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_session_is_refused(what: str, path: Path) -> None:
    edit, told = FORGED[what]

    def edited(body: Body, entries: Entries) -> None:
        if what == "a workflow that is none":
            entries[2] |= {"kind": "workflow", "slot": 0, "index": 0, "meta": {}}
        edit(body, entries)
        if body["session"]["parent"] == "ITSELF":
            body["session"]["parent"] = IDS[0]

    await asyncio.to_thread(forged, path, IDS[0], edited)
    assert told in await refused(path)


LINES: dict[str, Callable[[bytes], bytes]] = {
    "broken JSON": lambda line: line.replace(b'"text"', b'"text', 1),
    "deep JSON": lambda line: line.replace(b'"meta": {', b'"meta": {"x": ' + b"[" * 5_000 + b"]" * 5_000 + b", ", 1),
    "no end of depth": lambda line: line.replace(b'"meta": {', b'"meta": {"x": ' + b"[" * 200_000, 1),
    "a name twice": lambda line: line.replace(b'"text"', b'"seq": 9, "text"', 1),
    "no number": lambda line: line.replace(b'"meta": {', b'"meta": {"x": NaN, ', 1),
    "no end": lambda line: line.replace(b'"meta": {', b'"meta": {"x": 1e999, ', 1),
    "digits without end": lambda line: line.replace(b'"meta": {', b'"meta": {"x": ' + b"9" * 10_000 + b", ", 1),
    "no UTF-8": lambda line: line.replace(b'"text": "', b'"text": "\xff\xfe', 1),
    "no object": lambda _line: b"[1],\n",
    "nothing": lambda _line: b"\n",
    "a long line": lambda line: line.replace(b'"text": "', b'"text": "' + b"x" * 2 * MOST_LINE, 1),
}


@pytest.mark.parametrize("what", LINES)
async def test_a_line_that_is_none_is_refused(what: str, path: Path) -> None:
    held = await asyncio.to_thread(contents, path)
    name = f"sessions/{IDS[0]}.json"
    lines = held[name].splitlines(keepends=True)
    lines[2] = LINES[what](lines[2])
    await asyncio.to_thread(signed, path, held | {name: b"".join(lines)})
    told = await refused(path)
    assert ("longer than 1,000,000 bytes" if what == "a long line" else "entry 2 of") in told


def manifest(**told: Any) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda held: held | {"manifest.json": json.dumps(json.loads(held["manifest.json"]) | told).encode()}


def listed(**told: Any) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def edit(held: dict[str, bytes]) -> dict[str, bytes]:
        body = json.loads(held["manifest.json"])
        body["sessions"][0] |= told
        return held | {"manifest.json": json.dumps(body).encode()}

    return edit


def _twice(held: dict[str, bytes]) -> dict[str, bytes]:
    body = json.loads(held["manifest.json"])
    body["sessions"].append(body["sessions"][0])
    body["counts"] = {"sessions": 4, "entries": body["counts"]["entries"] + body["sessions"][0]["entries"]}
    return held | {"manifest.json": json.dumps(body).encode()}


def _behind(held: dict[str, bytes]) -> dict[str, bytes]:
    name = f"sessions/{IDS[0]}.json"
    return held | {name: held[name] + b"{}\n"}


PACKED: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], str]] = {
    "a newer archive": (manifest(version=7), "version 7 of the format, and this program knows versions up to 1"),
    "another format": (manifest(format="something else"), "is no archive of this program's"),
    "a manifest without a list": (manifest(sessions=3), "is not what the schema asks for"),
    "a wrong digest": (listed(sha256="0" * 64), "is not what the archive's manifest says"),
    "a wrong count": (manifest(counts={"sessions": 3, "entries": 1}), "does not count what it lists"),
    "a session twice": (_twice, "does not count what it lists"),
    "an id like a path": (listed(session_id="../../etc/passwd"), "is not what the schema asks for"),
    "a session that is not there": (listed(session_id="nobody"), "is damaged"),
    "a name like a path": (lambda held: held | {"../../evil": b"x"}, "none of an archive's: '../../evil'"),
    "an absolute name": (lambda held: held | {"/evil": b"x"}, "none of an archive's: '/evil'"),
    "more behind the end": (_behind, "is not what the archive's manifest says"),
    "no manifest": (lambda held: {"readme.txt": b"x"} if held else {}, "it has no manifest.json"),
    "a manifest that is no JSON": (lambda held: held | {"manifest.json": b"\xff{"}, "the JSON is broken"),
    "a manifest that is a list": (lambda held: held | {"manifest.json": b"[]"}, "is no archive"),
}


@pytest.mark.parametrize("what", PACKED)
async def test_an_archive_that_does_not_hold_what_it_says_is_refused(what: str, path: Path) -> None:
    edit, told = PACKED[what]
    await asyncio.to_thread(packed, path, edit(await asyncio.to_thread(contents, path)))
    assert told in await refused(path)


def _same_name(path: Path) -> None:
    held = contents(path)
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile(path, "a", ZIP_DEFLATED) as file:
        file.writestr("manifest.json", held["manifest.json"])


def _otherwise(path: Path) -> None:
    held = contents(path)
    with ZipFile(path, "w", ZIP_BZIP2) as file:
        for name, content in held.items():
            file.writestr(name, content)


def _damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)


BYTES: dict[str, tuple[Callable[[Path], object], str]] = {
    "two files of a name": (_same_name, "two files of the same name"),
    "another compression": (_otherwise, "packed in a way that archives are not"),
    "damage": (_damaged, ""),
    "half of it": (lambda path: path.write_bytes(path.read_bytes()[:2_000]), "is damaged"),
    "nothing": (lambda path: path.write_bytes(b""), ""),
    "no zip": (lambda path: path.write_bytes(b"PK\3\4 and nothing else"), "is damaged"),
    "no file": (lambda path: path.unlink(), "cannot be read (no such file or directory)"),
}


@pytest.mark.parametrize("what", BYTES)
async def test_a_file_that_is_no_whole_archive_is_refused(what: str, path: Path) -> None:
    edit, told = BYTES[what]
    await asyncio.to_thread(edit, path)
    assert told in await refused(path)


async def test_a_small_file_that_unpacks_without_end_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def long(_body: Body, entries: Entries) -> None:
        entries[1]["text"] = "x" * (MOST_LINE // 2)

    await asyncio.to_thread(forged, path, IDS[0], long)
    monkeypatch.setattr(reading, "ALWAYS", 400_000)
    monkeypatch.setattr(reading, "MOST_RATIO", 20)
    assert "unpacks to more than 20 times its size" in await refused(path)


async def test_what_an_archive_says_of_owners_is_not_believed(path: Path) -> None:
    def claimed(body: Body, entries: Entries) -> None:
        body["session"]["owner"] = "somebody"
        for entry in entries:
            entry["author"] = "somebody else"

    await asyncio.to_thread(forged, path, IDS[0], claimed)
    process = Process.on(MemoryStore())
    await bring(process, path)
    for known in await process.store.scan():
        assert known.opening.owner == OWNER
        page = await process.store.page(known.opening.session_id, limit=100)
        assert {entry.author for entry in page} == {OWNER}
    await process.calls.close()
