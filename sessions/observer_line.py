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
class Waiting:
    """Events that wait, the oldest first, no more of them than memory has room for.

    Attributes:
        refused: How many were too many.
    """

    events: deque[Event] = field(default_factory=deque[Event])
    refused: int = 0
    _weight: int = 0

    def put(self, event: Event) -> bool:
        """Let an event wait, unless too much does; tell whether it waits."""
        if len(self.events) >= MOST_EVENTS or self._weight + event.weight > MOST_CHARACTERS:
            self.refused += 1
            return False
        self.events.append(event)
        self._weight += event.weight
        return True

    def done(self) -> None:
        """Forget the oldest, if it has not been dropped meanwhile."""
        if self.events:
            self._weight -= self.events.popleft().weight


@dataclass(slots=True)
class ObserverLine:
    """What waits for one observer, and the task that tells it.

    Attributes:
        opening: Looks up how an event's session was opened; ``None`` for one that is gone.
    """

    name: str
    observer: Observer
    opening: Callable[[Event], Coroutine[Any, Any, Opening | None]]
    _waiting: Waiting = field(default_factory=Waiting)
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
        if not self._waiting.put(event):
            self.miss(1)
        elif self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(self._waiting), name=f"companions-observer-{self.name}")

    def miss(self, count: int, error: Exception | None = None) -> None:
        """Take note of events that the observer is not told of."""
        self._missed += count
        self._complain(error)

    def drop(self) -> None:
        """Forget what waits: the program ends."""
        if events := self._waiting.events:
            log.warning("observer %s was not told of %d events before the end", self.name, len(events))
        events.clear()  # a task that cannot be cancelled finds nothing more to tell, whatever comes in a new line
        self._waiting, self._task = Waiting(), None

    async def _run(self, waiting: Waiting) -> None:
        while waiting.events:
            event = waiting.events[0]
            try:
                opening = event.opening or await self.opening(event)
                if opening is not None:
                    await self._tell(event, _observed(opening))
            except Exception as error:  # noqa: BLE001 (whatever a store fails with, the next event is told)
                self.miss(1, error)
            finally:
                waiting.done()

    async def _tell(self, event: Event, session: Observed) -> None:
        for tell in event.tell:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await tell(self.observer, session)
            except asyncio.CancelledError as error:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self._fail(error)  # of something that the observer itself has cancelled
            except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever it is, it is nothing to whoever made the event)
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
