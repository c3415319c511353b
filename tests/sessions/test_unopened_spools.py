"""Entries on this machine's disk whose key was lost: they hold up nobody else, and are erased with their owner's."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from companions.errors import SessionNotFoundError
from sessions import erasing
from sessions.spool.spool import Spool
from sessions.store import Append, Opening
from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import contents, export
from tests.sessions.building import Story, note
from tests.sessions.faults import OWNER, Process
from tests.sessions.sealed_stores import MARK, NEW_RING, OLD_RING
from tests.sessions.sealed_stores import files_of as bytes_in
from tests.sessions.spooling import ROOM, STORE, append


def opened(session_id: str, owner: str) -> Append:
    opening = Opening(session_id=session_id, owner=owner, created_at=1.25)
    return replace(append(session_id, 1, 2, text=MARK), opening=opening)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    """A process that has adopted rows of Ann's, of Bob's and of nobody known, none of which opens."""
    lost = Spool(tmp_path, STORE, limit=ROOM, keyring=OLD_RING)
    await lost.put([opened("anns-new", OWNER), opened("bobs-new", "bob"), append("nobodys", 7)])
    await lost.put([append("anns-old", 2), append("bobs-old", 2)])
    await lost.close()
    made = Process.on(MemoryStore(), spool=Spool(tmp_path, STORE, limit=ROOM, keyring=NEW_RING))
    made.calls.desk.sessions.store.seconds = 0.2  # nothing that cannot come home is waited for
    for name, owner in (("anns-old", OWNER), ("bobs-old", "bob")):
        await Story(made.store, name, owner=owner).write(note(text=name))
    yield made
    await made.calls.close()


def spooled(process: Process) -> set[str]:
    spool = process.calls.desk.sessions.spool
    return set() if spool is None else {*spool.waiting}


async def test_an_erasure_takes_what_is_its_owner_s_and_says_what_nothing_tells_the_owner_of(
    process: Process, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # each row that does not open is said in the log
    sessions = process.calls.desk.sessions
    told = await erasing.would_erase(sessions, OWNER)
    assert (told.sessions, told.entries, told.spooled, told.nobodys) == (2, 1, 3, ("nobodys",))
    erased = await erasing.erase(sessions, OWNER)
    assert (erased.sessions, erased.entries, erased.spooled, erased.nobodys) == (2, 1, 3, ("nobodys",))
    assert spooled(process) == {"bobs-new", "bobs-old", "nobodys"}
    assert await process.store.head("bobs-old") is not None
    await erasing.erase(sessions, "bob")
    assert spooled(process) == {"nobodys"}
    assert b"bobs" not in bytes_in(tmp_path)


async def test_one_session_is_forgotten_with_what_does_not_open_and_others_are_not_told_of_it(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    sessions = process.calls.desk.sessions
    await sessions.writer.read_in()
    for foreign in ("bobs-new", "bobs-old"):
        with pytest.raises(SessionNotFoundError):
            await erasing.forget(sessions, OWNER, foreign)
    for own in ("anns-new", "anns-old"):
        await erasing.forget(sessions, OWNER, own)
        assert own not in spooled(process)
    assert await process.store.head("anns-old") is None
    assert spooled(process) == {"bobs-new", "bobs-old", "nobodys"}


async def test_an_export_holds_what_opens_and_names_what_does_not_of_its_owner_s(
    process: Process, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    made = await export(process, tmp_path / "all.zip")
    assert (made.sessions, made.lacking) == (1, ("anns-new", "anns-old", "nobodys"))
    assert "sessions/anns-old.json" in contents(tmp_path / "all.zip")
    assert (await export(process, tmp_path / "carls.zip", "carl")).lacking == ("nobodys",)
