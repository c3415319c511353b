"""Processes with a companion named own, as a fixture: named in ``pytest_plugins``, never imported."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from companions.companion_types import Library
from companions.configuration import Defaults
from sessions.calls import Calls
from sessions.choosing_models import Models
from sessions.sessions import Sessions
from sessions.steps import Desk
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import FaultyStore, Process, ScriptedModel
from tests.sessions.own_companions import SECTIONS, Open


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Open processes on one store, whose companion named own has the settings given."""
    made, store = list[Process](), MemoryStore()

    def library(settings: str) -> Library:
        (tmp_path / "own.md").write_text(f"---\nname: own\ndescription: Mine.\n{settings}---\n{SECTIONS}")
        return Library.load(tmp_path)

    async def open_one(settings: str, models: Models, **defaults: Any) -> Process:
        faulty = FaultyStore(store, keeps=True)
        chosen: dict[str, Any] = {"execution_mode": "server"} | defaults
        sessions = Sessions(faulty, await asyncio.to_thread(library, settings), Defaults(**chosen))
        made.append(Process(faulty, ScriptedModel(), Calls(desk=Desk(sessions=sessions, models=models))))
        return made[-1]

    yield open_one
    for process in made:
        await process.calls.close()
