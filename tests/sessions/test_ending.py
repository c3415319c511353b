"""The end of a process whose observer, news and store all hang: each has its share of the time, and nothing is lost."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from companions.entries import Entry
from sessions.ending import End, Ending
from sessions.lifetime import Lifetime
from sessions.news_exchange import NewsExchange
from sessions.observers import Observed
from sessions.spool.spool import Spool
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Process, until
from tests.sessions.spooling import ROOM, STORE

SECONDS = 4.0
HELD = ("tail", "page", "head", "list", "project", "lease", "shares", "put_share", "close")


@dataclass(slots=True)
class Deaf:
    """Something that does not let itself be cancelled before the test says so."""

    released: asyncio.Event = field(default_factory=asyncio.Event)
    called: list[str] = field(default_factory=list[str])

    async def hang(self, name: str) -> None:
        self.called.append(name)
        while not self.released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.released.wait()


class DeafObserver(Deaf):
    """An observer of that kind."""

    async def on_created(self, session: Observed) -> None:
        await self.hang(session.session_id)

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        del entry
        await self.hang(session.session_id)

    async def on_archived(self, session: Observed) -> None:
        await self.hang(session.session_id)

    async def on_deleted(self, session: Observed) -> None:
        await self.hang(session.session_id)


class DeafChannel(Deaf):
    """A way to other processes of that kind."""

    async def send(self, message: str) -> None:
        del message
        await self.hang("send")

    async def listen(self, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
        del hear, listening
        await self.hang("listen")

    async def close(self) -> None:
        await self.hang("close")


class Models:
    """What is closed last."""

    closed = False

    async def warm_later(self) -> None:
        """Prepare nothing."""

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


def unheard(_error: Any) -> None:
    """Hear that keys do not fit, which they do."""


async def test_whatever_hangs_has_its_share_and_what_can_be_kept_is_kept(tmp_path: Path) -> None:
    process = Process.on(MemoryStore(), spool=Spool(tmp_path, STORE, limit=ROOM))
    observer, channel, models = DeafObserver(), DeafChannel(), Models()
    news = NewsExchange(channel)
    observing = process.calls.desk.sessions.observing
    observing.add("deaf", observer)
    observing.add("news", news)
    news.start()
    lifetime = Lifetime(calls=process.calls, models=models, ending=Ending(SECONDS), refused=unheard, news=news)
    made = await process.step("draft", query="Where?", text="Here.")
    await until(lambda: bool(observer.called) and {"send", "listen"} <= {*channel.called})
    appends = process.store.holds("append")
    call = asyncio.create_task(process.call("critique", made.session_id, text="Why here?"))
    await appends.reached.wait()
    for name in HELD:
        process.store.holds(name)

    began = time.monotonic()
    try:
        await lifetime.drain()
        assert time.monotonic() - began < SECONDS + 1
        assert models.closed
        assert "close" in channel.called
    finally:
        for deaf in (observer, channel):
            deaf.released.set()
        await asyncio.wait({call})
    heir = Spool(tmp_path, STORE, limit=ROOM)
    await heir.adopt()
    assert [entry.text for each in await heir.take() for entry in each.append.entries] == ["Why here?"]
    await heir.close()


async def test_a_share_is_never_more_than_half_of_what_is_left() -> None:
    now = asyncio.get_running_loop().time()
    assert End().share(0.3) == 0.3
    assert End(now + 100).share(0.3) == 0.3
    assert 0 < End(now + 0.2).share(0.3) <= 0.1
    assert End(now - 1).share(0.3) == 0


async def test_the_clock_runs_from_the_moment_that_the_process_was_told() -> None:
    told: list[End] = []

    async def step(end: End) -> None:
        told.append(end)

    async def hangs(end: End) -> None:
        told.append(end)
        await asyncio.Event().wait()

    ending, since = Ending(0.2), asyncio.get_running_loop().time() - 0.1
    await ending.end(step, hangs, step, since=since)
    await ending.end(step)
    assert told == [End(since + 0.2)] * 4
