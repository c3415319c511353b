"""Archives whose files are not what they say, or no archives at all: refused as a whole, in our words."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest

from tests.sessions.archived import IDS, contents, packed, refused

pytest_plugins = ("tests.sessions.archive_fixtures",)


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
async def test_an_archive_that_does_not_hold_what_it_says_is_refused(what: str, archive: Path) -> None:
    edit, told = PACKED[what]
    await asyncio.to_thread(packed, archive, edit(await asyncio.to_thread(contents, archive)))
    assert told in await refused(archive)


def _same_name(archive: Path) -> None:
    held = contents(archive)
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile(archive, "a", ZIP_DEFLATED) as file:
        file.writestr("manifest.json", held["manifest.json"])


def _otherwise(archive: Path) -> None:
    held = contents(archive)
    with ZipFile(archive, "w", ZIP_BZIP2) as file:
        for name, content in held.items():
            file.writestr(name, content)


def _damaged(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[200:400] = bytes(200)
    archive.write_bytes(content)


BYTES: dict[str, tuple[Callable[[Path], object], str]] = {
    "two files of a name": (_same_name, "two files of the same name"),
    "another compression": (_otherwise, "packed in a way that archives are not"),
    "damage": (_damaged, ""),
    "half of it": (lambda archive: archive.write_bytes(archive.read_bytes()[:2_000]), "is damaged"),
    "nothing": (lambda archive: archive.write_bytes(b""), ""),
    "no zip": (lambda archive: archive.write_bytes(b"PK\3\4 and nothing else"), "is damaged"),
    "no file": (lambda archive: archive.unlink(), "cannot be read (no such file or directory)"),
}


@pytest.mark.parametrize("what", BYTES)
async def test_a_file_that_is_no_whole_archive_is_refused(what: str, archive: Path) -> None:
    edit, told = BYTES[what]
    await asyncio.to_thread(edit, archive)
    assert told in await refused(archive)
