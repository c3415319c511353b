"""What a process does beside its calls, from the first to the end: it warms up, prunes, and stores what is left.

Which way it ends is ``terminal``'s work; by when it must have ended, ``ending``'s.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from companions.errors import StoreError, UnopenedError
from sessions.calls import Calls
from sessions.ending import End, Ending, Step
from sessions.news_exchange import NewsExchange
from sessions.sessions import Sessions

log = logging.getLogger("companions.sessions")

FIRST_LOOK_SECONDS, ADOPT_SECONDS = 1.0, 20.0
"""How often it is looked for what ended processes kept: soon at first, since a file can be held a little longer than
the process lived that a new one follows on."""


OBSERVERS_SECONDS = 0.5
"""After how long installed observers are loaded: a server's first answers go before them."""


class Warming(Protocol):
    """Models whose first call takes less time when it was prepared, and whose connections are closed at the end."""

    async def warm_later(self) -> None:
        """Prepare it in a moment."""
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class Listened(Protocol):
    """What clients listen to for as long as the process lives."""

    def open(self) -> None:
        """Take those who come."""
        ...

    def close(self) -> None:
        """Let all go; it waits for nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """One process's time, from its first call to its end.

    Attributes:
        listened: Let go of before all else: a stream that stays open would hold the end up.
        last: What is done when all else is.
        refused: Told at the start that the keys do not fit the store; usually it ends the process.
    """

    calls: Calls
    models: Warming
    ending: Ending
    refused: Callable[[UnopenedError], None]
    news: NewsExchange = field(default_factory=NewsExchange)
    listened: list[Listened] = field(default_factory=list[Listened])
    last: tuple[Step, ...] = ()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncGenerator[dict[str, Any]]:
        """Warm up slow imports in the background; on leaving, store what was handed over."""
        self.calls.open()
        for listened in self.listened:
            listened.open()
        self.ending.put_off()
        sessions = self.calls.desk.sessions
        works = {
            "begin": self._begin(sessions),
            "warm": self.models.warm_later(),
            "prune": sessions.keep_pruned(),
        }
        beside = [asyncio.create_task(work, name=f"companions-{name}") for name, work in works.items()]
        try:
            yield {}
        finally:
            for task in beside:
                task.cancel()
            self._let_go()
            await self.ending.end(self.calls.rest, self.news.close, self._close_models, *self.last)

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncGenerator[None]:
        """Only read, beside whichever processes write: nothing is warmed up, pruned or taken over."""
        self.calls.open()
        for listened in self.listened:
            listened.open()
        self.ending.put_off()
        self.news.start()
        try:
            yield
        finally:
            await self.drain()

    async def drain(self, since: float | None = None) -> None:
        """Answer what waits, store what was handed over, let go of everything, in time; again is harmless.

        Args:
            since: When the process was told to end, on the event loop's clock; now, if nothing has ended yet.
        """
        self._let_go()
        await self.ending.end(self.calls.close, self.news.close, self._close_models, *self.last, since=since)

    async def _close_models(self, _end: End) -> None:
        await self.models.aclose()

    def _let_go(self) -> None:
        for listened in self.listened:
            listened.close()

    async def _begin(self, sessions: Sessions) -> None:
        """Connect ahead of the first call, and take over, until cancelled, what ended processes kept."""
        sessions.writer.start()
        sessions.learner.start()
        try:
            await sessions.store.head("-")
        except UnopenedError as error:
            self.refused(error)
        except StoreError as error:
            log.warning("the store cannot be used: %s", error)
        self.news.start()
        await asyncio.sleep(OBSERVERS_SECONDS)
        sessions.observing.start()
        pause = FIRST_LOOK_SECONDS
        while True:
            await asyncio.sleep(pause)
            sessions.writer.look_again()
            pause = min(2 * pause, ADOPT_SECONDS)
