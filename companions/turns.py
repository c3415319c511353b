"""Whose turn it is: calls on one companion run one after another, whichever event loop or thread each comes from.

It knows nothing of companions. An ``asyncio.Lock`` belongs to one event loop; callers from several, and callers that
have none, need a queue that belongs to nobody.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.5
"""An interrupt that comes in the instant before a thread begins to wait is not heard before it wakes."""


class _Turn(NamedTuple):
    """A place in the queue; its future is done once it is at the head."""

    loop: asyncio.AbstractEventLoop
    given: Future[None]


class Turns:
    """Gives turns in order of arrival."""

    def __init__(self) -> None:
        self._queue: deque[_Turn] = deque()
        self._lock = threading.Lock()  # held for a few instructions, never while waiting

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a turn, and hold it."""
        mine = _Turn(asyncio.get_running_loop(), Future())
        self._enter(mine)
        try:
            await asyncio.wrap_future(mine.given)
            yield
        finally:
            self._leave(mine)

    def stand_still(self) -> bool:
        """Tell whether a call that blocks this thread would wait for a turn that only this thread can end."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        with self._lock:
            return any(turn.loop is loop for turn in self._queue)

    def _enter(self, mine: _Turn) -> None:
        with self._lock:
            self._queue.append(mine)
            if self._queue[0] is mine:
                _give(mine)

    def _leave(self, mine: _Turn) -> None:
        with self._lock:
            had = self._queue[0] is mine
            self._queue.remove(mine)
            if had and self._queue:
                _give(self._queue[0])


def _give(turn: _Turn) -> None:
    """Give a turn, unless whoever waited was cancelled this instant: he is about to leave and passes it on."""
    if turn.given.set_running_or_notify_cancel():
        turn.given.set_result(None)


def run_now(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end from code that cannot await, in an event loop of its own.

    Where an event loop runs already, as in a notebook, it runs in another thread, and the caller's loop stands still
    meanwhile.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(make)
    begun: Future[asyncio.Task[T]] = Future()
    # Not the future's own lock: an interrupt may leave that taken, and the thread could never hand over its result.
    thinks = threading.Lock()
    thinks.acquire()

    async def begin() -> T:
        begun.set_result(asyncio.create_task(make()))
        return await begun.result()

    def think() -> T:
        try:
            return _run(begin)
        finally:
            thinks.release()

    with ThreadPoolExecutor(1, thread_name_prefix="companion") as threads:
        try:  # also around the start: the interrupt can come before anybody waits
            thinking = threads.submit(copy_context().run, think)
            while not thinks.acquire(timeout=LOOK_SECONDS):
                pass
            return thinking.result()
        except KeyboardInterrupt:  # whoever interrupts a notebook's cell does not want to pay for the rest
            begun.result().get_loop().call_soon_threadsafe(begun.result().cancel)
            raise


def _run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    # With a factory the runner leaves the thread's current event loop alone; asyncio.run would unset it.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(make())
