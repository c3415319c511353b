"""Fills stores quickly with sessions as the program would have written them: long ones, many, and heavy ones.

Entries are copies of ones that the program itself made, with places and texts of their own; nothing is measured here.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from benchmarks.figures import words
from benchmarks.growth import COMPANION, OWNER, desk
from companions.entries import Entry
from companions.models import Step
from companions.requests import Request
from sessions.resting import rest
from sessions.steps import Caller
from sessions.store import Append, Committed, Opening, Projection, Store

SLOT = 19
"""Steps of one slot: a draft and nine rounds."""
BATCH = 500
"""Entries of one append."""
SIZE, SHORT_SIZE = 1_000, 200
EPOCH = 1_700_000_000.0
RARE = "zyzzyva"
"""A word of the oldest session's title alone."""


@dataclass(slots=True)
class Session:
    """A session that was made.

    Attributes:
        seq: Its newest entry when it was made.
        slot: Its newest slot.
        coming: Its next step.
    """

    session_id: str
    seq: int
    slot: int
    coming: Step


@dataclass(frozen=True, slots=True)
class Filling:
    """Fills one store.

    Attributes:
        patterns: By kind, an entry that the program made.
    """

    store: Store
    patterns: dict[str, Entry]

    @classmethod
    async def of(cls, store: Store) -> "Filling":
        """Let the program make one session, to copy from."""
        made = desk(store)
        session = made.sessions.mint(OWNER)
        for request in (
            Request(step="draft", query=words(60), text=words(SIZE)),
            Request(step="critique", text=words(SIZE)),
            Request(step="revise", text=words(SIZE)),
        ):
            await made.step(session, COMPANION, request, Caller())
        await rest(made.sessions)
        return cls(store, {entry.kind: entry for entry in await store.page(session.session_id)})

    async def long(self, session_id: str, steps: int, *, slot: int = SLOT) -> Session:
        """Make a session of so many steps, in slots of so many: a draft and some rounds."""
        opening: Opening | None = _opening(session_id, 0)
        newest, entries = None, self._placed(_thinking(steps, slot), SIZE)
        for batch in iter(lambda: tuple(itertools.islice(entries, BATCH)), ()):
            await self._append(Append(session_id=session_id, entries=batch, opening=opening))
            opening, newest = None, batch[-1]
        if newest is None:
            raise ValueError(f"a session has at least one step, not {steps}")
        await self.store.project([_shown(session_id, newest, "The long question", EPOCH)])
        return _session(session_id, newest)

    async def many(self, count: int) -> None:
        """Make so many sessions of three steps, each newer than the one before."""
        size = BATCH // 5
        for first in range(0, count, size):
            numbers = range(first, min(first + size, count))
            made = {number: tuple(self._placed(_thinking(3), SHORT_SIZE)) for number in numbers}
            await self._append(
                *(
                    Append(session_id=f"many-{n}", entries=entries, opening=_opening(f"many-{n}", n))
                    for n, entries in made.items()
                )
            )
            await self.store.project(
                [
                    _shown(f"many-{n}", entries[-1], f"A question {words(40)}" + ("" if n else f" {RARE}"), EPOCH + n)
                    for n, entries in made.items()
                ]
            )

    async def heavy(self, session_id: str, size: int) -> Session:
        """Make a session of three steps whose texts take so many bytes together."""
        entries = tuple(self._placed(_thinking(3), size // 3))
        await self._append(Append(session_id=session_id, entries=entries, opening=_opening(session_id, 0)))
        return _session(session_id, entries[-1])

    async def _append(self, *appends: Append) -> None:
        outcomes = await self.store.append(appends)
        if any(not isinstance(outcome, Committed) for outcome in outcomes):
            raise TypeError(f"the store answered {outcomes[:3]}")

    def _placed(self, places: Iterable[tuple[str, int, int]], size: int) -> Iterator[Entry]:
        """Give entries at places: kind, slot and index."""
        for seq, (kind, slot, index) in enumerate(places, start=1):
            pattern = self.patterns[kind]
            text = words({"configure": 0, "query": 60}.get(kind, size))
            meta = {**pattern.meta, "based_on": index} if kind == "revision" else pattern.meta
            yield replace(pattern, seq=seq, id=f"filled-{seq}", slot=slot, index=index, text=text, meta=meta)


def _thinking(steps: int, each: int = SLOT) -> Iterator[tuple[str, int, int]]:
    yield "configure", 0, 0
    for number in range(steps):
        slot, place = divmod(number, each)
        if place == 0:
            yield "query", slot, 0
            yield "draft", slot, 0
        else:
            yield "critique" if place % 2 else "revision", slot, (place - 1) // 2


def _opening(session_id: str, age: int) -> Opening:
    return Opening(session_id=session_id, owner=OWNER, created_at=EPOCH + age)


def _session(session_id: str, newest: Entry) -> Session:
    coming: Step = "revise" if newest.kind == "critique" else "critique"
    return Session(session_id, newest.seq, newest.slot, coming)


def _shown(session_id: str, newest: Entry, title: str, at: float) -> Projection:
    return Projection(
        session_id=session_id,
        seq=newest.seq,
        title=title,
        last_used=at,
        preview=newest.text[:200],
        companions={COMPANION: {"phase": "critique", "slot": newest.slot, "iteration": 1}},
    )
