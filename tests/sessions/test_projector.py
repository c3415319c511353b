"""What listings show, refreshed in the background: how often, what comes of failures, and that nothing lingers."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from companions.errors import StoreError
from sessions.projector import PROJECTION_SECONDS, Projector
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, projection
from tests.sessions.faults import Fault, FaultyStore, until
from tests.sessions.writing import log_of, shown, timers

AWAY = StoreError("The store is away.", "Wait.")


@pytest.fixture
async def faulty(store: Store) -> FaultyStore:
    await Story(store, "s1").write()
    return FaultyStore(store)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    with log_of("companions.projector") as said:
        yield said


@pytest.fixture
async def projector(faulty: FaultyStore) -> AsyncIterator[Projector]:
    made = Projector(faulty)
    yield made
    for gate in faulty.gates.values():
        gate.open()
    await made.rest()


@pytest.mark.parametrize("error", [AWAY, ZeroDivisionError("a bug")], ids=["store", "bug"])
async def test_projections_that_failed_are_stored_a_second_later(error: Exception) -> None:
    faulty = FaultyStore(MemoryStore())
    projector = Projector(faulty)
    faulty.breaks("project", Fault(error))
    await Story(faulty.store).write()
    projector.project(projection("s1", title="T"))
    await until(lambda: len(faulty.projected) == 1)
    await until(lambda: len(faulty.projected) == 2)
    await until(lambda: not faulty.faults["project"])
    assert faulty.projected[1][0] - faulty.projected[0][0] >= 0.99 * PROJECTION_SECONDS
    assert (await shown(faulty, "s1")) == "T"
    await projector.rest()


async def test_a_failed_projection_does_not_replace_the_newer_one_that_came_meanwhile(
    projector: Projector, faulty: FaultyStore
) -> None:
    gate = faulty.holds("project")
    faulty.breaks("project", Fault(AWAY))
    projector.project(projection("s1", title="older"))
    await gate.reached.wait()
    projector.project(projection("s1", title="newer"))
    gate.open()
    await projector.flush()
    assert await shown(faulty, "s1") == "newer"


async def test_projections_are_stored_at_most_once_a_second_and_the_last_one_is_not_forgotten(
    projector: Projector, faulty: FaultyStore
) -> None:
    number = 0
    started = time.monotonic()
    while time.monotonic() < started + 0.3 * PROJECTION_SECONDS:
        number += 1
        projector.project(projection("s1", title=f"{number}"))
        await asyncio.sleep(0)
    assert number > 10
    await until(lambda: faulty.projected[-1][1][-1].title == f"{number}")
    moments = [moment for moment, _ in faulty.projected]
    assert len(moments) == 2
    assert moments[1] - moments[0] >= 0.99 * PROJECTION_SECONDS
    assert time.monotonic() < started + 3 * PROJECTION_SECONDS


async def test_a_busy_second_leaves_one_timer_behind_and_a_stop_none(projector: Projector, faulty: FaultyStore) -> None:
    projector.project(projection("s1"))
    await until(lambda: bool(faulty.projected))
    await projector.flush()
    for _ in range(100):
        projector.project(projection("s1"))
    assert timers(projector) == 1
    await projector.rest()
    assert timers(projector) == 0
