"""Two desktop hosts, each with a server of its own over stdio, on one SQLite file."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from sessions.stores.sqlite.store import SQLiteStore
from tests.fleet.driving import Found, texts_of
from tests.wire.processes import Connection, Era, Stdio

PAIRS: tuple[tuple[Era, Era], ...] = (("auto", "legacy"),)
TURNS, SESSIONS = 8, 4


@asynccontextmanager
async def two_hosts(folder: Path, eras: tuple[Era, Era]) -> AsyncGenerator[list[Connection]]:
    """Connect two hosts, each to a process of its own; what those log must name no fault."""
    hosts: list[Stdio] = []
    for number in range(2):
        own = folder / f"host-{number}"
        own.mkdir()
        hosts.append(Stdio(folder=own, settings={"COMPANIONS_STORE": f"sqlite:///{folder / 'shared.db'}"}))
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(host.client(era)) for host, era in zip(hosts, eras, strict=True)]
    for host in hosts:
        log = await asyncio.to_thread((host.folder / "stdio.log").read_text)
        assert "Traceback" not in log
        assert "locked" not in log


async def settle(found: Found, folder: Path) -> None:
    store = SQLiteStore(folder / "shared.db")
    await found.settled(store)
    await store.close()
    assert found.wrong == []


@pytest.mark.parametrize("eras", PAIRS, ids="-".join)
async def test_two_hosts_take_turns_on_one_session_and_each_sees_what_the_other_wrote(
    tmp_path: Path, eras: tuple[Era, Era]
) -> None:
    found = Found()
    async with asyncio.timeout(60), two_hosts(tmp_path, eras) as hosts:
        session_id = await found.think(hosts[0], "turns", 1)
        for turn in range(1, TURNS):
            step = "critique" if turn % 2 else "revise"
            text = texts_of("turns", step, turn)
            # Hosts change after every second step, so that each finds a critique and a revision of the other's.
            await found.step(hosts[turn // 2 % 2], session_id, step, text)
            await found.reads(hosts[1 - turn // 2 % 2], session_id, step, text)
        for host in hosts:
            await found.shown(host)
    await settle(found, tmp_path)
    assert found.counts["steps"] == TURNS


@pytest.mark.parametrize("eras", PAIRS, ids="-".join)
async def test_two_hosts_race_on_one_session_and_on_several_and_nothing_is_lost_silently(
    tmp_path: Path, eras: tuple[Era, Era]
) -> None:
    found = Found()

    async def race(hosts: list[Connection], number: int) -> None:
        name = f"session-{number}"
        session_id = await found.think(hosts[number % 2], name, 1)
        for turn in range(TURNS):
            await found.race(hosts, session_id, "revise" if turn % 2 else "critique", name)

    async with asyncio.timeout(80), two_hosts(tmp_path, eras) as hosts:
        await race(hosts, 0)
        await asyncio.gather(*(race(hosts, number) for number in range(1, SESSIONS)))
        for host in hosts:
            await found.shown(host)
    await settle(found, tmp_path)
    assert found.counts["races"] == TURNS * SESSIONS
