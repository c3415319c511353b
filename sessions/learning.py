"""Learning from loops: it notices which slots are over, and has each counted, beside the steps and never on their path.

A slot is over when its loop has ended, when another query took its place, or when nobody touched it for a while; the
last is how sessions that were left alone count, by whichever process is there then. How it comes that each counts once
is ``slot_counting``'s work, what is known is kept in ``knowledge``.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from companions.companion import Companion
from companions.entries import Entry
from companions.errors import StoreError
from sessions.ending import UNHURRIED, End
from sessions.knowledge import Knowledge
from sessions.left_sessions import LeftSessions
from sessions.session import Session
from sessions.slot_counting import SlotCounter, SlotPlace, is_over

log = logging.getLogger("companions.learning")

OPEN = 10_000
"""Slots that wait to be counted, and slots that may be left, at most; others are found by looking for them."""
BATCH = 8
"""Slots that are counted before the store is given what they add up to: so many a process that is killed can lose."""
LEFT_SECONDS = 1_800.0
"""After so long without a touch a slot is taken for left."""
FIRST_LOOK_SECONDS, LOOK_SECONDS = 20.0, 1_800.0
"""When a process first looks for slots that ended ones left, and how often from then on."""
PAUSE_SECONDS = 5.0
"""How long after a step it is looked at what is over: one look for all that happened meanwhile."""
EXCHANGE_SECONDS = 30.0
"""How often it is looked for what others have learned, if nothing happens here."""
READY_SECONDS = 0.25
MOMENT = 0.2
"""How long a program that ends goes on counting."""
LAST_SECONDS = 0.8
"""How long it waits until what was counted is put."""


@dataclass(slots=True, kw_only=True)
class Learner:
    """One process's learning. It fails no step and holds none up: what goes wrong is told in the log."""

    counter: SlotCounter
    knowledge: Knowledge
    left: LeftSessions
    pause: float = PAUSE_SECONDS
    left_seconds: float = LEFT_SECONDS
    _over: dict[SlotPlace, None] = field(default_factory=dict[SlotPlace, None])
    _touched: OrderedDict[tuple[str, str], tuple[SlotPlace, float]] = field(
        default_factory=OrderedDict[tuple[str, str], tuple[SlotPlace, float]]
    )
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)
    _settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next_look: float = 0.0
    _asked: bool = False
    _task: asyncio.Task[None] | None = None

    def on_entry(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        """Take note of what was stored; costs the same however long a session is."""
        if all(entry.kind == "learned" for entry in entries):
            return
        owner, name, slot = session.place.owner, companion.companion_type, companion.slot
        for entry in entries:
            if entry.kind == "query" and entry.slot:
                self._end(SlotPlace(owner, session.session_id, name, entry.slot - 1))
        if slot is not None and slot.draft is not None:
            self._touch(SlotPlace(owner, session.session_id, name, slot.number), over=is_over(companion))
        self.start()
        self._wake.set()

    def start(self) -> None:
        """Learn in the background from here on; again is harmless."""
        if self._task is None or self._task.done():
            self._wake, self._loaded, self._settling = asyncio.Event(), asyncio.Event(), asyncio.Lock()
            self._next_look = time.monotonic() + FIRST_LOOK_SECONDS
            self._task = asyncio.create_task(self._learn(), name="companions-learning")

    async def ready(self) -> None:
        """Wait a moment, in the first call of a process only, for what the store holds: a slot is judged by it."""
        if not self._asked:
            self._asked = True
            self.start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_SECONDS):
                    await self._loaded.wait()

    async def settle(self) -> None:
        """Count what is over, put it into the store, and read what others have put there.

        Raises:
            StoreError: The store failed; what was not counted or put is tried again the next time.
        """
        async with self._settling:
            # No more is counted than can also be put: what waits to be put goes first, and a few slots at a time.
            await self._put_counted()
            for number, place in enumerate(list(self._over), start=1):
                await self._count(place)
                if number % BATCH == 0:
                    await self.knowledge.put()
            await self.knowledge.exchange()

    async def look(self) -> None:
        """Look for slots that ended processes left uncounted; they are counted with the next ``settle``.

        Raises:
            StoreError: The store failed.
        """
        for place in await self.left.look(time.time() - self.left_seconds):
            self._end(place)

    async def rest(self, end: End = UNHURRIED) -> None:
        """Put what was counted, count what can be in a moment and put that, and end."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(end.share(LAST_SECONDS)):
                await self._tried(self._put_counted)
                await self._tried(self._count_last)
                await self._tried(self._put_counted)
        self.knowledge.rest()

    def _touch(self, place: SlotPlace, *, over: bool) -> None:
        key = place.session_id, place.companion_type
        self._touched.pop(key, None)
        if over:
            self._end(place)
            return
        self._over.pop(place, None)
        self._touched[key] = place, time.monotonic()
        if len(self._touched) > OPEN:
            self._touched.popitem(last=False)

    def _end(self, place: SlotPlace) -> None:
        """Have a slot counted; while the store is away for long, only so many wait for it."""
        if len(self._over) < OPEN:
            self._over[place] = None

    async def _learn(self) -> None:
        await self._tried(self.knowledge.exchange)
        self._loaded.set()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EXCHANGE_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self.pause)  # what comes next may come at once, and then the slot is not over
            self._take_left()
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + LOOK_SECONDS
                await self._tried(self.look)
            await self._tried(self.settle)

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StoreError as error:
            log.info("learning waits for the store: %s", error)
        except Exception:
            log.exception("something could not be learned")

    def _take_left(self) -> None:
        now = time.monotonic()
        while self._touched:
            key, (place, touched) = next(iter(self._touched.items()))
            if now - touched < self.left_seconds:
                return
            del self._touched[key]
            self._end(place)

    async def _count(self, place: SlotPlace) -> None:
        if await self.counter.count(place, left_before=time.time() - self.left_seconds):
            self._over.pop(place, None)

    async def _put_counted(self) -> None:
        """Put what was counted, also what is being counted just now."""
        await self.counter.finish()
        for place in self.counter.marked:
            await self._count(place)
        await self.knowledge.put()

    async def _count_last(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                for place in list(self._over):
                    await self._count(place)
