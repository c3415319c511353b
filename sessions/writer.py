"""The background writer: one per store, it commits whatever has gathered, of all sessions, in one go.

It decides when to write, never what: what an entry says is the step's work, conflicts are the store's, and what to do
about one is the session's. Steps hand it their entries and wait on a receipt.
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from companions.entries import Entry, Note
from companions.errors import StoreError
from sessions.store import Append, Committed, Conflict, Opening, Outcome, Projection, Store

log = logging.getLogger("companions.writer")

MAX_BATCH = 512
"""Most entries of one transaction: smaller costs throughput, larger only adds delay."""
PROJECTION_SECONDS = 1.0
"""How often projections are refreshed at most."""


@dataclass(slots=True)
class Place:
    """A session's place in the writer: it alone gives out the session's numbers, at hand-over.

    Attributes:
        head: The newest ``seq`` given out.
        opening: How the session was opened, until its first entries are stored.
        fenced: Set when an append was refused or failed: the head must be read again before the next hand-over.
        flying: Entries handed over whose receipts are not in yet.
    """

    session_id: str
    owner: str
    head: int = 0
    opening: Opening | None = None
    fenced: bool = False
    flying: int = 0


@dataclass(slots=True)
class _Parcel:
    place: Place
    entries: tuple[Entry, ...]
    opening: Opening | None
    receipt: asyncio.Future[Outcome]


@dataclass(slots=True)
class Writer:
    """Commits entries in groups: a batch is what gathered while the one before it was being committed."""

    store: Store
    _queue: deque[_Parcel] = field(default_factory=deque[_Parcel])
    _projections: dict[str, Projection] = field(default_factory=dict[str, Projection])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _showing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _name: str = field(default_factory=lambda: secrets.token_hex(6))
    _calls: "count[int]" = field(default_factory=count)
    _task: "asyncio.Task[None] | None" = None
    _projected: float = 0.0
    _timer: "asyncio.TimerHandle | None" = None

    def start(self) -> None:
        """Begin to write; entries handed over before wait until now."""
        if self._task is None or self._task.done():
            # What a stop left behind is what there is to do first.
            (self._wake if self._queue else self._idle).set()
            self._task = asyncio.create_task(self._run(), name="companions-writer")

    def hand_over(self, place: Place, notes: Sequence[Note]) -> tuple[tuple[Entry, ...], asyncio.Future[Outcome]]:
        """Number the notes and queue them; returns the entries and the receipt to wait on.

        Nothing is awaited here, so that companions of one session that think in parallel never get the same number.
        """
        self.start()
        call, now = next(self._calls), time.time()
        entries = tuple(
            _entry(note, seq=place.head + number, id=f"{self._name}-{call}-{number}", author=place.owner, at=now)
            for number, note in enumerate(notes, start=1)
        )
        receipt: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        place.head += len(entries)
        place.flying += 1
        self._queue.append(_Parcel(place, entries, place.opening, receipt))
        place.opening = None
        self._idle.clear()
        self._wake.set()
        return entries, receipt

    def project(self, projection: Projection) -> None:
        """Note a session's newest projection; it is stored within a second or so."""
        waiting = self._projections.get(projection.session_id)
        if waiting is None or waiting.seq <= projection.seq:
            self._projections[projection.session_id] = projection
            self._wake.set()

    async def flush_projections(self) -> None:
        """Store the newest projections now, so that a listing shows what was just done."""
        await self._store_projections()

    def forget(self, session_id: str) -> None:
        """Drop what waits to be shown of a session."""
        self._projections.pop(session_id, None)

    async def drain(self) -> None:
        """Wait until every entry handed over has its receipt, then store the projections."""
        if self._task is None:
            return
        await self._idle.wait()
        await self._store_projections()

    async def stop(self) -> None:
        """End the background task; what is queued waits for the next ``start``, which may be in another event loop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake, self._idle, self._showing = asyncio.Event(), asyncio.Event(), asyncio.Lock()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._commit(self._take())
            self._idle.set()
            await self._project_in_time()

    def _take(self) -> list[_Parcel]:
        taken: list[_Parcel] = []
        room = MAX_BATCH
        while self._queue and room > 0:
            taken.append(self._queue.popleft())
            room -= len(taken[-1].entries)
        return taken

    async def _commit(self, parcels: list[_Parcel]) -> None:
        """Store a batch: one append per place, so that later entries of one never outlive a refused earlier one."""
        # Not by session: one that left memory while a call still held it can have two places, whose numbers overlap.
        groups: dict[int, list[_Parcel]] = {}
        for parcel in parcels:
            if parcel.place.fenced:
                _settle([parcel], Conflict(parcel.entries[0].seq - 1))
            else:
                groups.setdefault(id(parcel.place), []).append(parcel)
        if not groups:
            return
        for group, outcome in zip(groups.values(), await self._append(list(groups.values())), strict=True):
            _settle(group, outcome)

    async def _append(self, groups: list[list[_Parcel]]) -> Sequence[Outcome | StoreError]:
        try:
            return await self.store.append([_joined(group) for group in groups])
        except StoreError as error:
            return [error] * len(groups)
        except asyncio.CancelledError:
            for group in groups:
                _settle(group, StoreError("The program stopped while this was being stored.", "Call again."))
            raise
        except Exception as error:
            # A receipt that never comes would hang its step for ever, and with it everything behind this batch.
            log.exception("the store failed in a way that it does not know")
            failure = StoreError("The store failed.", "Call the same tool again; the server's log says more.")
            failure.__cause__ = error
            return [failure] * len(groups)

    async def _project_in_time(self) -> None:
        """Store projections unless some were stored a moment ago; if any are left, look again when it is time."""
        wait = self._projected + PROJECTION_SECONDS - time.monotonic()
        if self._projections and wait <= 0:
            await self._store_projections()
            wait = PROJECTION_SECONDS
        if self._projections and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._wake.set()

    async def _store_projections(self) -> None:
        # One after another: an older projection that is still on its way must not arrive behind a newer one.
        async with self._showing:
            taken, self._projections = self._projections, {}
            self._projected = time.monotonic()
            if not taken:
                return
            try:
                await self.store.project(list(taken.values()))
            except asyncio.CancelledError:
                # Whoever asked for them went away; they are still to be stored.
                self._projections = taken | self._projections
                self._wake.set()
                raise
            except Exception as error:
                # They can be rebuilt from entries, so a failure is tried again and never told to a step.
                if not isinstance(error, StoreError):
                    log.exception("projections could not be stored")
                self._projections = taken | self._projections


def _entry(note: Note, **place: object) -> Entry:
    fields = {name: getattr(note, name) for name in ("companion_type", "kind", "slot", "index", "text", "meta")}
    return Entry(**fields, **place)  # type: ignore[arg-type]


def _joined(group: list[_Parcel]) -> Append:
    entries = tuple(entry for parcel in group for entry in parcel.entries)
    return Append(session_id=group[0].place.session_id, entries=entries, opening=group[0].opening)


def _settle(parcels: Sequence[_Parcel], outcome: Outcome | StoreError) -> None:
    """Give one session's parcels their receipts; unless they are stored, it is fenced until its head was read again."""
    for parcel in parcels:
        place = parcel.place
        place.flying -= 1
        if not isinstance(outcome, Committed):
            place.fenced = True
            place.opening = parcel.opening or place.opening
        if parcel.receipt.done():
            continue
        if isinstance(outcome, StoreError):
            parcel.receipt.set_exception(outcome)
        else:
            parcel.receipt.set_result(outcome)
