"""What the page waits for: that a session, or the list of them, is another than it has seen.

A wait is one request that is answered when there is something new, or after a while. News wake it at once; where other
processes send none, as on one SQLite file, it looks now and then. A look at a session reads its head and, for a
participant, their part in it; one at the list reads as many sessions as may stand before the first that is not pinned,
or where no news come all that the page shows at first, with those that are shared.
"""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

from sessions.listing import behind_pinned
from sessions.news import Change, mark_of
from sessions.news_exchange import NewsExchange
from sessions.session import gone
from sessions.sessions import Sessions

WAIT_SECONDS = 25.0
"""How long a request waits at most: less than proxies do."""
LOOK_SECONDS = 2.0
"""How often it is looked for what other processes on the store wrote and do not tell."""

SHOWN = 40
"""Sessions that the page shows at first."""
MOST_OWNERS = 4_096
"""Owners of whom it is remembered that something in their list changed, however far down."""

Seen = TypeVar("Seen", int, str)
Place = tuple[str, str]
"""The mark of an owner or participant, and a session; of no session, their list."""
Left = Callable[[], Awaitable[None]]


class Changes:
    """Waits of all pages that this process serves."""

    def __init__(self, sessions: Sessions, news: NewsExchange) -> None:
        """Listen to the news."""
        self._sessions = sessions
        self._unheard = news.channel is None and sessions.store.shared
        self._waiting: dict[Place, set[asyncio.Event]] = {}
        self._name = _token()
        self._lists: dict[str, str] = {}
        self._other_lists = _token()
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
        if change.what != "entry":
            self._note(change.owner)
        for place in ((change.owner, change.session_id), (change.owner, "")):
            for event in self._waiting.get(place, ()):
                event.set()

    def all_changed(self) -> None:
        """Wake everyone: changes may have gone unheard."""
        self._lists.clear()
        self._other_lists = _token()
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
            SessionNotFoundError: There is no such session, or no more; or it is not shared with them any more.
        """
        session = await self._sessions.find(owner, session_id, "read")

        async def look() -> int:
            if session.place.owner != owner:
                await self._sessions.find(owner, session_id, "read")
            head = await self._sessions.store.head(session_id)
            if head is None and session.place.opening is None:
                raise gone(session_id)
            return 0 if head is None else head.seq

        # A participant is told under their own mark that it is taken back.
        places = frozenset({(mark_of(session.place.owner), session_id), (mark_of(owner), session_id)})
        return await self._until(places, look, lambda found: found != seen, left)

    async def of_list(self, owner: str, seen: str, left: Left) -> str:
        """Wait until somebody's list of sessions begins differently, behind the pinned ones too; gives a mark of it.

        What is opened or written to comes to stand there; that something went from further down, or was shared, is
        known of it by the news. A mark that another process gave holds as far as the list's beginning goes.
        """
        mark = mark_of(owner)

        async def look() -> str:
            first = await behind_pinned(self._sessions, owner, 1, least=SHOWN if self._unheard else 0)
            told = [(each.head.opening.session_id, each.head.seq) for each in first]
            begins = hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()
            return f"{begins}.{self._name}.{self._lists.get(mark, self._other_lists)}"

        return await self._until(frozenset({(mark, "")}), look, lambda found: _is_new(found, seen), left)

    async def _until(
        self, places: frozenset[Place], look: Callable[[], Awaitable[Seen]], is_new: Callable[[Seen], bool], left: Left
    ) -> Seen:
        until = time.monotonic() + WAIT_SECONDS
        with self._woken(places) as event, _set_after(event, left()) as leaving:
            while True:
                event.clear()
                found = await look()
                rest = until - time.monotonic()
                if is_new(found) or rest <= 0 or self._closed or leaving.done():
                    return found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(rest, LOOK_SECONDS) if self._unheard else rest):
                        await event.wait()

    @contextlib.contextmanager
    def _woken(self, places: frozenset[Place]) -> Generator[asyncio.Event]:
        event = asyncio.Event()
        for place in places:
            self._waiting.setdefault(place, set()).add(event)
        try:
            yield event
        finally:
            for place in places:
                self._waiting[place].discard(event)
                if not self._waiting[place]:
                    del self._waiting[place]

    def _note(self, owner: str) -> None:
        """Remember that something in an owner's list changed; of those who are forgotten for it, it counts as such."""
        self._lists.pop(owner, None)
        self._lists[owner] = _token()
        if len(self._lists) > MOST_OWNERS:
            del self._lists[next(iter(self._lists))]
            self._other_lists = _token()


def _is_new(found: str, seen: str) -> bool:
    begins, process, token = found.split(".")
    began, _, rest = seen.partition(".")
    earlier, _, known = rest.partition(".")
    return begins != began or (process == earlier and token != known)


def _token() -> str:
    return secrets.token_hex(4)


@contextlib.contextmanager
def _set_after(event: asyncio.Event, work: Awaitable[None]) -> Generator["asyncio.Future[None]"]:
    """Set an event when some work ends, and drop the work at the end."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: event.set())
    try:
        yield task
    finally:
        task.cancel()
