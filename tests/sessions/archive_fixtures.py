"""An archive to be forged, as a fixture.

A test module names it in ``pytest_plugins`` and never imports it.
"""

from pathlib import Path

import pytest

from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import IDS, export, thought
from tests.sessions.faults import Process


@pytest.fixture
async def archive(tmp_path: Path) -> Path:
    """An archive of three sessions."""
    process = Process.on(MemoryStore())
    IDS[:] = await thought(process)
    made = tmp_path / "all.zip"
    await export(process, made)
    await process.calls.close()
    return made
