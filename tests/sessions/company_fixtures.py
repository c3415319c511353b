"""One process on a store in memory, and the people who call it."""

from collections.abc import AsyncIterator

import pytest

from sessions.stores.memory.store import MemoryStore
from tests.sessions.company import ANN, BOB, EVE, Person
from tests.sessions.faults import Process


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore(), keeps=True)
    yield made
    await made.calls.rest()


@pytest.fixture
def ann(process: Process) -> Person:
    return Person(ANN, process)


@pytest.fixture
def bob(process: Process) -> Person:
    return Person(BOB, process)


@pytest.fixture
def eve(process: Process) -> Person:
    return Person(EVE, process)
