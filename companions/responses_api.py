"""The Responses API of one server: whether it keeps what it wrote, and the deletion of what it keeps of ours.

It says neither what is asked nor what of a session is to be deleted; the one is ``native_models``'s work, the other is
known to whoever holds the session.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

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
Answer = Literal["gone", "unknown"]
"""What a provider said of a response that it was to delete: it is deleted, or was written by somebody else."""


class Deleting(Protocol):
    """Deletes at a provider what it keeps of a session."""

    async def delete(self, responses: Sequence[KeptResponse], seconds: float) -> tuple[KeptResponse, ...]:
        """Delete responses within a bound, and give those that could not be; it raises nothing."""
        ...

    def delete_later(self, responses: Iterable[KeptResponse]) -> None:
        """Delete responses in the background; what cannot be is told in the log."""
        ...

    async def delete_for_good(self, responses: Sequence[KeptResponse], seconds: float) -> bool:
        """Delete responses within a bound, and tell whether there is nothing to be tried again; it raises nothing."""
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
        answers = await self._answers(responses, seconds)
        return tuple(response for response in dict.fromkeys(responses) if answers.get(response) != "gone")

    async def delete_for_good(self, responses: Sequence[KeptResponse], seconds: float) -> bool:
        """Delete responses within a bound, and tell whether there is nothing to be tried again; it raises nothing.

        One that was written by another server, or account, and is not known here is told in the log, and not tried
        again: the answer would be the same for ever.
        """
        if responses and not self._reachable:
            return False
        answers = await self._answers(responses, seconds)
        self._tell(response for response in responses if answers.get(response) == "unknown")
        return all(response in answers for response in responses)

    async def _answers(self, responses: Sequence[KeptResponse], seconds: float) -> dict[KeptResponse, Answer]:
        """Ask for the deletion of responses; about those that are left out the provider said nothing in time."""
        answers, turns = dict[KeptResponse, Answer](), asyncio.Semaphore(AT_ONCE)

        async def delete_one(response: KeptResponse) -> None:
            async with turns:
                if (answer := await self._delete(response)) is not None:
                    answers[response] = answer

        tasks = [asyncio.create_task(delete_one(response)) for response in dict.fromkeys(responses)]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return answers

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

    async def _delete(self, response: KeptResponse) -> Answer | None:
        try:
            responses = await self.line.responses()
            await responses.delete(response.id, timeout=DELETE_SECONDS)
        except Exception as error:  # noqa: BLE001 (whatever the SDK fails with, it is the caller's to tell)
            if getattr(error, "status_code", None) != GONE:
                return None
            return "gone" if response.account == self.line.account else "unknown"
        return "gone"
