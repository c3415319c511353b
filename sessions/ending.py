"""The end of a process: one moment by which all is done, however many ask for it and whatever hangs.

A signal, the server's lifespan and the transport all come by; what is done, and in which order, they say.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class End:
    """By when all has to be done, on the event loop's clock."""

    at: float = math.inf

    def share(self, most: float) -> float:
        """Give the seconds that one thing may take: at most half of what is left, so that what follows has the rest."""
        return max(0.0, min(most, (self.at - asyncio.get_running_loop().time()) / 2))


UNHURRIED = End()
"""Of what ends while its process goes on."""

Step = Callable[[End], Awaitable[None]]


@dataclass(slots=True)
class Ending:
    """Ends things in time.

    Attributes:
        seconds: From the moment that the process was told to end until the last is given up.
    """

    seconds: float
    _end: End | None = None

    def put_off(self) -> None:
        """Begin anew: the next to end starts the clock."""
        self._end = None

    async def end(self, *steps: Step, since: float | None = None) -> None:
        """Do the steps in order, each told the end, and give up what is not done by then.

        Args:
            steps: What is to be done.
            since: When the process was told to end, on the event loop's clock; now, if the clock has not started.
        """
        if self._end is None:
            begun = asyncio.get_running_loop().time() if since is None else since
            self._end = End(begun + self.seconds)
        end = self._end
        for step in steps:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(end.at):
                    await step(end)
