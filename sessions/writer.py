"""The background writer: one per store, it commits whatever has gathered, of all sessions, in one go.

It decides when to write, never what: what an entry says is the step's work, where it goes while the store is away is
``keeping``'s, and what to do about a conflict is the session's. Steps hand it their entries and wait on a receipt.
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from companions.entries import Note
from companions.errors import StoreAwayError, StoreError
from sessions.backlog import Backlog
from sessions.keeping import Keeper, Kept
from sessions.places import Handed, Parcel, Place, Receipt, joined, next_batch, numbered
from sessions.store import Committed, Conflict, Gone, Outcome
from sessions.watching import UNWATCHED, Watcher

log = logging.getLogger("companions.writer")

LOOK_SECONDS = 0.005
PAUSE = 1.0
"""Seconds before entries that were answered already are offered again to a store that refused them."""


@dataclass(slots=True)
class Writer:
    """Commits entries in groups: a batch is what gathered while the one before it was being committed.

    Attributes:
        keeper: Where entries go.
        early: Whether receipts are given at hand-over, before anything is stored.
        watcher: Watches each batch.
    """

    keeper: Keeper
    early: bool = False
    watcher: Watcher = UNWATCHED
    _queue: deque[Parcel] = field(default_factory=deque[Parcel])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _backlog: Backlog = field(default_factory=Backlog)
    _name: str = field(default_factory=lambda: secrets.token_hex(6))
    _calls: "count[int]" = field(default_factory=count)
    _task: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        """Begin to write; entries handed over before wait until now."""
        if self._task is None or self._task.done():
            # What a stop left behind is what there is to do first.
            (self._wake if self._queue else self._idle).set()
            self._backlog.open()
            self.keeper.store.on_back = self.look_again
            self._task = asyncio.create_task(self._run(), name="companions-writer")

    def hand_over(self, place: Place, notes: Sequence[Note], author: str | None = None) -> Handed:
        """Number the notes, by default the owner's, and queue them; returns the entries and the receipt to wait on.

        Nothing is awaited: companions of one session that think in parallel never get the same number.
        """
        self.start()
        call, now = next(self._calls), time.time()
        entries = numbered(notes, place, call=f"{self._name}-{call}", at=now, author=author)
        receipt: Receipt = asyncio.get_running_loop().create_future()
        parcel = Parcel(place, entries, place.opening, receipt, origin=self.watcher.handed_over())
        place.head += len(entries)
        place.flying += 1
        place.opening = None
        if self.early:
            parcel.receipt.set_result(Committed())
        self._queue.append(parcel)
        self._backlog.weigh(parcel.weight)
        self._idle.clear()
        self._wake.set()
        return entries, parcel.receipt

    async def room(self, session_id: str) -> None:
        """Wait until there is room for another step of a session: asked before a model is.

        Raises:
            StoreError: There is none in time.
        """
        if self.keeper.full(session_id):
            raise StoreError(
                "The store is away, and what this machine may keep for it meanwhile is full.",
                "Make the store reachable again; nothing that was answered is lost.",
            )
        self.start()
        try:
            async with asyncio.timeout(self.keeper.store.deadline):
                await self._backlog.room()
        except TimeoutError:
            raise StoreAwayError("The store takes longer than steps come in.", "Call again in a moment.") from None

    async def settled(self, session_id: str) -> None:
        """Wait until the store holds all of a session that is on this machine's disk, also from an ended process.

        Raises:
            StoreAwayError: It does not in time.
        """
        await self.read_in()
        await self.keeper.home(session_id)

    async def read_in(self) -> None:
        """Wait until what ended processes kept is known; a ``StoreAwayError`` if it is not in time."""
        self.start()
        try:
            async with asyncio.timeout(self.keeper.store.deadline):
                await self._ready.wait()
        except TimeoutError:
            raise StoreAwayError("What an ended process kept is still being read.", "Call again in a moment.") from None

    async def landed(self, place: Place) -> None:
        """Wait until all that was handed over of a session is stored or kept.

        Raises:
            StoreAwayError: It is not in time.
        """
        try:
            async with asyncio.timeout(self.keeper.store.deadline):
                while place.flying:  # noqa: ASYNC110 (rare, and an event per session would have to be kept true)
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise StoreAwayError("The session is being stored.", "Call again in a moment.") from None

    async def drain(self) -> None:
        """Wait until every entry handed over has its receipt, and is stored or kept."""
        if self._task is not None:
            await self._idle.wait()

    async def stop(self) -> None:
        """End the background task; what is queued waits for the next ``start``, which may be in another event loop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._wake, self._idle, self._ready = (asyncio.Event() for _ in range(3))
        self._backlog.renew()

    async def _run(self) -> None:
        while True:
            await self.keeper.adopt()
            self._ready.set()
            while self._queue or self.keeper.homeward:
                if self._queue:
                    await self._commit_whatever_happens(next_batch(self._queue))
                if self.keeper.homeward:
                    await self.keeper.bring_home()
            self._idle.set()
            await self._wake.wait()
            self._wake.clear()

    def look_again(self) -> None:
        """Bring home what is kept, also by processes that have ended in the meantime."""
        self.keeper.adopted = False
        self._wake.set()

    async def _commit_whatever_happens(self, parcels: list[Parcel]) -> None:
        """Commit a batch; what nobody foresaw is told to its steps, and ends nothing."""
        try:
            with self.watcher.writing(parcels):
                await self._commit(parcels)
        except Exception as error:
            log.exception("a batch could not be stored")
            failure = StoreError("The store failed.", "Call the same tool again; the server's log says more.")
            failure.__cause__ = error
            self._settle([parcel for parcel in parcels if parcel.outcome is None], failure)

    async def _commit(self, parcels: list[Parcel]) -> None:
        """Store a batch: one append per place, so that later entries of one never outlive a refused earlier one."""
        groups = self._grouped(parcels)
        for group in [group for group in groups if group[0].place.fenced]:
            groups.remove(group)
            await self._give_way(group)
        appends = [joined(group) for group in groups]
        try:
            outcomes = await self.keeper.keep(appends) if appends else []
        except asyncio.CancelledError:
            for group in groups:
                self._settle(group, StoreError("The program stopped while this was being stored.", "Call again."))
            raise
        for group, outcome in zip(groups, outcomes, strict=True):
            await self._give(group, outcome)

    def _grouped(self, parcels: list[Parcel]) -> list[list[Parcel]]:
        """Group a batch by place; fenced ones are left only where they were answered already."""
        # Not by session: one that left memory while a call still held it can have two places, whose numbers overlap.
        groups: dict[int, list[Parcel]] = {}
        for parcel in parcels:
            if parcel.place.forgotten:
                parcel.place.dropped += parcel.entries
                self._settle([parcel], Gone())
            elif parcel.place.fenced and not self.early:
                self._settle([parcel], Conflict(parcel.entries[0].seq - 1))
            else:
                groups.setdefault(id(parcel.place), []).append(parcel)
        return list(groups.values())

    async def _give(self, group: list[Parcel], outcome: Outcome | Kept | StoreError) -> None:
        if self.early and isinstance(outcome, Conflict):
            await self._give_way(group)
        elif self.early and isinstance(outcome, StoreError):
            await self._put_by(group)
        else:
            self._settle(group, outcome)

    async def _give_way(self, group: list[Parcel]) -> None:
        """Give entries that were answered already their place behind another process's."""
        place = group[0].place
        entries = [entry for parcel in group for entry in parcel.entries]
        try:
            await self.keeper.give_way(place.session_id, entries, place.lost)
        except StoreError:
            await self._put_by(group)
        else:
            self._settle(group, Committed())

    async def _put_by(self, group: list[Parcel]) -> None:
        """Keep entries that were answered already and that the store refuses; else they are offered again."""
        kept = await self.keeper.put_by([joined(group)])
        if isinstance(kept, StoreError):
            self._queue.extendleft(reversed(group))
            await asyncio.sleep(PAUSE)
        else:
            self._settle(group, kept)

    def _settle(self, parcels: Sequence[Parcel], outcome: Outcome | Kept | StoreError) -> None:
        """Give parcels of a place their receipts; unless they are stored, the head has to be read again."""
        for parcel in parcels:
            place, parcel.outcome = parcel.place, outcome
            place.flying -= 1
            self._backlog.weigh(-parcel.weight)
            if isinstance(outcome, Conflict | Gone | StoreError):
                place.fenced = True
                place.opening = parcel.opening or place.opening
            if parcel.receipt.done():
                continue
            if isinstance(outcome, StoreError):
                parcel.receipt.set_exception(outcome)
            else:
                parcel.receipt.set_result(outcome)
