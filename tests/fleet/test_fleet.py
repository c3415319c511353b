"""Several processes on one store behind a plain round robin: any process answers any call, and nothing is lost.

The large one, with counts, is ``python -m benchmarks.fleet``.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from sessions.opening import open_store
from tests.fleet.driving import Found
from tests.fleet.fleet import Fleet, fleet
from tests.fleet.round_robin import round_robin
from tests.wire.processes import ERAS, Era

CLIENTS, STEPS, RACES = 6, 4, 6
SESSIONS = 24


@pytest.fixture(scope="module", params=["sqlite", "postgres", "redis"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    store = f"sqlite:///{folder / 'shared.db'}"
    if request.param != "sqlite":
        server: Any = request.getfixturevalue(f"{request.param}_server")
        store = server.url("fleet")
    with fleet(folder, store, 2) as running:
        yield running


async def settle(found: Found, running: Fleet) -> None:
    """Compare the store with what was answered, and look into what the processes logged."""
    store = open_store(running.store)
    await found.settled(store)
    await store.close()
    assert found.wrong == []
    assert "Traceback" not in running.logs
    assert "locked" not in running.logs


@pytest.mark.parametrize("era", ERAS)
async def test_each_client_reads_its_own_writes_whichever_process_answers(running: Fleet, era: Era) -> None:
    found = Found()

    async def drive(url: str, number: int) -> None:
        async with Client(url, mode=era, verify=False) as client:
            await found.think(client, f"{era}-{number}", STEPS)

    async with round_robin(running.ports) as balancer, asyncio.timeout(60):
        await asyncio.gather(*(drive(balancer.url, number) for number in range(CLIENTS)))
        async with Client(balancer.url, mode=era, verify=False) as client:
            await found.shown(client)
    await settle(found, running)
    assert found.counts["steps"] == CLIENTS * STEPS
    assert min(balancer.landed.values()) > CLIENTS * STEPS / 2


@pytest.mark.parametrize("era", ERAS[:1])
async def test_of_two_clients_that_race_one_wins_and_the_other_is_told(running: Fleet, era: Era) -> None:
    found = Found()

    async def drive(number: int) -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(process.client(era)) for process in running.processes]
            name = f"race-{era}-{number}"
            session_id = await found.think(clients[0], name, 1)
            for turn in range(RACES):
                await found.race(clients, session_id, "revise" if turn % 2 else "critique", name)

    async with asyncio.timeout(60):
        await asyncio.gather(*(drive(number) for number in range(CLIENTS // 2)))
    await settle(found, running)
    assert found.counts["races"] == RACES * (CLIENTS // 2)


def test_many_sessions_at_once_wait_for_no_lock(tmp_path: Path) -> None:
    found = Found()

    async def drive(running: Fleet) -> None:
        async with (
            round_robin(running.ports) as balancer,
            Client(balancer.url, verify=False) as client,
            asyncio.timeout(80),
        ):
            await asyncio.gather(*(found.think(client, f"at-once-{number}", 3) for number in range(SESSIONS)))

    with fleet(tmp_path, f"sqlite:///{tmp_path / 'shared.db'}", 2) as running:
        asyncio.run(drive(running))
        asyncio.run(settle(found, running))
    assert found.counts["sessions"] == SESSIONS
