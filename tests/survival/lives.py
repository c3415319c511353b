"""One server over HTTP that lives several lives on the same store: started, killed, started again.

It says which life is the present one and when that is over; who speaks to it, and why it is killed, is not known here.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fastmcp import Client

from tests.wire.processes import Connection, Era, Served, serving_http


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Life:
    """One process.

    Attributes:
        over: Set before the process is ended, so that whoever it breaks off knows why.
    """

    served: Served
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def client(self, era: Era = "auto") -> Connection:
        # Without certificates, which take longer to load than a connection to make.
        return Client(self.served.url, mode=era, verify=False)


@dataclass(slots=True, kw_only=True)
class Lives:
    """The lives of a server, one after another; the last one ends with the block."""

    folder: Path
    settings: Mapping[str, str]
    count: int = 0
    _present: Life | None = None
    _begun: asyncio.Event = field(default_factory=asyncio.Event)
    _processes: ExitStack = field(default_factory=ExitStack)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            error.add_note("\n".join(self.complaints()))
        if self._present is not None:
            self._close()
        await asyncio.to_thread(self._processes.close)

    async def begin(self) -> None:
        """Start a process; returns when it takes connections."""
        served = await asyncio.to_thread(self._start)
        self.count += 1
        self._present = Life(served=served)
        self._begun.set()

    async def present(self) -> Life:
        """Give the present life, waiting for the next one if there is none."""
        while self._present is None:
            await self._begun.wait()
        return self._present

    async def kill(self) -> None:
        """End the process by SIGKILL; returns when it is gone."""
        life = self._close()
        await asyncio.to_thread(life.served.kill)

    async def end(self) -> None:
        """End the process in good order."""
        self._close()
        await asyncio.to_thread(self._processes.close)

    def complaints(self) -> list[str]:
        """Give what the processes wrote to standard error about faults that they did not foresee."""
        logs = sorted(self.folder.glob("http-*.log"))
        return [f"{log.name}: {log.read_text()[-2_000:]}" for log in logs if "Traceback" in log.read_text()]

    def _start(self) -> Served:
        return self._processes.enter_context(serving_http(self.folder, self.settings))

    def _close(self) -> Life:
        life, self._present = self._present, None
        assert life is not None, "no server lives"
        self._begun.clear()
        life.over.set()
        return life
