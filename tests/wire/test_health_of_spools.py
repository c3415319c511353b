"""What ``/health`` tells of a spool that is of no use, as it is put together: what is sent is ``test_health``'s."""

from pathlib import Path

import pytest

from companions.errors import StoreError
from resources.health import Health
from sessions.spool.spool import Spool
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Process, until
from tests.sessions.writing import log_of


async def test_a_spool_that_cannot_be_written_is_told_before_it_is_needed_and_fails_a_server_once_it_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    process = Process.on(MemoryStore(), spool=Spool(tmp_path / "file" / "spool", "nowhere", limit=1_000))
    health = Health(process.calls.desk.sessions, "memory")
    health.looks.remembered_seconds = 0
    with log_of("companions.store"):
        begun = await process.step("draft", query="Kept?", text="Yes.")
        told = await health.told()
        assert (told["status"], told["store"]["state"]) == ("degraded", "ok")
        assert told["reason"].startswith("COMPANIONS_SPOOL cannot be written: ")
        process.store.away = True
        told = await health.told()
        assert (told["status"], told["store"]["state"]) == ("failing", "away")
        assert told["reason"] == "The store is away, and COMPANIONS_SPOOL takes no more."
        with pytest.raises(StoreError, match="cannot be written"):
            await process.step("critique", begun.session_id, text="No.")
        process.store.away = False
        (tmp_path / "file").unlink()
        await until(lambda: not process.calls.desk.sessions.store.away)
        told = await health.told()
        assert (told["status"], told["store"]["state"], "reason" in told) == ("ok", "ok", False)
        await process.calls.rest()
