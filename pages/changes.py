"""What the page waits for: that a session, or the list of them, is another than it has seen.

A wait is one request that is answered when there is something new, or after a while. News wake it at once; where other
processes send none, as on one SQLite file, it looks now and then, with one cheap read.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

from sessions.labels import MOST_PINNED
from sessions.listing import listing
from sessions.news import Change, mark_of
from sessions.news_exchange import NewsExchange
from sessions.session import gone
from sessions.sessions import Sessions

WAIT_SECONDS = 25.0
"""How long a request waits at most: less than proxies do."""
LOOK_SECONDS = 2.0
"""How often it is looked for what other processes on the store wrote and do not tell."""

Seen = TypeVar("Seen", int, str)
Left = Callable[[], Awaitable[None]]


class Changes:
    """Waits of all pages that this process serves."""

    def __init__(self, sessions: Sessions, news: NewsExchange) -> None:
        """Listen to the news."""
        self._sessions = sessions
        self._unheard = news.channel is None and sessions.store.shared
        self._waiting: dict[tuple[str, str], set[asyncio.Event]] = {}
        self._closed = False
        news.also(self.changed, self.all_changed)

    def open(self) -> None:
        """Let pages wait, also again after ``close``."""
        self._closed = False

    def close(self) -> None:
        """Answer all who wait: the program ends."""
        self._closed = True
        self.all_changed()

    def changed(self, change: Change) -> None:
        """Wake those whom a change concerns."""
        for place in ((change.owner, change.session_id), (change.owner, "")):
            for event in self._waiting.get(place, ()):
                event.set()

    def all_changed(self) -> None:
        """Wake everyone: changes may have gone unheard."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def of_session(self, owner: str, session_id: str, seen: int, left: Left) -> int:
        """Wait until a session's newest entry is not ``seen``, and give its ``seq``.

        Args:
            owner: Who waits: the session must be theirs, or shared with them.
            session_id: The session.
            seen: What the page knows.
            left: Waits until the page does not wait any more.

        Raises:
            SessionNotFoundError: There is no such session, or no more.
        """
        session = await self._sessions.find(owner, session_id, "read")

        async def look() -> int:
            head = await self._sessions.store.head(session_id)
            if head is None and session.place.opening is None:
                raise gone(session_id)
            return 0 if head is None else head.seq

        return await self._until((mark_of(session.place.owner), session_id), look, seen, left)

    async def of_list(self, owner: str, seen: str, left: Left) -> str:
        """Wait until somebody's list of sessions begins differently, behind the pinned ones too; gives a mark of it."""

        async def look() -> str:
            newest = await listing(self._sessions, owner, limit=1 + MOST_PINNED)
            told = [(each.head.opening.session_id, each.head.seq) for each in newest]
            return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()

        return await self._until((mark_of(owner), ""), look, seen, left)

    async def _until(self, place: tuple[str, str], look: Callable[[], Awaitable[Seen]], seen: Seen, left: Left) -> Seen:
        until = time.monotonic() + WAIT_SECONDS
        with self._woken(place) as event, _set_after(event, left()) as leaving:
            while True:
                event.clear()
                found = await look()
                rest = until - time.monotonic()
                if found != seen or rest <= 0 or self._closed or leaving.done():
                    return found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(rest, LOOK_SECONDS) if self._unheard else rest):
                        await event.wait()

    @contextlib.contextmanager
    def _woken(self, place: tuple[str, str]) -> Generator[asyncio.Event]:
        event = asyncio.Event()
        events = self._waiting.setdefault(place, set())
        events.add(event)
        try:
            yield event
        finally:
            events.discard(event)
            if not events and self._waiting.get(place) is events:
                del self._waiting[place]


@contextlib.contextmanager
def _set_after(event: asyncio.Event, work: Awaitable[None]) -> Generator["asyncio.Future[None]"]:
    """Set an event when some work ends, and drop the work at the end."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: event.set())
    try:
        yield task
    finally:
        task.cancel()
