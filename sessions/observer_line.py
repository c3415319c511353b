"""What waits for one observer: events in the order in which they were stored, told one after the other.

A line that gets too long loses what comes then, and an observer that fails or hangs loses that event; both are said in
the log, now and then. Whose line it is, and what is put into it, is ``observing``'s work.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions.observers import Observed, Observer
from sessions.store import Opening

log = logging.getLogger("companions.observers")

MOST_EVENTS = 10_000
MOST_CHARACTERS = 16_000_000
"""What may wait for one observer; entries hold their texts."""
CALL_SECONDS = 5.0
"""How long an observer may take over one event."""
TOLD_SECONDS = 60.0
"""How often the log says what an observer failed at."""

Tell = Callable[[Observer, Observed], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Event:
    """Something that became of a session.

    Attributes:
        opening: How the session was opened; ``None`` until it has been looked up.
        tell: Tells an observer.
        weight: How many characters it keeps in memory.
    """

    session_id: str
    opening: Opening | None
    tell: Sequence[Tell]
    weight: int = 0


@dataclass(slots=True)
class ObserverLine:
    """What waits for one observer, and the task that tells it."""

    name: str
    observer: Observer
    opening: Callable[[Event], Coroutine[Any, Any, Opening | None]]
    _events: deque[Event] = field(default_factory=deque[Event])
    _weight: int = 0
    _task: "asyncio.Task[None] | None" = None
    _missed: int = 0
    _failed: int = 0
    _told_at: float = -TOLD_SECONDS

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """What is at work on it."""
        return self._task

    def put(self, event: Event) -> None:
        """Let an event wait, unless too much does."""
        if len(self._events) >= MOST_EVENTS or self._weight + event.weight > MOST_CHARACTERS:
            self._missed += 1
            self._complain(None)
            return
        self._events.append(event)
        self._weight += event.weight
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"companions-observer-{self.name}")

    def drop(self) -> None:
        """Forget what waits: the program ends."""
        if self._events:
            log.warning("observer %s was not told of %d events before the end", self.name, len(self._events))
        self._events.clear()
        self._weight, self._task = 0, None

    async def _run(self) -> None:
        while self._events:
            event = self._events[0]
            opening = event.opening or await self.opening(event)
            if opening is not None:
                await self._tell(event, _observed(opening))
            self._events.popleft()
            self._weight -= event.weight

    async def _tell(self, event: Event, session: Observed) -> None:
        for tell in event.tell:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await tell(self.observer, session)
            except asyncio.CancelledError as error:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self._fail(error)  # of something that the observer itself has cancelled
            except Exception as error:  # noqa: BLE001 (whatever it is, it is nothing to whoever made the event)
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failed += 1
        self._complain(error)

    def _complain(self, error: BaseException | None) -> None:
        """Say in the log what went wrong since it last did so, now and then."""
        now = time.monotonic()
        if now - self._told_at >= TOLD_SECONDS:
            self._told_at = now
            log.warning(
                "observer %s failed %d times and was not told of %d events", self.name, self._failed, self._missed,
                exc_info=error,
            )  # fmt: skip
            self._failed = self._missed = 0


def _observed(opening: Opening) -> Observed:
    return Observed(
        session_id=opening.session_id, owner=opening.owner, parent=opening.parent, created_at=opening.created_at
    )
