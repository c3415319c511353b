"""A program over stdio or HTTP that lives several lives on one store, each with a client of one protocol era.

Which life is killed, and why, is its caller's choice.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.wire.processes import Connection, Era, Kind, Program, Stdio, serving_http

FAREWELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """The lives of one program.

    Attributes:
        folder: Its home.
        eras: What the clients of its lives speak, in turn.
        settings: The store among them.
    """

    folder: Path
    kind: Kind
    eras: Sequence[Era]
    settings: Mapping[str, str]
    _numbers: "count[int]" = field(default_factory=count)

    @asynccontextmanager
    async def next(self) -> AsyncGenerator[tuple[Program, Connection]]:
        """Start a process and connect to it; both end with the block, however the process fared."""
        era = self.eras[next(self._numbers) % len(self.eras)]
        processes = ExitStack()
        try:
            program = await asyncio.to_thread(self._start, processes)
            async with AsyncExitStack() as connection:
                client = await connection.enter_async_context(program.client(era))
                yield program, client
                with suppress(Exception):  # a program that was killed takes no farewell
                    async with asyncio.timeout(FAREWELL_SECONDS):
                        await connection.aclose()
        finally:
            await asyncio.to_thread(processes.close)

    def complaints(self) -> list[str]:
        """Give what the processes wrote to standard error about faults that they did not foresee."""
        logs = sorted(self.folder.glob("*.log"))
        return [f"{log.name}: {log.read_text()[-2_000:]}" for log in logs if "Traceback" in log.read_text()]

    def _start(self, processes: ExitStack) -> Program:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.kind == "stdio":
            return Stdio(folder=self.folder, settings=self.settings)
        return processes.enter_context(serving_http(self.folder, self.settings))
