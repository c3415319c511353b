"""Counting a slot that is over, once: an entry in its session decides which of several processes counts it.

The first ``learned`` entry of a slot is the one that counts, whoever else marks the slot at the same time. Which slots
are looked at, and when, is ``learning``'s to say; what a slot tells is read by ``samples``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from companions.companion import Companion
from companions.entries import Entry, Note
from companions.errors import SessionNotFoundError, StoreAwayError, StoreError
from companions.next_step import next_step
from companions.patterns.sample import Sample
from sessions.awake import Awake
from sessions.knowledge import Knowledge
from sessions.leases import Leases
from sessions.samples import sample_of
from sessions.session import Session
from sessions.store import Store

log = logging.getLogger("companions.learning")

Find = Callable[[str, str], Awaitable[Session]]
"""Gives an owner's session."""
Show = Callable[[Session, Companion, Sequence[Entry]], Awaitable[None]]
"""Refreshes what is shown of a session."""


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """A slot of a session."""

    owner: str
    session_id: str
    companion_type: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a slot tells that is over.

    Attributes:
        model: Under which model it counts.
        ended_at: When it was over, in seconds since the epoch.
        standing: The entries by which its companion stood as it did when this was read.
    """

    model: str
    sample: Sample
    ended_at: float
    standing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A slot that was marked here; what it tells is counted if that mark is the first."""

    entry_id: str
    told: Told


@dataclass(slots=True, kw_only=True)
class SlotCounter:
    """Counts slots, one after another.

    Attributes:
        knowledge: Where they are counted.
    """

    find: Find
    show: Show
    leases: Leases
    knowledge: Knowledge
    _marks: dict[SlotPlace, Mark] = field(default_factory=dict[SlotPlace, Mark])
    _marking: "asyncio.Task[None] | None" = None

    async def count(self, place: SlotPlace, *, left_before: float) -> bool:
        """Count a slot if that is for this process to do.

        Args:
            place: The slot.
            left_before: When a slot was last touched that counts as left, in seconds since the epoch.

        Returns:
            Whether it is done with. One that goes on is; one that another process is at, or that a store did not let
            be counted, is not.

        Raises:
            StoreAwayError: The store is away; so it is for every other slot.
        """
        try:
            return await self._count(await self.find(place.owner, place.session_id), place, left_before)
        except StoreAwayError:
            raise
        except StoreError as error:
            log.info("a slot of session %s is not counted yet: %s", place.session_id, error)
            return False
        except SessionNotFoundError:
            pass  # it was forgotten meanwhile
        except Exception:
            log.exception("a slot of session %s cannot be counted", place.session_id)
        self._marks.pop(place, None)
        return True

    @property
    def marked(self) -> list[SlotPlace]:
        """Slots that were marked here, of which it is not known yet whether that mark is the first."""
        return list(self._marks)

    async def finish(self) -> None:
        """Wait until the mark that is being made is made, or has failed."""
        if self._marking is not None:
            await asyncio.wait({self._marking})
            if not self._marking.cancelled() and (error := self._marking.exception()) is not None:
                log.info("a slot could not be marked: %s", error)
            self._marking = None

    async def _count(self, session: Session, place: SlotPlace, left_before: float) -> bool:
        if place not in self._marks:
            name = f"learn {place.session_id} {place.companion_type} {place.slot}"
            if not await self.leases.take(name):
                return False
            async with self.leases.held(name):
                if await first_mark(session.store, place) is not None or await _is_the_parents(session, place):
                    return True
                told = await _told(session, place, left_before)
                if told is None:
                    return True
                await self._marked(session, place, told)
        return place in self._marks and await self._decided(session, place)

    async def _decided(self, session: Session, place: SlotPlace) -> bool:
        """Count a slot that was marked here if that mark is the first; tells whether that can be known yet."""
        await session.writer.landed(session.place)
        first = await first_mark(session.store, place)
        if first is None and session.kept:
            return False
        mark = self._marks.pop(place)
        if first is not None and first.id == mark.entry_id:
            self.knowledge.add(place.companion_type, mark.told.model, mark.told.sample, mark.told.ended_at)
        return first is not None

    async def _marked(self, session: Session, place: SlotPlace, told: Told) -> None:
        """Mark a slot, unless a step of its companion is under way."""
        awake = await session.wake(place.companion_type)
        if awake.lock.locked():
            return
        # Once handed over it is stored, whoever goes away meanwhile: it is seen to the end.
        self._marking = asyncio.create_task(self._mark(session, awake, place, told), name="companions-learning")
        await asyncio.shield(self._marking)

    async def _mark(self, session: Session, awake: Awake, place: SlotPlace, told: Told) -> None:
        meta = {"model": told.model, "revisions": told.sample.revisions, "censored": told.sample.censored}
        note = Note(companion_type=place.companion_type, kind="learned", slot=place.slot, meta=meta)
        async with awake.lock:
            await session.catch_up(awake)
            if _standing(awake.companion) != told.standing:
                return
            entries = await session.record(awake, [note])
            self._marks[place] = Mark(entries[0].id, told)
            await self.show(session, awake.companion, entries)


def is_over(companion: Companion) -> bool:
    """Tell whether nothing more is to come in the newest slot: a job still picks after its loop has ended."""
    slot = companion.slot
    if slot is None or next_step(companion).step is not None:
        return False
    return slot.workflow is None or slot.picked is not None


async def _told(session: Session, place: SlotPlace, left_before: float) -> Told | None:
    """Read what a slot tells; ``None`` if it goes on, or has no draft."""
    companion = await session.look(place.companion_type)
    ended_at, standing = _ended_at(companion, place.slot, left_before), _standing(companion)
    found = None if ended_at is None else await sample_of(session, place.companion_type, place.slot)
    if ended_at is None or found is None:
        return None
    model, sample = found
    return Told(model=model, sample=sample, ended_at=ended_at, standing=standing)


def _ended_at(companion: Companion, number: int, left_before: float) -> float | None:
    """Say when a slot was over: by its own end, by the query that took its place, or because it was left."""
    slot = companion.slot
    if slot is None or slot.number < number:
        return None
    if slot.number > number:
        return slot.query.at
    return slot.newest.at if is_over(companion) or slot.newest.at <= left_before else None


def _standing(companion: Companion) -> tuple[int, ...]:
    """Name the entries by which the newest slot stands as it does."""
    slot = companion.slot
    return () if slot is None else tuple(entry.seq for entry in (slot.newest, slot.workflow, slot.pick) if entry)


async def _is_the_parents(session: Session, place: SlotPlace) -> bool:
    """Tell whether a fork only reads a slot, so that it is its parent's to count."""
    if not session.opening.base:
        return False
    return not await session.store.page(
        session.session_id,
        after=session.opening.base,
        limit=1,
        companion_type=place.companion_type,
        slot=place.slot,
        kinds=("draft", "critique", "revision"),
    )


async def first_mark(store: Store, place: SlotPlace) -> Entry | None:
    """Give the mark by which a slot was counted, if it was."""
    found = await store.page(
        place.session_id, companion_type=place.companion_type, slot=place.slot, kinds=("learned",), limit=1
    )
    return found[0] if found else None
