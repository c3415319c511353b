"""The Responses API of one server: whether it keeps what it wrote, and the deletion of what it keeps of ours.

It says neither what is asked nor what of a session is to be deleted; the one is ``native_models``'s work, the other is
known to whoever holds the session.
"""

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from companions.openai_line import OpenAILine

log = logging.getLogger("companions.native_sessions")

AT_ONCE = 8
"""Deletions that are under way at a time."""
DELETE_SECONDS = 10.0
"""How long one may take."""
LATER_SECONDS = 300.0
"""How long those in the background may take, all that were asked for at one time."""
CLOSE_SECONDS = 0.3
"""How long a program that ends waits for those in the background."""
UNRECORDED_SECONDS = 600.0
"""After how long a response is deleted that no stored entry names."""
MOST_UNRECORDED = 1_000
GONE = 404


class Deleting(Protocol):
    """Deletes at a provider what it keeps of a session."""

    async def delete(self, responses: Sequence[str], seconds: float) -> tuple[str, ...]:
        """Delete responses within a bound, and give those that could not be; it raises nothing."""
        ...

    def delete_later(self, responses: Iterable[str]) -> None:
        """Delete responses in the background; what cannot be is told in the log."""
        ...

    def recorded(self, response: str) -> None:
        """Take note that an entry which names a response is in the store."""
        ...


class ResponsesAPI:
    """The Responses API behind a line.

    Attributes:
        usable: Whether it is worth asking: the server has it, and keeps what it wrote.
    """

    def __init__(self, line: OpenAILine) -> None:
        self.line = line
        self.usable = True
        self._unrecorded: dict[str, float] = {}
        self._later: set[asyncio.Task[None]] = set()

    def give_up(self) -> None:
        """Ask it no more, and say so in the log, once."""
        if self.usable:
            self.usable = False
            log.warning(
                "the provider's server has no Responses API that keeps what it wrote: drafts are asked through chat "
                "completions, with their whole history"
            )

    def made(self, response: str) -> None:
        """Take note of a response whose entry is yet to be stored; those that never were are deleted."""
        now = time.monotonic()
        late = [known for known, since in self._unrecorded.items() if now - since > UNRECORDED_SECONDS]
        late += list(self._unrecorded)[: max(0, len(self._unrecorded) - MOST_UNRECORDED - len(late))]
        for known in late:
            self._unrecorded.pop(known, None)
        self._unrecorded[response] = now
        self.delete_later(late)

    def recorded(self, response: str) -> None:
        """Take note that an entry which names a response is in the store."""
        self._unrecorded.pop(response, None)

    def delete_later(self, responses: Iterable[str]) -> None:
        """Delete responses in the background; what cannot be is told in the log."""
        if not (wanted := tuple(responses)):
            return
        # In a context of its own: the clock of the call that it is asked in is not its clock.
        task = asyncio.create_task(
            self._delete_and_tell(wanted), name="companions-responses", context=contextvars.Context()
        )
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def delete(self, responses: Sequence[str], seconds: float) -> tuple[str, ...]:
        """Delete responses within a bound, and give those that could not be; it raises nothing.

        One that the provider does not know, or no more, is deleted.
        """
        left = dict.fromkeys(responses)
        turns = asyncio.Semaphore(AT_ONCE)

        async def delete_one(response: str) -> None:
            async with turns:
                if await self._delete(response):
                    left.pop(response, None)

        tasks = [asyncio.create_task(delete_one(response)) for response in left]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return tuple(left)

    async def settled(self) -> None:
        """Wait until nothing is being deleted in the background."""
        while self._later:
            await asyncio.wait(self._later)

    async def aclose(self) -> None:
        """Let what goes on in the background end, for a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.settled()
        tasks = set(self._later)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _delete_and_tell(self, responses: Sequence[str]) -> None:
        left: Sequence[str] = responses
        try:
            left = await self.delete(responses, LATER_SECONDS)
        finally:
            if left:
                log.warning("the provider may still keep %d responses: %s", len(left), ", ".join(left))

    async def _delete(self, response: str) -> bool:
        try:
            client = await self.line.client()
            await client.responses.delete(response, timeout=DELETE_SECONDS)
        except Exception as error:  # noqa: BLE001 (whatever the SDK fails with, it is the caller's to tell)
            return getattr(error, "status_code", None) == GONE
        self._unrecorded.pop(response, None)
        return True
