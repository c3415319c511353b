"""What is kept although the store has not seen it for long: sessions whose newest steps wait on the server's disk."""

import asyncio
import logging
from functools import partial
from pathlib import Path

import pytest

from sessions import sessions as sessions_module
from sessions.pruning import keep_pruned
from sessions.retention import DAY, Retention
from sessions.store import Store
from tests.sessions.building import Story, note
from tests.sessions.faults import until
from tests.sessions.keeping_apart import started
from tests.sessions.writing import log_of


async def test_a_session_of_which_entries_wait_in_the_spool_is_not_deleted_by_its_own_process(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="companions.retention")
    process = started(store, tmp_path)
    sessions = process.calls.desk.sessions
    story = Story(store, "s1")
    for old in (story, Story(store, "s2")):
        await old.write(note("query"))
    assert sessions.spool is not None
    # What brings it home is not started yet.
    await sessions.spool.put([story.append(note("draft"))])
    sessions.retention = Retention(delete=DAY)
    monkeypatch.setattr(sessions_module, "keep_pruned", partial(keep_pruned, every_seconds=0.0, first_seconds=0.0))
    pruning = asyncio.create_task(sessions.keep_pruned())
    try:
        with log_of("companions.retention") as said:
            await until(lambda: bool(said))
    finally:
        pruning.cancel()
        await asyncio.wait({pruning})
    assert said == ["deleted 1 of 2 sessions that were unused for too long"]
    assert [head.opening.session_id for head in await store.scan()] == ["s1"]
    await process.calls.rest()
