"""Archives that anybody may have made: refused as a whole, in our words, and nothing of them is stored."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessions.archives import reading
from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import IDS, TEXT_LIMIT, bring, contents, forged, refused, signed
from tests.sessions.faults import OWNER, Process

pytest_plugins = ("tests.sessions.archive_fixtures",)

Body = dict[str, Any]
Entries = list[Body]


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
async def test_a_forged_session_is_refused(what: str, archive: Path) -> None:
    edit, told = FORGED[what]

    def edited(body: Body, entries: Entries) -> None:
        if what == "a workflow that is none":
            entries[2] |= {"kind": "workflow", "slot": 0, "index": 0, "meta": {}}
        edit(body, entries)
        if body["session"]["parent"] == "ITSELF":
            body["session"]["parent"] = IDS[0]

    await asyncio.to_thread(forged, archive, IDS[0], edited)
    assert told in await refused(archive)


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
    "a long line": lambda line: line.replace(b'"text": "', b'"text": "' + b"x" * 65 * TEXT_LIMIT, 1),
}


@pytest.mark.parametrize("what", LINES)
async def test_a_line_that_is_none_is_refused(what: str, archive: Path) -> None:
    held = await asyncio.to_thread(contents, archive)
    name = f"sessions/{IDS[0]}.json"
    lines = held[name].splitlines(keepends=True)
    lines[2] = LINES[what](lines[2])
    await asyncio.to_thread(signed, archive, held | {name: b"".join(lines)})
    told = await refused(archive)
    assert ("longer than 960,000 bytes" if what == "a long line" else "entry 2 of") in told


@pytest.mark.parametrize("where", ["text", "evidence"])
async def test_a_text_over_the_limit_is_refused_by_its_place(where: str, archive: Path) -> None:
    def long(_body: Body, entries: Entries) -> None:
        entry = next(entry for entry in entries if entry["kind"] == "critique")
        (entry if where == "text" else entry["meta"])[where] = "ü" * (TEXT_LIMIT // 2 + 1)

    await asyncio.to_thread(forged, archive, IDS[0], long)
    assert f"Entry 4 of sessions/{IDS[0]}.json has a text of more than {TEXT_LIMIT:,} bytes" in await refused(archive)


async def test_a_file_that_unpacks_to_too_much_is_given_up(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def long(_body: Body, entries: Entries) -> None:
        entries[1]["text"] = "x" * 500_000

    await asyncio.to_thread(forged, archive, IDS[0], long)
    monkeypatch.setattr(reading, "ALWAYS", 400_000)
    monkeypatch.setattr(reading, "MOST_RATIO", 20)
    assert "unpacks to more than 20 times its size" in await refused(archive)


async def test_what_an_archive_says_of_owners_is_not_believed(archive: Path) -> None:
    def claimed(body: Body, entries: Entries) -> None:
        body["session"]["owner"] = "somebody"
        for entry in entries:
            entry["author"] = "somebody else"

    await asyncio.to_thread(forged, archive, IDS[0], claimed)
    process = Process.on(MemoryStore())
    await bring(process, archive)
    for known in await process.store.scan():
        assert known.opening.owner == OWNER
        page = await process.store.page(known.opening.session_id, limit=100)
        assert {entry.author for entry in page} == {OWNER}
    await process.calls.close()
