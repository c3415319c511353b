"""Deadlines on calls to a store: in time, or not at all. What becomes of the store then is ``guarded``'s to say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from companions.errors import StoreAwayError

WAIT = "Call again in a moment; what was answered is kept."
TURNS = 4
"""How often others are let run after a deadline: on a busy machine an answer may have come and not been looked at."""

T = TypeVar("T")


async def in_time(call: Callable[[], Awaitable[T]], until: float) -> T:
    """Make a call, and cancel it when time is up; a store lets itself be cancelled at once, and stays usable.

    Args:
        call: Makes it.
        until: The event loop's moment at which it is given up.

    Raises:
        StoreAwayError: It was given up.
    """
    patience = _Patience(asyncio.timeout(None))
    timer = asyncio.get_running_loop().call_at(until, patience.end, TURNS)
    try:
        async with patience.timeout:
            return await call()
    except TimeoutError:
        raise StoreAwayError("The store did not answer in time.", WAIT) from None
    finally:
        timer.cancel()
        patience.over = True


@dataclass(slots=True)
class _Patience:
    """How long a call is waited for.

    Attributes:
        timeout: Cancels the call.
        over: Whether the call has ended.
    """

    timeout: asyncio.Timeout
    over: bool = False

    def end(self, turns: int) -> None:
        """Cancel the call, unless its answer has come and nobody has had the time yet to look at it."""
        loop = asyncio.get_running_loop()
        if turns and not self.over:
            loop.call_soon(self.end, turns - 1)
        elif not self.over:
            self.timeout.reschedule(loop.time())
