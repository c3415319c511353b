"""Archives for tests: made of sessions that steps wrote, and forged where a test says so."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from companions.entries import Entry
from companions.errors import InputError
from sessions.archives import files, writing
from sessions.archives.importing import Imported
from sessions.archives.writing import Exported
from sessions.forking import fork
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process

TEXT_LIMIT = 15_000
IDS: list[str] = []
"""Of the archive at hand: a session, its fork, and a fork of that."""
TEXT = "Ünï漢字🧠 {braces} \0 \\ \" ' \u2028 end"

Edit = Callable[[dict[str, Any], list[dict[str, Any]]], None]
"""Changes a session's head and its entries."""


def unheard(_done: int, _total: int) -> None:
    """Hear how far it is, and tell nobody."""


async def looped(process: Process, query: str, iterations: int = 2) -> str:
    drafted = await process.step("draft", query=query, text=f"Draft. {TEXT}")
    for number in range(iterations):
        await process.step("critique", drafted.session_id, text=f"Critique {number}.", evidence=TEXT)
        await process.step("revise", drafted.session_id, text=f"Revision {number}, with {number + 2} words of its own.")
    return drafted.session_id


async def thought(process: Process) -> list[str]:
    """Think: a session with redone steps and two companions, a fork of it in the middle, and a fork of that one."""
    sessions = process.calls.desk.sessions
    first = await looped(process, f"Where? {TEXT}")
    await process.step("revise", first, text="Written again, in other words.", redo=True)
    await process.step("draft", first, query="When?", text="Now.")
    await process.step("draft", first, query="When?", text="Now, or never.", redo=True)
    await process.step("draft", first, "strategy", query="Why?", text="Since.")
    second = (await fork(sessions, OWNER, first, 7)).session_id
    await process.step("draft", second, query="How?", text="So.")
    third = (await fork(sessions, OWNER, second, 5)).session_id
    await process.step("critique", third, "generic", text="Of the third.")
    await sessions.projector.flush()
    return [first, second, third]


async def export(process: Process, path: Path, owner: str = OWNER) -> Exported:
    return await writing.export(process.calls.desk.sessions, owner, path, unheard)


async def bring(process: Process, path: Path, owner: str = OWNER) -> Imported:
    brought = await files.bring(process.calls.desk.sessions, owner, path, text_limit=TEXT_LIMIT, report=unheard)
    assert isinstance(brought, Imported)
    return brought


async def read(store: Store, session_id: str) -> list[Entry]:
    """Read a session, whoever is said to have written it."""
    return [replace(entry, author="") for entry in await store.page(session_id, limit=10_000)]


def contents(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(path: Path, held: Mapping[str, bytes]) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for name, content in held.items():
            file.writestr(name, content)
    return path


def forged(path: Path, session_id: str, edit: Edit) -> Path:
    """Change a session in an archive, with all digests and counts as they have to be."""
    held = contents(path)
    name = f"sessions/{session_id}.json"
    body = json.loads(held[name])
    edit(body, body["entries"])
    entries = ",\n".join(json.dumps(entry) for entry in body.pop("entries"))
    held[name] = f'{json.dumps(body, ensure_ascii=False)[:-1]}, "entries": [\n{entries}\n]}}\n'.encode()
    return signed(path, held)


def signed(path: Path, held: dict[str, bytes]) -> Path:
    """Write an archive whose manifest says what it holds."""
    manifest = json.loads(held["manifest.json"])
    for told in manifest["sessions"]:
        content = held[f"sessions/{told['session_id']}.json"]
        told |= {"sha256": hashlib.sha256(content).hexdigest(), "entries": content.count(b"\n") - 2}
    manifest["counts"]["entries"] = sum(told["entries"] for told in manifest["sessions"])
    return packed(path, held | {"manifest.json": json.dumps(manifest).encode()})


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
