"""The background writer: one per store, it commits whatever has gathered, of all sessions, in one go.

It decides when to write, never what: what an entry says is the step's work, where it goes while the store is away is
``keeping``'s, and what to do about a conflict is the session's. Steps hand it their entries and wait on a receipt.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from companions.entries import Entry, Note
from companions.errors import StoreAwayError, StoreError
from sessions.keeping import Keeper, Kept
from sessions.places import Parcel, Place, Receipt, joined
from sessions.store import Append, Committed, Conflict, Gone, Outcome

MAX_BATCH = 512
"""Most entries of one transaction: smaller costs throughput, larger only adds delay."""
MAX_WAITING = 32_000_000
"""Characters that may wait to be committed; steps that would write more wait before they ask a model."""
PAUSE = 1.0
"""Seconds before entries that were answered already are offered again to a store that refused them."""


@dataclass(slots=True)
class Writer:
    """Commits entries in groups: a batch is what gathered while the one before it was being committed.

    Attributes:
        keeper: Where entries go.
        early: Whether receipts are given at hand-over, before anything is stored.
    """

    keeper: Keeper
    early: bool = False
    _queue: deque[Parcel] = field(default_factory=deque[Parcel])
    _weight: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _roomy: asyncio.Event = field(default_factory=asyncio.Event)
    _name: str = field(default_factory=lambda: secrets.token_hex(6))
    _calls: "count[int]" = field(default_factory=count)
    _task: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        """Begin to write; entries handed over before wait until now."""
        if self._task is None or self._task.done():
            # What a stop left behind is what there is to do first.
            (self._wake if self._queue else self._idle).set()
            self._roomy.set()
            self.keeper.store.on_back = self._go_on
            self._task = asyncio.create_task(self._run(), name="companions-writer")

    def hand_over(self, place: Place, notes: Sequence[Note]) -> tuple[tuple[Entry, ...], Receipt]:
        """Number the notes and queue them; returns the entries and the receipt to wait on.

        Nothing is awaited here, so that companions of one session that think in parallel never get the same number.
        """
        self.start()
        call, now = next(self._calls), time.time()
        entries = tuple(
            _entry(note, seq=place.head + number, id=f"{self._name}-{call}-{number}", author=place.owner, at=now)
            for number, note in enumerate(notes, start=1)
        )
        parcel = Parcel(place, entries, place.opening, asyncio.get_running_loop().create_future())
        place.head += len(entries)
        place.flying += 1
        place.opening = None
        if self.early:
            parcel.receipt.set_result(Committed())
        self._queue.append(parcel)
        self._weigh(parcel.weight)
        self._idle.clear()
        self._wake.set()
        return entries, parcel.receipt

    async def room(self) -> None:
        """Wait until there is room for another step: asked before a model is.

        Raises:
            StoreError: There is none in time.
        """
        if self.keeper.full:
            raise StoreError(
                "The store is away, and what this machine may keep for it meanwhile is full.",
                "Make the store reachable again; nothing that was answered is lost.",
            )
        self.start()
        try:
            async with asyncio.timeout(self.keeper.store.deadline):
                await self._roomy.wait()
        except TimeoutError:
            raise StoreAwayError("The store takes longer than steps come in.", "Call again in a moment.") from None

    async def settled(self, session_id: str) -> None:
        """Wait until the store holds all of a session that is on this machine's disk, also from an ended process.

        Raises:
            StoreAwayError: It does not in time.
        """
        self.start()
        await self._ready.wait()
        await self.keeper.home(session_id)

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
        self._wake, self._idle, self._ready, self._roomy = (asyncio.Event() for _ in range(4))

    async def _run(self) -> None:
        while True:
            await self.keeper.adopt()
            self._ready.set()
            while self._queue or self.keeper.homeward:
                if self._queue:
                    await self._commit(self._take())
                if self.keeper.homeward:
                    await self.keeper.bring_home()
            self._idle.set()
            await self._wake.wait()
            self._wake.clear()

    def _go_on(self) -> None:
        """Begin to bring home what is kept, also by processes that have ended in the meantime."""
        self.keeper.adopted = False
        self._wake.set()

    def _take(self) -> list[Parcel]:
        taken: list[Parcel] = []
        room = MAX_BATCH
        while self._queue and room > 0:
            taken.append(self._queue.popleft())
            room -= len(taken[-1].entries)
        return taken

    async def _commit(self, parcels: list[Parcel]) -> None:
        """Store a batch: one append per place, so that later entries of one never outlive a refused earlier one."""
        # Not by session: one that left memory while a call still held it can have two places, whose numbers overlap.
        groups: dict[int, list[Parcel]] = {}
        for parcel in parcels:
            if parcel.place.fenced and not self.early:
                self._settle([parcel], Conflict(parcel.entries[0].seq - 1))
            else:
                groups.setdefault(id(parcel.place), []).append(parcel)
        appends = [joined(group) for group in groups.values()]
        try:
            outcomes = await self.keeper.keep(appends)
        except asyncio.CancelledError:
            for group in groups.values():
                self._settle(group, StoreError("The program stopped while this was being stored.", "Call again."))
            raise
        refused = False
        for group, append, outcome in zip(groups.values(), appends, outcomes, strict=True):
            said = await self._answered_early(append, outcome) if self.early else outcome
            if self.early and isinstance(said, StoreError):
                # They were answered: they are offered again, and count for as long as they wait.
                self._queue.extendleft(reversed(group))
                refused = True
            else:
                self._settle(group, said)
        if refused:
            await asyncio.sleep(PAUSE)

    async def _answered_early(
        self, append: Append, outcome: Outcome | Kept | StoreError
    ) -> Outcome | Kept | StoreError:
        """Give entries that cannot be refused any more their place behind another process's."""
        if not isinstance(outcome, Conflict):
            return outcome
        try:
            await self.keeper.give_way(append)
        except StoreError as error:
            return error
        return Committed()

    def _settle(self, parcels: Sequence[Parcel], outcome: Outcome | Kept | StoreError) -> None:
        """Give parcels of a place their receipts; unless they are stored, the head has to be read again."""
        for parcel in parcels:
            place = parcel.place
            place.flying -= 1
            self._weigh(-parcel.weight)
            if isinstance(outcome, Conflict | Gone | StoreError):
                place.fenced = True
                place.opening = parcel.opening or place.opening
            if parcel.receipt.done():
                continue
            if isinstance(outcome, StoreError):
                parcel.receipt.set_exception(outcome)
            else:
                parcel.receipt.set_result(outcome)

    def _weigh(self, characters: int) -> None:
        self._weight += characters
        if self._weight < MAX_WAITING:
            self._roomy.set()
        else:
            self._roomy.clear()


def _entry(note: Note, **place: object) -> Entry:
    fields = {name: getattr(note, name) for name in ("companion_type", "kind", "slot", "index", "text", "meta")}
    return Entry(**fields, **place)  # type: ignore[arg-type]
