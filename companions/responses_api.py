"""The Responses API of one server: whether it keeps what it wrote, and the deletion of what it keeps of ours.

It says neither what is asked nor what of a session is to be deleted; the one is ``native_models``'s work, the other is
known to whoever holds the session.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from companions.native_sessions import KeptResponse
from companions.openai_line import OpenAILine

log = logging.getLogger("companions.native_sessions")

AT_ONCE = 8
"""Deletions that are under way at a time."""
DELETE_SECONDS = 10.0
"""How long one may take."""
LATER_SECONDS = 60.0
"""How long so many of them may take in the background."""
CLOSE_SECONDS = 0.3
"""How long a program that ends waits for those in the background."""
UNRECORDED_SECONDS = 600.0
"""After how long a response is deleted that no stored entry names."""
GONE = 404


class Deleting(Protocol):
    """Deletes at a provider what it keeps of a session."""

    async def delete(self, responses: Sequence[KeptResponse], seconds: float) -> tuple[KeptResponse, ...]:
        """Delete responses within a bound, and give those that could not be; it raises nothing."""
        ...

    def delete_later(self, responses: Iterable[KeptResponse]) -> None:
        """Delete responses in the background; what cannot be is told in the log."""
        ...

    def recorded(self, response: KeptResponse) -> None:
        """Take note that an entry which names a response is in the store."""
        ...


class ResponsesAPI:
    """The Responses API behind a line.

    Args:
        line: Who is asked.
        reachable: Whether anything is set by which it can be asked.

    Attributes:
        usable: Whether it is worth asking: the server has it, and keeps what it wrote.
    """

    def __init__(self, line: OpenAILine, *, reachable: bool) -> None:
        self.line = line
        self.usable = True
        self._reachable = reachable
        self._unrecorded: dict[KeptResponse, float] = {}
        self._waiting: dict[KeptResponse, None] = {}
        self._working: asyncio.Task[None] | None = None

    def give_up(self) -> None:
        """Ask it no more, and say so in the log, once."""
        if self.usable:
            self.usable = False
            log.warning(
                "the provider's server has no Responses API that keeps what it wrote: drafts are asked through chat "
                "completions, with their whole history"
            )

    def made(self, response: KeptResponse) -> None:
        """Take note of a response whose entry is yet to be stored; those that never were are deleted."""
        now = time.monotonic()
        late = [known for known, since in self._unrecorded.items() if now - since > UNRECORDED_SECONDS]
        for known in late:
            self._unrecorded.pop(known)
        self._unrecorded[response] = now
        self.delete_later(late)

    def recorded(self, response: KeptResponse) -> None:
        """Take note that an entry which names a response is in the store."""
        self._unrecorded.pop(response, None)

    def delete_later(self, responses: Iterable[KeptResponse]) -> None:
        """Delete responses in the background; what cannot be is told in the log."""
        self._waiting |= dict.fromkeys(responses)
        if self._waiting and (self._working is None or self._working.done()):
            # In a context of its own: the clock of the call that it is asked in is not its clock.
            self._working = asyncio.create_task(
                self._work(), name="companions-responses", context=contextvars.Context()
            )

    async def delete(self, responses: Sequence[KeptResponse], seconds: float) -> tuple[KeptResponse, ...]:
        """Delete responses within a bound, and give those that could not be; it raises nothing.

        One that the provider does not know, or no more, is deleted, if it is the one who was asked for it: another
        server, or account, knows nothing of it either way.
        """
        if not (responses and self._reachable):
            return tuple(responses)
        left, turns = dict.fromkeys(responses), asyncio.Semaphore(AT_ONCE)

        async def delete_one(response: KeptResponse) -> None:
            async with turns:
                if await self._delete(response):
                    left.pop(response)

        tasks = [asyncio.create_task(delete_one(response)) for response in left]
        try:
            await asyncio.wait(tasks, timeout=seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return tuple(left)

    async def settled(self) -> None:
        """Wait until nothing is being deleted in the background."""
        if self._working is not None:
            await asyncio.wait({self._working})

    async def aclose(self) -> None:
        """Let what goes on in the background end, for a moment; what is left then is told in the log."""
        if (working := self._working) is None:
            return
        await asyncio.wait({working}, timeout=CLOSE_SECONDS)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        self._tell(self._waiting)
        self._waiting, self._working = {}, None

    async def _work(self) -> None:
        while self._waiting:
            some = tuple(self._waiting)[:AT_ONCE]
            left = await self.delete(some, LATER_SECONDS)
            for response in some:
                self._waiting.pop(response, None)
            self._tell(left)

    def _tell(self, left: Iterable[KeptResponse]) -> None:
        if named := ", ".join(response.id for response in left):
            log.warning("the provider may still keep these responses, since they could not be deleted: %s", named)

    async def _delete(self, response: KeptResponse) -> bool:
        try:
            responses = await self.line.responses()
            await responses.delete(response.id, timeout=DELETE_SECONDS)
        except Exception as error:  # noqa: BLE001 (whatever the SDK fails with, it is the caller's to tell)
            return getattr(error, "status_code", None) == GONE and response.account == self.line.account
        return True
