"""Where a companion's slots lie in its session, found in a few short reads however long the session is.

A companion's steps stand in the order of their places: slot after slot, in each the queries, the drafts, then critique
and revision in turn; what is written again directly follows what it replaces. So a place is found by looking between
entries that are known already, and none of the others is read. What is said of a slot beside its steps stands anywhere
behind its query and before the next slot's. What is shown of a slot is ``paged_views``'s work.
"""

import math
from bisect import bisect_right, insort
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace

from companions.companion import Companion, Slot
from companions.entries import Entry
from sessions.corrections import as_corrected, corrections
from sessions.session import Session

STEPS = ("query", "draft", "critique", "revision")
TOLD = (*STEPS, "workflow", "pick")
"""With what is said of a slot beside its steps."""
SHOWN = (*TOLD, "alternative")
"""With the texts that another process came before."""
PAGE = 100
"""Entries that are read at a time."""
FEW = 6
"""Entries that are read at a time while a place is looked for: so many of them lie near it once a guess is good."""
VERSION = frozenset({"draft", "revision"})
JUDGED_BY = frozenset({"threshold", "threshold_source"})
"""What a query keeps of the configuration that its slot began with."""
END = math.inf
"""The place behind every step of a slot."""

Place = tuple[int, float]
"""A slot, and a step in it."""


async def companion_at(session: Session, companion_type: str, slot: int | None) -> Companion:
    """Give a companion as an earlier slot left it, or as it stands now; also if it never had that slot.

    Of an earlier slot it holds what views show: query, draft, newest critique, the newest two revisions, the version
    that stands and the one that was picked, how it ended, and of its configuration the threshold; the rest of that is
    the present one's.
    """
    companion = await session.look(companion_type)
    if slot is None or companion.slot is None or slot >= companion.slot.number:
        return companion
    return await left_at(session, companion, slot)


async def left_at(session: Session, companion: Companion, slot: int) -> Companion:
    """Give a companion as it left an earlier slot than the one that it stands in."""
    steps = await _Steps(session, companion).of(slot)
    earlier = Companion(companion.companion_type)
    for entry in [*steps, *await corrections(session.store, session.session_id, companion.edits, steps)]:
        earlier.apply(entry)
    earlier.configuration, earlier.edits = companion.configuration, companion.edits
    if earlier.slot is not None and earlier.configuration is not None:
        # The ``configure`` in force may lie anywhere before the slot; its query says what is told of it.
        told = {name: value for name, value in earlier.slot.query.meta.items() if name in JUDGED_BY}
        earlier.configuration = replace(earlier.configuration, **told)
    return earlier


async def steps_of(
    session: Session, companion: Companion, slot: int | None, *, after: int = 0, kinds: Sequence[str] = STEPS
) -> AsyncIterator[Entry]:
    """Give a companion's entries behind a seq in order: all of them, or those of the slot that it stands in.

    Each stands in its place with the text that it was corrected to, if it was.
    """
    standing = companion.slot
    if standing is None:
        return
    if slot and after < standing.query.seq:
        after = max(after, await before_slot(session, companion, slot))
    last = _last_of(standing) if slot is not None else max(standing.newest.seq, session.place.head)
    while after < last:
        entries = await session.store.page(
            session.session_id,
            after=after,
            limit=min(PAGE, last - after),
            companion_type=companion.companion_type,
            kinds=kinds,
        )
        for entry in await as_corrected(session.store, session.session_id, companion.edits, entries):
            if entry.seq <= last and (slot is None or entry.slot == standing.number):
                yield entry
        after = entries[-1].seq if entries else last


async def before_slot(session: Session, companion: Companion, slot: int) -> int:
    """Give the seq of the newest step before a slot, 0 where there is none."""
    before = None if slot == 0 else await _Steps(session, companion).newest((slot - 1, END))
    return 0 if before is None else before.seq


async def page_of(
    session: Session, companion: Companion, slot: int | None, *, after: int, kinds: Sequence[str] = STEPS
) -> list[Entry]:
    """Give the first hundred of those."""
    found: list[Entry] = []
    async for entry in steps_of(session, companion, slot, after=after, kinds=kinds):
        found.append(entry)
        if len(found) == PAGE:
            break
    return found


async def version_at(session: Session, companion: Companion, slot: int, version: int) -> Entry | None:
    """Give a version of a slot: 0 is the draft, k the k-th revision; of one written again, the newest."""
    found = await _Steps(session, companion).newest((slot, 2 * version + 1))
    if found is None or _place(found) != (slot, 2 * version + 1):
        return None
    return (await as_corrected(session.store, session.session_id, companion.edits, [found]))[0]


class _Steps:
    """A companion's steps, of which the newest and some others are known.

    Its reads pass over what other companions wrote in between, which costs the store time, but no reads.
    """

    def __init__(self, session: Session, companion: Companion) -> None:
        self._session = session
        self._companion_type = companion.companion_type
        # In order; between each and the seq that stands beside it here, there is no other step.
        self._known: list[Entry] = []
        self._since: dict[int, int] = {}
        for entry in _held(companion):
            self._learn(entry, entry.seq - 1)

    async def of(self, slot: int) -> list[Entry]:
        """Give the entries of a slot that make up a companion which it left, in order."""
        end = await self.newest((slot, END))
        if end is None or end.slot != slot:
            return []
        _, step = _place(end)
        # From behind, since each is near the one before it: critique k stands at 2k + 2, its revision at 2k + 3.
        critique, revision = step - step % 2, step - 1 + step % 2
        found = [end, *await self._at(slot, *(each for each in (critique, revision, revision - 2) if each > 1))]
        newest = max((entry for entry in found if entry.kind == "revision"), key=lambda entry: entry.seq, default=end)
        base = 2 * newest.meta["based_on"] + 1 if newest.meta.get("guard") else 1
        found += await self._at(slot, base, 1, 0)
        written = max((entry for entry in found if entry.kind in VERSION), key=lambda entry: entry.seq, default=end)
        said = await self._said(slot, since=written)
        picked = [2 * entry.meta["version"] + 1 for entry in said if entry.kind == "pick" and "version" in entry.meta]
        found += [*said, *await self._at(slot, *picked[-1:])]
        by_seq = {entry.seq: entry for entry in found}
        return [by_seq[seq] for seq in sorted(by_seq)]

    async def _said(self, slot: int, *, since: Entry) -> list[Entry]:
        """Give what is said of a slot behind one of its steps; a pick before its newest version is out of date."""
        said: list[Entry] = []
        after = since.seq
        while entries := await self._page(after, TOLD):
            beyond = next((number for number, entry in enumerate(entries) if entry.slot > slot), None)
            said += [entry for entry in entries[:beyond] if entry.kind not in STEPS and entry.slot == slot]
            if beyond is not None:
                break
            after = entries[-1].seq
        return said

    async def _at(self, slot: int, *steps: float) -> list[Entry]:
        found = [await self.newest((slot, step)) for step in steps]
        return [entry for entry, step in zip(found, steps, strict=True) if entry and _place(entry) == (slot, step)]

    async def newest(self, place: Place) -> Entry | None:
        """Give the newest step at a place or, if there is none, before it."""
        turn = 0
        while True:
            index = bisect_right(self._known, place, key=_place)
            low = self._known[index - 1] if index else None
            if index == len(self._known):
                return low
            high, first = self._known[index], low.seq if low else 0
            last = self._since[high.seq]
            if last <= first:
                return low
            guess = first + (last - first) // 2
            if turn % 2 == 0:
                # Slots are often of a length; where they are not, halving goes on in every other turn.
                guess = first + int((last - first) * _share(place, low, high)) - FEW // 2
            await self._read(max(first, min(guess, last - 1 if last - first > FEW else first)), high)
            turn += 1

    async def _read(self, after: int, high: Entry) -> None:
        entries = await self._page(after, STEPS)
        if not entries or entries[0].seq >= high.seq:
            self._since[high.seq] = after
        for entry in entries:
            self._learn(entry, after)
            after = entry.seq

    async def _page(self, after: int, kinds: Sequence[str]) -> list[Entry]:
        return await self._session.store.page(
            self._session.session_id, after=after, limit=FEW, companion_type=self._companion_type, kinds=kinds
        )

    def _learn(self, entry: Entry, since: int) -> None:
        if entry.seq not in self._since:
            insort(self._known, entry, key=lambda known: known.seq)
        self._since[entry.seq] = min(since, self._since.get(entry.seq, since))


def _held(companion: Companion) -> Iterable[Entry]:
    """Give the steps that a companion in memory holds."""
    for exchange in companion.history:
        yield from (exchange.query, exchange.answer)
    slot = companion.slot
    if slot is not None:
        yield from filter(None, (slot.query, slot.draft, slot.critique, slot.revision, slot.base, *slot.versions))


def _last_of(slot: Slot) -> int:
    """Give the seq of a slot's last entry."""
    return max(entry.seq for entry in (slot.newest, slot.workflow, slot.pick) if entry is not None)


def _place(entry: Entry) -> Place:
    match entry.kind:
        case "query":
            return entry.slot, 0
        case "draft":
            return entry.slot, 1
        case "critique":
            return entry.slot, 2 * entry.index + 2
        case _:
            return entry.slot, 2 * entry.index + 3


def _share(place: Place, low: Entry | None, high: Entry) -> float:
    """Guess how far between two steps a place lies, were all slots of a length."""
    (slot, step), first, last = place, _place(low) if low else (0, -1.0), _place(high)
    if first[0] == slot == last[0]:
        return (step + 1 - first[1]) / (last[1] - first[1])
    begin = _along(first)
    return (_along(place) - begin) / (_along(last) - begin)


def _along(place: Place) -> float:
    """Tell a place as a number: the slot, and how much of it may lie before the step."""
    slot, step = place
    return slot + (1 if step == END else max(step, 0) / (step + FEW))
