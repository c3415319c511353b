"""Several server processes on one store behind a plain round robin: what many clients are told, and what is stored.

Clients write sessions and read each step back at once, each call landing on whichever process is next; then two at a
time race for the same step through two processes. It counts what is right and tells what is wrong; it times nothing.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fastmcp import Client

from sessions.opening import open_store
from tests.fleet.driving import Found
from tests.fleet.fleet import Fleet, databases, fleet
from tests.fleet.round_robin import RoundRobin, round_robin
from tests.wire.processes import Era

PER_SESSION = 7
"""Steps of one session: a draft and three rounds."""
RACES = 10
"""Races of one pair of clients in one session."""
SHOWN = 10
"""Different complaints that are told in full."""

AnyClient = Client[Any]


async def everyone(count: int, era: Era, url: str, drive: Callable[[AnyClient, int], Awaitable[None]]) -> None:
    """Let so many clients, each with connections of its own, do something at once."""

    async def connect(number: int) -> None:
        async with Client(url, mode=era, verify=False) as client:
            await drive(client, number)

    await asyncio.gather(*(connect(number) for number in range(count)))


async def write(found: Found, balancer: RoundRobin, era: Era, clients: int, steps: int) -> None:
    """Let every client drive sessions until so many steps are made in all, then read all of them once more."""
    own = -(-steps // clients)

    async def drive(client: AnyClient, number: int) -> None:
        for begun in range(0, own, PER_SESSION):
            await found.think(client, f"{era}-{number}-{begun}", min(PER_SESSION, own - begun))

    await everyone(clients, era, balancer.url, drive)
    async with Client(balancer.url, mode=era, verify=False) as reader:
        await found.shown(reader)


async def race(found: Found, running: Fleet, era: Era, pairs: int) -> None:
    """Let pairs of clients race, each pair in a session of its own and through two processes."""

    async def drive(number: int) -> None:
        chosen = [running.processes[(number + side) % len(running.processes)] for side in range(2)]
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(process.client(era)) for process in chosen]
            name = f"race-{era}-{number}"
            session_id = await found.think(clients[0], name, 1)
            for turn in range(RACES if session_id else 0):
                await found.race(clients, session_id, "revise" if turn % 2 else "critique", name)

    await asyncio.gather(*(drive(number) for number in range(pairs)))


async def measure(running: Fleet, era: Era, clients: int, steps: int) -> Found:
    """Drive the fleet, then compare its store with what was answered."""
    found = Found()
    async with round_robin(running.ports) as balancer:
        await write(found, balancer, era, clients, steps)
        print(f"requests by process: {', '.join(str(count) for count in balancer.landed.values())}")
    await race(found, running, era, max(1, clients // 2))
    store = open_store(running.store)
    await found.settled(store)
    await store.close()
    # A healthy store that a busy process gave up for a while: what it kept meanwhile no other process sees.
    found.counts["store called away"] = running.logs.count("the store is away")
    _, traceback, said = running.logs.partition("Traceback")
    found.check(not traceback, f"a process logged a traceback:{said[:4_000]}")
    found.check("locked" not in running.logs, "a process logged that a database is locked")
    return found


def tell(found: Found) -> bool:
    """Tell counts and complaints; gives whether all is right."""
    for name, count in sorted(found.counts.items()):
        print(f"{name:<28}{count:>10,}")
    print(f"{'wrong':<28}{len(found.wrong):>10,}")
    for complaint, times in Counter(found.wrong).most_common(SHOWN):
        print(f"  {times} times: {complaint}")
    return not found.wrong


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "postgres", "redis"), default="sqlite")
    parser.add_argument("--processes", type=int, default=4, help="server processes (4)")
    parser.add_argument("--clients", type=int, default=32, help="clients at once (32)")
    parser.add_argument("--steps", type=int, default=2_000, help="steps of all clients together (2000)")
    parser.add_argument("--legacy", action="store_true", help="clients of the protocol before 2026-07-28")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a fleet in a temporary folder; returns 1 if anything is wrong."""
    asked = parsed(arguments)
    era: Era = "legacy" if asked.legacy else "auto"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with databases(asked.store, folder) as url, fleet(folder, url("fleet"), asked.processes) as running:
            began = time.monotonic()
            print(f"{asked.processes} processes on {asked.store}, {asked.clients} clients, {era}")
            right = tell(asyncio.run(measure(running, era, asked.clients, asked.steps)))
            print(f"in {time.monotonic() - began:.0f} s")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
