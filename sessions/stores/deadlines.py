"""Deadlines on calls to a store: in time, or not at all. What becomes of the store then is ``guarded``'s to say."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from companions.errors import StoreAwayError, StoreError

log = logging.getLogger("companions.store")
WAIT = "Call again in a moment; what was answered is kept."
TURNS = 4
"""How often others are let run after a deadline: on a busy machine an answer may have come and not been looked at."""

T = TypeVar("T")


def away() -> StoreAwayError:
    """Word that a store is known to be away."""
    return StoreAwayError("The store is away.", WAIT)


class Patience:
    """How long one call is waited for."""

    def __init__(self, until: float) -> None:
        """Say until which moment of the event loop's clock."""
        self._over = False
        self._timeout = asyncio.timeout(None)
        self._timer = asyncio.get_running_loop().call_at(until, self._end, TURNS)

    def until(self, until: float) -> None:
        """Wait no longer than that moment."""
        if not self._over and until < self._timer.when():
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(until, self._end, TURNS)

    async def wait(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call, and cancel it when time is up; a store lets itself be cancelled at once, and stays usable.

        Raises:
            StoreAwayError: Time was up.
        """
        try:
            async with self._timeout:
                return await call()
        except TimeoutError:
            raise StoreAwayError("The store did not answer in time.", WAIT) from None
        finally:
            self._timer.cancel()
            self._over = True

    def _end(self, turns: int) -> None:
        """Cancel the call, unless its answer has come and nobody has had the time yet to look at it."""
        loop = asyncio.get_running_loop()
        if turns and not self._over:
            loop.call_soon(self._end, turns - 1)
        elif not self._over:
            self._timeout.reschedule(loop.time())


async def answers(call: Callable[[], Awaitable[object]]) -> bool:
    """Tell whether a store answers: any answer will do, also that there is no such session, or a refusal."""
    try:
        await call()
    except StoreAwayError:
        return False
    except StoreError as error:
        log.warning("the store answers, and refuses: %s", error.what)
    except Exception:
        log.exception("the store failed in a way that it does not know")
        return False
    return True
