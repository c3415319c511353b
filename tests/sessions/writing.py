"""What tests of the background writer share: places, single writes, and the writer's own log."""

import asyncio
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from companions.entries import Entry
from sessions.keeping import Keeper
from sessions.places import Place, Receipt
from sessions.store import Committed, Opening, Store
from sessions.stores.guarded import GuardedStore
from sessions.writer import Writer
from tests.sessions.building import note
from tests.sessions.faults import OWNER, FaultyStore


def writer_on(store: Store) -> Writer:
    return Writer(Keeper(GuardedStore(store)))


def place(session_id: str = "s1") -> Place:
    return Place(session_id, OWNER, opening=Opening(session_id=session_id, owner=OWNER, created_at=1.0))


async def write(writer: Writer, where: Place, *texts: str) -> tuple[Entry, ...]:
    entries, receipt = writer.hand_over(where, [note(text=text) for text in texts or ("x",)])
    assert await receipt == Committed()
    return entries


async def held(writer: Writer, faulty: FaultyStore, where: Place) -> Receipt:
    """Hand something over and hold its commit, so that what follows gathers behind it."""
    gate = faulty.holds("append")
    _, receipt = writer.hand_over(where, [note()])
    await gate.reached.wait()
    return receipt


async def seqs(store: FaultyStore, session_id: str = "s1") -> list[int]:
    return [entry.seq for entry in await store.store.page(session_id, limit=10_000)]


async def shown(store: FaultyStore, session_id: str) -> str | None:
    head = await store.store.head(session_id)
    return None if head is None or head.projection is None else head.projection.title


def timers(owner: object) -> int:
    """Count what an object of ours has scheduled for later; asyncio has no public name for it."""
    scheduled: Sequence[Any] = vars(asyncio.get_running_loop())["_scheduled"]
    return sum(not timer.cancelled() and getattr(timer._callback, "__self__", None) is owner for timer in scheduled)


@contextmanager
def log_of(name: str) -> Generator[list[str]]:
    """Collect what a log says, and keep it out of the test's own."""
    said = list[str]()
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.propagate = False
    yield said
    logger.propagate = True
    logger.removeHandler(handler)
