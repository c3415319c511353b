"""Ours: the background writer over a store, without the steps, tools and protocol above them."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.persistence.workload import COMPANION, OWNER, Session, kind_of
from companions.entries import Note
from sessions.awake import WINDOW
from sessions.keeping import Keeper
from sessions.opening import open_store
from sessions.places import Place
from sessions.store import Committed, Opening, Store
from sessions.stores.guarded import GuardedStore
from sessions.writer import Writer

DRAFT = 3
"""Entries that open a session: configure, query, draft."""
AT_ONCE = 100
"""Entries of one hand-over when a session is built."""


class RefusedError(Exception):
    """The session's head was another."""


class OurSession(Session):
    """A session's place in the writer, without the companions in it."""

    def __init__(self, store: Store, writer: Writer, place: Place) -> None:
        """Take a place that nothing was written to yet, or one that was loaded."""
        self._store, self._writer, self._place = store, writer, place

    async def step(self, text: str) -> None:
        """Hand an entry over and wait for its receipt."""
        await self._append([_note(self._place.head - DRAFT, text)])

    async def grow(self, texts: Sequence[str]) -> None:
        """Hand over many entries at once."""
        step = self._place.head - DRAFT
        notes = [_note(step + number, text) for number, text in enumerate(texts)]
        for first in range(0, len(notes), AT_ONCE):
            await self._append(notes[first : first + AT_ONCE])

    async def load(self) -> None:
        """Read the tail, whose last entry is the newest while one companion alone writes critiques and revisions."""
        tail = await self._store.tail(self._place.session_id, COMPANION, WINDOW)
        self._place.head, self._place.fenced = tail[-1].seq, False

    async def everything(self) -> list[str]:
        """Read all entries in one page; those that open the session are no steps."""
        entries = await self._store.page(self._place.session_id, limit=1_000_000)
        return [entry.text for entry in entries[DRAFT:]]

    async def numbers(self) -> list[int]:
        """Read the numbers of all entries."""
        return [entry.seq for entry in await self._store.page(self._place.session_id, limit=1_000_000)]

    async def begin(self) -> None:
        """Write what opens the session."""
        configure = Note(companion_type=COMPANION, kind="configure", slot=0, meta={"threshold": 1.0})
        query = Note(companion_type=COMPANION, kind="query", slot=0, text="What is to be done?")
        draft = Note(companion_type=COMPANION, kind="draft", slot=0, text="Little.")
        await self._append([configure, query, draft])

    async def _append(self, notes: Sequence[Note]) -> None:
        _, receipt = self._writer.hand_over(self._place, notes)
        outcome = await receipt
        if not isinstance(outcome, Committed):
            raise RefusedError(str(outcome))


@dataclass(frozen=True, slots=True)
class Ours:
    """One process of ours: a writer over a store."""

    store: Store
    writer: Writer

    async def session(self, name: str) -> OurSession:
        """Give a session; one that is not known is made."""
        head = await self.store.head(name)
        place = Place(session_id=name, owner=OWNER)
        session = OurSession(self.store, self.writer, place)
        if head is not None:
            await session.load()
            return session
        place.opening = Opening(session_id=name, owner=OWNER, created_at=time.time())
        await session.begin()
        return session


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Ours]:
    """Open the store of a URL with a writer over it."""
    store = GuardedStore(open_store(url))
    writer = Writer(Keeper(store))
    try:
        yield Ours(store, writer)
        await writer.drain()
    finally:
        await writer.stop()
        await store.close()


def _note(step: int, text: str) -> Note:
    kind = kind_of(step)
    meta = {"based_on": step // 2} if kind == "revision" else {}
    return Note(companion_type=COMPANION, kind=kind, slot=0, index=step // 2, text=text, meta=meta)
