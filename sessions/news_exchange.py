"""Where news of this process and of the others on its store meet: it tells both to whoever listens here.

It hears as an observer what this process stores, tells it here at once, and sends it to the others in the background, a
message for whatever has gathered. What they send comes in over a connection that is made again whenever it was lost.
"""

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from companions.entries import Entry
from companions.errors import StoreError
from sessions.ending import UNHURRIED, End
from sessions.news import Change, Channel, What, mark_of, messages, read
from sessions.observers import Observed

log = logging.getLogger("companions.news")

MOST_WAITING = 20_000
"""Changes that wait to be sent; more are not sent."""
AT_ONCE = 1_000
SEND_SECONDS = 2.0
"""How long sending one message may take."""
GATHER_SECONDS = 0.03
"""The least from one sending to the next."""
DRAIN_SECONDS = 0.3
"""How long a program that ends goes on sending, at most."""
LET_GO_SECONDS = 0.5
"""How long it then waits for connections to be let go, at most."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""How long to wait before a connection that was lost is made again; each further pause is twice as long."""
STEADY_SECONDS = 10.0
"""How long a connection must have lasted for the pauses to begin anew."""

Hear = Callable[[Change], None]


@dataclass(slots=True)
class NewsExchange:
    """The news of one process.

    Attributes:
        channel: The way to other processes; ``None`` where a store has none.
        hear: Told of each change, of whichever process.
        missed: Called when changes of other processes may have gone unheard.
    """

    channel: Channel | None = None
    hear: Hear = lambda _change: None
    missed: Callable[[], None] = lambda: None
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    _waiting: dict[Change, None] = field(default_factory=dict[Change, None])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _sent: asyncio.Event = field(default_factory=asyncio.Event)
    _listens: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: "asyncio.Task[None] | None" = None
    _listening: "asyncio.Task[None] | None" = None
    _deaf: bool = False
    _pause: float = FIRST_PAUSE
    _begun_at: float = math.inf

    async def on_created(self, session: Observed) -> None:
        """Tell of a new session."""
        self._tell(session, "created")

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        """Tell of an entry."""
        mark = mark_of(session.owner)
        self._spread(
            Change(
                owner=mark,
                session_id=session.session_id,
                what="entry",
                companion_type=entry.companion_type,
                kind=entry.kind,
                slot=entry.slot,
            )
        )

    async def on_archived(self, session: Observed) -> None:
        """Tell of a session that is archived."""
        self._tell(session, "archived")

    async def on_deleted(self, session: Observed) -> None:
        """Tell of a session that is gone, its participants first: their part in it cannot be looked up any more."""
        for principal in session.participants:
            self.granted(principal, session.session_id, False)
        self._tell(session, "deleted")

    def granted(self, principal: str, session_id: str, there: bool) -> None:
        """Tell somebody's listeners that another one's session is among theirs from now on, or no more."""
        what: What = "created" if there else "deleted"
        self._spread(Change(owner=mark_of(principal), session_id=session_id, what=what))

    def also(self, hear: Hear, missed: Callable[[], None]) -> None:
        """Tell another listener what is told already, after whoever was there before."""
        others, all_others = self.hear, self.missed

        def tell(change: Change) -> None:
            others(change)
            hear(change)

        def tell_missed() -> None:
            all_others()
            missed()

        self.hear, self.missed = tell, tell_missed

    def start(self) -> None:
        """Listen to the other processes from here on; again is harmless."""
        if self.channel is not None and self._listening is None:
            self._listening = asyncio.create_task(self._listen(self.channel), name="companions-news-listener")

    async def ready(self, seconds: float) -> None:
        """Wait, so long at most, until the other processes are listened to."""
        if self.channel is not None:
            self.start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._listens.wait()

    async def close(self, end: End = UNHURRIED) -> None:
        """Send what waits, for a moment, and let go of the connections; the next event begins anew."""
        if self._sending is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(end.share(DRAIN_SECONDS)):
                    await self._sent.wait()
        tasks = {task for task in (self._sending, self._listening) if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=end.share(LET_GO_SECONDS))
        self._sending = self._listening = None
        self._waiting.clear()
        self._wake, self._sent, self._listens = (asyncio.Event() for _ in range(3))
        if self.channel is not None:
            closing = asyncio.create_task(self.channel.close(), name="companions-news-closing")
            await asyncio.wait({closing}, timeout=end.share(LET_GO_SECONDS))
            if closing.done():
                closing.result()
            closing.cancel()

    def _tell(self, session: Observed, what: What) -> None:
        self._spread(Change(owner=mark_of(session.owner), session_id=session.session_id, what=what))

    def _spread(self, change: Change) -> None:
        self.hear(change)
        if self.channel is None or len(self._waiting) >= MOST_WAITING:
            return
        self._waiting[change] = None
        self._sent.clear()
        self._wake.set()
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(self.channel), name="companions-news-sender")

    async def _send(self, channel: Channel) -> None:
        pause, failing = FIRST_PAUSE, False
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                # Taken first: what comes while they are on their way is another change, though it may read the same.
                taken = [*islice(self._waiting, AT_ONCE)]
                for change in taken:
                    del self._waiting[change]
                fault = await _fault(self._send_all(channel, taken))
                if fault is not None and not failing:
                    log.warning("other processes are not told what changes here for now: %s", fault)
                failing = fault is not None
                if failing:
                    self._waiting = dict.fromkeys(taken) | self._waiting
                elif not self._waiting:
                    self._sent.set()
                pause = min(2 * pause, LONGEST_PAUSE) if failing else FIRST_PAUSE
                await asyncio.sleep(pause if failing else GATHER_SECONDS)

    async def _send_all(self, channel: Channel, changes: list[Change]) -> None:
        for message in messages(self.name, changes):
            async with asyncio.timeout(SEND_SECONDS):
                await channel.send(message)

    async def _listen(self, channel: Channel) -> None:
        while True:
            fault = await _fault(channel.listen(self._heard, self._begun))
            self._listens.clear()
            if not self._deaf:
                log.warning("it is not heard what changes in other processes for now: %s", fault)
            self._deaf = True
            if time.monotonic() - self._begun_at > STEADY_SECONDS:
                self._pause = FIRST_PAUSE
            self._begun_at = math.inf
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _begun(self) -> None:
        self._listens.set()
        if self._deaf:
            log.warning("what changes in other processes is heard again")
            self.missed()
        self._deaf, self._begun_at = False, time.monotonic()

    def _heard(self, message: str) -> None:
        for change in read(message, but_of=self.name):
            self.hear(change)


async def _fault(work: Coroutine[Any, Any, None]) -> str | None:
    """Do something that may fail, and say why it did, in words that may be logged."""
    try:
        await work
    except StoreError as error:
        return error.what
    except TimeoutError:
        return "The store does not answer."
    except Exception:
        log.exception("news failed in a way that is not known")
        return "The store failed."
    return None
