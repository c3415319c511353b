"""The end of a process: one deadline for all that has to be done, however many ask for it.

A signal, the server's lifespan and the transport all come by; what is done, and in which order, they say.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Ending:
    """Ends things in time.

    Attributes:
        seconds: From the first that ends until the last is given up.
    """

    seconds: float
    _until: float | None = None

    def put_off(self) -> None:
        """Begin anew: the next to end starts the clock."""
        self._until = None

    async def end(self, *steps: Callable[[], Awaitable[None]]) -> None:
        """Do the steps in order, and give up at the deadline."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self.seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                for step in steps:
                    await step()
