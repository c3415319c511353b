"""Large files: gone through beside the event loop, and found without reading the session that they belong to."""

import asyncio
import binascii
import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from companions.entries import Entry
from sessions.sealing.cipher import Cipher
from sessions.store import Store
from sessions.stores.sqlite.store import SQLiteStore
from tests.beside_the_loop import Watch
from tests.files import notes, picture, report
from tests.sessions.faults import FaultyStore, Process
from tests.sessions.filed import drafted, found
from tests.sessions.sealed_stores import sealed


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True, execution_mode="server")
    yield made
    await made.calls.close()


async def test_a_file_is_found_by_its_own_entry_whatever_else_the_session_holds(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await drafted(process, notes(), text="Words.")
    for number in range(3):
        await process.step("draft", session_id, query=f"And {number}?", text="Words.", attachments=(report(),))
    await process.step("draft", session_id, query="And this?", text="Words.", attachments=(picture(),))
    await process.calls.rest()
    kept, read = await process.store.attachments.kept(session_id), list[Mapping[str, Any]]()
    assert await found(process, session_id, notes()) == notes()
    page = FaultyStore.page

    async def noted(store: FaultyStore, session_id: str, **chosen: Any) -> list[Entry]:
        read.append(chosen)
        return await page(store, session_id, **chosen)

    monkeypatch.setattr(FaultyStore, "page", noted)
    for file, seq in zip((notes(), report(), picture()), sorted(kept.values()), strict=True):
        read.clear()
        assert await found(process, session_id, file) == file
        assert [(chosen["after"], chosen["limit"]) for chosen in read] == [(seq - 1, 1)]


async def test_large_files_are_hashed_and_encoded_beside_the_event_loop(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await asyncio.to_thread(notes, "nothing happened\n" * 80_000)
    watch = Watch(monkeypatch)
    for owner, name in ((hashlib, "sha256"), (binascii, "b2a_base64"), (binascii, "a2b_base64")):
        watch.over(owner, name)
    session_id = await drafted(process, log)
    await process.step("critique", session_id)
    assert await found(process, session_id, log) == log
    assert "sha256" in watch.seen
    assert watch.blocked == set()


async def test_large_files_are_sealed_and_opened_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = await asyncio.to_thread(notes, "nothing happened\n" * 80_000)
    store = sealed(SQLiteStore(tmp_path / "store.db"))
    process, watch = Process.on(store, keeps=True), Watch(monkeypatch)
    for owner, name in ((Cipher, "seal"), (Cipher, "open"), (hashlib, "sha256")):
        watch.over(owner, name)
    session_id = await drafted(process, log, text="Words.")
    assert await found(process, session_id, log) == log
    assert (watch.seen, watch.blocked) == ({"seal", "open", "sha256"}, set())
    await process.calls.close()
    await store.close()
