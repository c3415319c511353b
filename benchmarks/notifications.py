"""How long it takes until another process's watcher hears of a step, over HTTP, against the least that it can take.

Two server processes share a store; each step goes to one of them, and a client that listens at the other waits for it.
The floor is what the step itself takes to be answered, and a bare message of the store's server from one connection to
another. All three are taken in turn.
"""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Self

from fastmcp import Client

from benchmarks.figures import row, table, verdict
from benchmarks.persistence.places import databases
from sessions.opening import open_channel
from tests.wire.processes import ERAS, Connection, Era, serving_http
from tests.wire.watching import watching

STORES = ("postgres", "redis")
BAR_SECONDS = 1.0
BAR = 4.0
STEP, HEARD, BARE = "a step, answered", "a step, heard elsewhere", "a bare message of the store's server"


class Bare:
    """Two connections to a store's server, one of which listens."""

    def __init__(self, url: str) -> None:
        """Name the server."""
        self._channel: Any = open_channel(url)
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._task = asyncio.create_task(self._channel.listen(self._heard.put_nowait, self._ready.set))
        await self._ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._channel.close()

    async def send(self, number: int) -> None:
        """Send a message, which no process takes for news, and wait for it among theirs."""
        await self._channel.send(f'["bare {number}",[]]')
        while await self._heard.get() != f'["bare {number}",[]]':
            pass


async def measure(here: str, there: str, url: str, era: Era, rounds: int) -> dict[str, list[float]]:
    """Make steps at one process, and wait at the other; gives the seconds of each kind."""
    seconds: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        client: Connection = await stack.enter_async_context(Client(here, verify=False))
        bare = await stack.enter_async_context(Bare(url))
        opened = await client.call_tool("draft", {"query": "When?", "text": "On Friday."})
        session_id = opened.structured_content["session_id"]
        uri = f"resource://sessions/{session_id}/generic/phase"
        watched = await stack.enter_async_context(watching(there, era, [uri], verify=False))
        for number in range(rounds + 1):
            tool = "revise" if number % 2 else "critique"
            began = time.perf_counter()
            heard = asyncio.create_task(watched.until(uri))
            await client.call_tool(tool, {"session_id": session_id, "text": f"Text {number} of some words."})
            answered = time.perf_counter() - began
            await heard
            taken = {STEP: answered, HEARD: time.perf_counter() - began}
            began = time.perf_counter()
            await bare.send(number)
            taken[BARE] = time.perf_counter() - began
            if number:  # the first round is not counted
                for name, value in taken.items():
                    seconds[name].append(value)
    return seconds


def tell(name: str, era: Era, seconds: dict[str, list[float]]) -> None:
    """Print what was measured, and whether it is enough."""
    print(f"\n{name}, {'2026-07-28' if era == 'auto' else 'the protocol before'}")
    table("ms")
    middle = {what: row(what, samples) for what, samples in seconds.items()}
    verdict("heard elsewhere, at most", max(seconds[HEARD]), BAR_SECONDS, " s")
    verdict("heard elsewhere against an answer and a bare message", middle[HEARD] / (middle[STEP] + middle[BARE]), BAR)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=STORES, action="append", help="which; both by default")
    parser.add_argument("--rounds", type=int, default=100)
    chosen = parser.parse_args()
    for name in chosen.store or STORES:
        with databases(name, None) as place, ExitStack() as stack:
            url = place("notifications")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            settings = {"COMPANIONS_STORE": url, "COMPANIONS_MODEL": "host"}
            here, there = (stack.enter_context(serving_http(folder, settings)).url for _ in range(2))
            for era in ERAS:
                tell(name, era, asyncio.run(measure(here, there, url, era, chosen.rounds)))


if __name__ == "__main__":
    main()
