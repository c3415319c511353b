"""A plain load balancer: every request goes to the next process, whoever sent it and whatever it is about.

It reads nothing but the end of a request's head, retries nothing and knows no sessions.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"
END_OF_HEAD = b"\r\n\r\n"
CHUNK = 65_536


@dataclass(slots=True)
class RoundRobin:
    """The balancer.

    Attributes:
        port: Its own.
        landed: By port, how many requests a process was given.
    """

    ports: Sequence[int]
    port: int = 0
    landed: Counter[int] = field(default_factory=Counter[int])
    _next: "itertools.cycle[int]" = field(init=False)
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    def __post_init__(self) -> None:
        self._next = itertools.cycle(self.ports)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/mcp"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer), name="round-robin")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Break what is still open, such as streams that a client never closed."""
        for task in self._under_way:
            task.cancel()
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(END_OF_HEAD)
                port = next(self._next)
                self.landed[port] += 1
                from_server, to_server = await asyncio.open_connection(HOST, port)
                writers.append(to_server)
                # Neither side may keep the connection for another request: that one is the next process's.
                to_server.write(head.removesuffix(END_OF_HEAD) + b"\r\nConnection: close" + END_OF_HEAD)
                await _both_ways(_pipe(reader, to_server), _pipe(from_server, writer))
        finally:
            for each in writers:
                each.close()
            for each in writers:
                with suppress(OSError):
                    await each.wait_closed()


async def _both_ways(*pipes: Coroutine[Any, Any, None]) -> None:
    """Pass bytes on until either side is done."""
    tasks = [asyncio.ensure_future(pipe) for pipe in pipes]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(CHUNK):
        writer.write(piece)
        await writer.drain()


@asynccontextmanager
async def round_robin(ports: Sequence[int]) -> AsyncGenerator[RoundRobin]:
    """Balance over processes until the block ends."""
    balancer = RoundRobin(ports)
    server = await asyncio.start_server(balancer.accept, HOST, 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        await balancer.close()
        await server.wait_closed()
