"""Steps under way: each runs in a task of its own, so that it is finished and kept when its caller goes away.

A second call for the same step joins the first; a call that has waited as long as it may is told so and the step goes
on. What a step does is ``steps``'s work.
"""

import asyncio
import contextvars
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

from companions.errors import CompanionsError, InputError
from sessions.heard import Heard
from sessions.teller import Teller

T = TypeVar("T")
log = logging.getLogger("companions.running")

OnPiece = Callable[[str, str], None]
"""Hears the type of the companion that a model writes for, and a piece of its text."""

KEPT_FAILURES = 100
"""Failures that nobody has been told of yet; the oldest are forgotten first."""


@dataclass(slots=True)
class Running:
    """One step under way.

    Attributes:
        heard: What models have written so far.
        asking: Whether a model is being asked right now; such a step is dropped at shutdown, it was never stored.
        waiting: How many calls wait for it.
        promised: Whether a call was told that it goes on: it does then, also when nobody waits.
        stopping: Whether somebody asked it to end; what it is at is finished.
        behind: Whether it waits for another process that is at the same work.
        told: How far a loop has come, in a few words.
        on_text: Hears each piece of the models' texts.
        closing: Whether the program is ending: a step that has not asked its model yet ends instead of asking.
    """

    task: "asyncio.Task[Any]"
    heard: Heard = field(default_factory=Heard)
    asking: bool = False
    waiting: int = 0
    promised: bool = False
    stopping: bool = False
    behind: bool = False
    closing: bool = False
    told: str = ""
    on_text: OnPiece | None = None

    @property
    def pausing(self) -> bool:
        """Whether a loop takes no further step for now: its callers went away, or the program is ending."""
        return self.closing or (self.waiting == 0 and not self.promised)

    def hear(self, companion_type: str, piece: str) -> None:
        """Take in a piece of what a model writes for a companion, and pass it on."""
        self.heard.hear(companion_type, piece)
        if self.on_text is not None:
            self.on_text(companion_type, piece)

    def ask(self, asking: bool) -> None:
        """Note that a model call is about to begin or has ended."""
        if asking and self.closing:
            raise asyncio.CancelledError
        self.asking = asking


@dataclass(slots=True)
class AskingSeveral:
    """Tells a run that models are asked for as long as any of several is."""

    run: Running
    _count: int = 0

    def __call__(self, asking: bool) -> None:
        """Note that one of several model calls is about to begin or has ended."""
        if asking:
            self.run.ask(True)
            self._count += 1
        else:
            self._count -= 1
            if not self._count:
                self.run.ask(False)


Make = Callable[[Running], Coroutine[Any, Any, T]]
OnWait = Callable[[Running], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Key:
    """Says which step is asked for.

    Attributes:
        place: The session, companion type and kind of step.
        details: What the call gave beyond that; a call that gave nothing asks for whatever is under way.
        owner: Who asks; steps under way are bounded by owner.
    """

    place: tuple[str, str, str]
    details: tuple[Hashable, ...] = ()
    owner: str = ""


@dataclass(slots=True)
class Runs:
    """All steps under way in this process.

    Attributes:
        at_once: The most that one owner may have under way, whether a call still waits for them or not.
        context: Makes the context of what is begun by a call. It is empty but for what is to be known of that call:
            the step outlives the request, whose own would otherwise be held and used after its end.
    """

    at_once: int = 32
    context: Callable[[], contextvars.Context] = contextvars.Context
    closing: "asyncio.Future[None] | None" = None
    _runs: dict[Key, Running] = field(default_factory=dict[Key, Running])
    _failures: OrderedDict[Key, CompanionsError] = field(default_factory=OrderedDict[Key, CompanionsError])

    async def run(self, key: Key, make: "Make[T]", *, until: float, every: float, on_wait: OnWait) -> T | None:
        """Start a step, or join the same one under way, and wait for it.

        Args:
            key: Says which step of which companion it is.
            make: Makes the step; called unless one is under way.
            until: The ``time.monotonic`` moment at which waiting ends.
            every: Seconds between calls of ``on_wait``.
            on_wait: Told while the step is still under way; how a surface reports progress. Nobody waits for it.

        Returns:
            The answer, or ``None`` when the step goes on in the background.

        Raises:
            CompanionsError: The step failed, now or after it was last answered as running.
        """
        run = self._under_way(key)
        if run is None:
            self._tell_failure(key)
            run = self._start(key, make)
        run.waiting += 1
        teller = Teller(lambda: on_wait(run))
        try:
            while not run.task.done():
                if self._closing().done() or time.monotonic() >= until:
                    run.promised = True
                    return None
                wait = min(every, until - time.monotonic())
                await asyncio.wait({run.task, self._closing()}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if not run.task.done() and not self._closing().done():
                    teller.again()
        finally:
            run.waiting -= 1
            await teller.end()
        return None if run.task.cancelled() else run.task.result()

    def at(self, key: Key) -> list[Running]:
        """Give what runs at a key's place, in the order in which it was started."""
        return [run for known, run in self._runs.items() if known.place == key.place]

    async def earlier(self, key: Key, run: Running) -> None:
        """Wait until what was started before a run at its place has ended."""
        before = {other.task for other in takewhile(lambda other: other is not run, self.at(key))}
        if before:
            await asyncio.wait(before)

    def open(self) -> None:
        """Let calls wait again after ``close``."""
        self.closing = None

    @property
    def count(self) -> int:
        """How many steps and loops are under way."""
        return len(self._runs)

    @property
    def closed(self) -> bool:
        """Whether every waiting call has been answered, and the program is ending."""
        return self.closing is not None and self.closing.done()

    def close(self) -> None:
        """Answer every waiting call as running, and drop the steps whose model has not answered."""
        if not self._closing().done():
            self._closing().set_result(None)
        for run in self._runs.values():
            run.closing = True
            if run.asking:
                run.task.cancel()

    async def finish(self) -> None:
        """Wait for the steps that are being stored."""
        while tasks := {run.task for run in self._runs.values()}:
            await asyncio.wait(tasks)

    def _closing(self) -> "asyncio.Future[None]":
        if self.closing is None:
            self.closing = asyncio.get_running_loop().create_future()
        return self.closing

    def _under_way(self, key: Key) -> Running | None:
        if key.details:
            return self._runs.get(key)
        return next(iter(self.at(key)), None)

    def _tell_failure(self, key: Key) -> None:
        """Raise the failure of a step that was answered as running to whom it was, once; the call after tries again."""
        for known in [known for known in self._failures if (known.place, known.owner) == (key.place, key.owner)]:
            failure = self._failures.pop(known)
            if not key.details or key == known:
                raise failure

    def _start(self, key: Key, make: "Make[Any]") -> Running:
        if sum(known.owner == key.owner for known in self._runs) >= self.at_once:
            raise InputError(f"{self.at_once} steps of yours are under way already.", "Wait for one, then call again.")

        async def begin() -> Any:
            return await make(self._runs[key])

        task = asyncio.get_running_loop().create_task(begin(), context=self.context(), name="companions-step")
        run = self._runs[key] = Running(task, closing=self._closing().done())
        task.add_done_callback(lambda done: self._ended(key, run, done))
        return run

    def _ended(self, key: Key, run: Running, task: "asyncio.Task[Any]") -> None:
        del self._runs[key]
        if task.cancelled():
            return
        error = task.exception()
        if error is None or run.waiting:
            return
        if not isinstance(error, CompanionsError):
            log.error("a step that nobody waited for failed", exc_info=error)
        else:
            self._failures[key] = error
            while len(self._failures) > KEPT_FAILURES:
                self._failures.popitem(last=False)
