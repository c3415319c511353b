"""Learning from loops: it notices which slots are over, and counts each once, beside the steps and never on their path.

A slot is over when its loop has ended, when another query took its place, or when nobody touched it for a while; the
last is how sessions that were left alone count. That it was counted is a ``learned`` entry in its session, so that of
several processes one counts it. What a slot tells is read by ``samples``, what is known is kept in ``knowledge``.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from companions.companion import Companion
from companions.entries import Entry, Note
from companions.errors import CompanionsError, ConflictError, StoreError
from companions.next_step import next_step
from companions.patterns.sample import Sample
from sessions.knowledge import Knowledge
from sessions.leases import Leases
from sessions.samples import sample_of
from sessions.session import Session

log = logging.getLogger("companions.learning")

OPEN = 10_000
"""Slots of which it is remembered that they are not over, the oldest of which are taken for left; and that are."""
LEFT_SECONDS = 1_800.0
"""After so long without a touch a slot is taken for left."""
PAUSE_SECONDS = 5.0
"""How long after a step it is looked at what is over: one look for all that happened meanwhile."""
EXCHANGE_SECONDS = 30.0
"""How often it is looked for what others have learned, if nothing happens here."""
READY_SECONDS = 0.25
MOMENT = 0.3
"""How long the end of a program waits for what is still to be counted."""

Find = Callable[[str, str], Awaitable[Session]]
"""Gives an owner's session."""
Record = Callable[[Session, Companion, Sequence[Entry]], Awaitable[None]]
"""Refreshes what is shown of a session."""


@dataclass(frozen=True, slots=True)
class Place:
    """A slot of a session."""

    owner: str
    session_id: str
    companion_type: str
    slot: int


@dataclass(slots=True, kw_only=True)
class Learner:
    """One process's learning. It fails no step and holds none up: what goes wrong is told in the log."""

    find: Find
    shown: Record
    leases: Leases
    knowledge: Knowledge
    pause: float = PAUSE_SECONDS
    left_seconds: float = LEFT_SECONDS
    _over: dict[Place, None] = field(default_factory=dict[Place, None])
    _touched: OrderedDict[tuple[str, str], tuple[Place, float]] = field(
        default_factory=OrderedDict[tuple[str, str], tuple[Place, float]]
    )
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False
    _task: asyncio.Task[None] | None = None

    def on_entry(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        """Take note of what was stored; costs the same however long a session is."""
        if all(entry.kind == "learned" for entry in entries):
            return
        owner, name, slot = session.place.owner, companion.companion_type, companion.slot
        for entry in entries:
            if entry.kind == "query" and entry.slot:
                self._end(Place(owner, session.session_id, name, entry.slot - 1))
        if slot is not None and slot.draft is not None:
            self._touch(Place(owner, session.session_id, name, slot.number), over=is_over(companion))
        self.start()
        self._wake.set()

    def start(self) -> None:
        """Learn in the background from here on; again is harmless."""
        if self._task is None or self._task.done():
            self._wake, self._loaded = asyncio.Event(), asyncio.Event()
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
        while self._over:
            place = next(iter(self._over))
            await self._count(place)
            self._over.pop(place, None)
        await self.knowledge.exchange()

    async def rest(self) -> None:
        """Count and put what is left in a moment, and end."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None
        with contextlib.suppress(TimeoutError, CompanionsError):
            async with asyncio.timeout(MOMENT):
                await self.settle()

    def _touch(self, place: Place, *, over: bool) -> None:
        key = place.session_id, place.companion_type
        self._touched.pop(key, None)
        if over:
            self._end(place)
            return
        self._touched[key] = place, time.monotonic()
        while len(self._touched) > OPEN:
            _, (oldest, _) = self._touched.popitem(last=False)
            self._end(oldest)

    def _end(self, place: Place) -> None:
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
            await self._tried(self.settle)

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StoreError as error:
            log.info("learning waits for the store: %s", error)
        except Exception:
            log.exception("something could not be learned")
            if self._over:
                del self._over[next(iter(self._over))]

    def _take_left(self) -> None:
        now = time.monotonic()
        while self._touched:
            key, (place, touched) = next(iter(self._touched.items()))
            if now - touched < self.left_seconds:
                return
            del self._touched[key]
            self._end(place)

    async def _count(self, place: Place) -> None:
        """Count a slot, unless it was counted already, by whatever process."""
        try:
            session = await self.find(place.owner, place.session_id)
        except StoreError:
            raise
        except CompanionsError:
            return  # it was forgotten meanwhile
        name = f"learn {place.session_id} {place.companion_type} {place.slot}"
        if not await self.leases.take(name):
            await self.leases.wait(name)
        async with self.leases.held(name):
            if not await _is_counted(session, place):
                await self._record(session, place)

    async def _record(self, session: Session, place: Place) -> None:
        found = await sample_of(session, place.companion_type, place.slot)
        if found is None:
            return
        model, sample = found
        awake = await session.wake(place.companion_type)
        note = Note(companion_type=place.companion_type, kind="learned", slot=place.slot, meta=_told(model, sample))
        async with awake.lock:
            await session.catch_up(awake)
            try:
                entries = await session.record(awake, [note])
            except ConflictError:
                return  # another process goes on with it, and counts it
            await self.shown(session, awake.companion, entries)
        self.knowledge.add(place.companion_type, model, sample, entries[0].at)


def is_over(companion: Companion) -> bool:
    """Tell whether nothing more is to come in the newest slot: a job still picks after its loop has ended."""
    slot = companion.slot
    if slot is None or next_step(companion).step is not None:
        return False
    return slot.workflow is None or slot.picked is not None


async def _is_counted(session: Session, place: Place) -> bool:
    found = await session.store.page(
        session.session_id, companion_type=place.companion_type, slot=place.slot, kinds=("learned",), limit=1
    )
    return bool(found)


def _told(model: str, sample: Sample) -> dict[str, Any]:
    """Give what is kept in the session: that it was counted, and how; the rest stands in its steps."""
    return {"model": model, "revisions": sample.revisions, "censored": sample.censored}
