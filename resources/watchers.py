"""Who watches which resources, and what each is still to be told: one watcher for each connection or listening stream.

A watcher is told no more than that something changed, each thing once until it has been sent, so that a slow one keeps
little and holds up nobody. How it is sent is the transport's work; who may watch what is ``subscriptions``'s.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Literal

from companions.errors import InputError
from resources.topics import Topic
from sessions.news import mark_of

LIST: Literal[True] = True
"""Stands among URIs for the list of resources."""
MOST_URIS = 256
"""Of one watcher."""
MOST_OF_OWNER = 4_096
"""URIs of all watchers of an owner."""
MOST_WATCHERS = 256
"""Of one owner."""

News = str | Literal[True]
"""A URI, or ``LIST``."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is behind a URI, and the mark of whose it is: of a session that is shared with a watcher, another one's."""

    topic: Topic
    owner: str


@dataclass(slots=True, eq=False)
class Watcher:
    """One that is told.

    Attributes:
        principal: Whose it is.
        until: When that ends, in seconds since the epoch: its access token does; ``None`` for never.
        listing: Whether it hears that the list of resources changed.
        stream: Whether it is there to listen only; a connection does other work too, and may never ask to be told.
        uris: What it watches, each with the mark of whose it is.
        closed: Whether it is told nothing more.
    """

    principal: str
    until: float | None = None
    listing: bool = False
    stream: bool = False
    uris: dict[str, Watched] = field(default_factory=dict[str, Watched])
    closed: bool = False
    _news: dict[News, None] = field(default_factory=dict[News, None])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def owner(self) -> str:
        """The mark of its principal."""
        return mark_of(self.principal)

    @property
    def counts(self) -> bool:
        """Whether it is one of those that an owner may not have too many of."""
        return self.stream or bool(self.uris)

    def renew(self, until: float | None) -> None:
        """Go by a newer access token."""
        if until != self.until:
            self.until = until
            self._wake.set()

    def tell(self, news: News) -> None:
        """Note something that changed."""
        self._news[news] = None
        self._wake.set()

    def close(self) -> None:
        """End: what waits is still given, and then nothing."""
        self.closed = True
        self._wake.set()

    async def next(self) -> News | None:
        """Wait for something that changed; ``None`` at the end."""
        while not self._expire() and not self._news and not self.closed:
            self._wake.clear()
            seconds = None if self.until is None else self.until - time.time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        if self._expire():
            return None
        if not self._news:
            return None
        news = next(iter(self._news))
        del self._news[news]
        return news

    async def rests(self, seconds: float) -> bool:
        """Wait so long; ``False`` if it has ended by then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.closed:
                    self._wake.clear()
                    await self._wake.wait()
        return not self._expire() and not self.closed

    def _expire(self) -> bool:
        """Tell whether its token has ended; then it is closed, and what waits is not given."""
        expired = self.until is not None and self.until <= time.time()
        self.closed = self.closed or expired
        return expired


class Watchers:
    """All watchers, found by what a change touches."""

    def __init__(self) -> None:
        self._of_owner: dict[str, set[Watcher]] = {}
        self._by_place: dict[tuple[str, str], dict[Watcher, set[str]]] = {}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._of_owner)

    def all(self) -> list[Watcher]:
        """Give all there are."""
        return [watcher for watchers in self._of_owner.values() for watcher in watchers]

    def of(self, owner: str) -> set[Watcher]:
        """Give an owner's."""
        return self._of_owner.get(owner, set())

    def at(self, owner: str, session_id: str) -> dict[Watcher, set[str]]:
        """Give those who watch something of a session, with the URIs; of no session, what is about all of them."""
        return self._by_place.get((owner, session_id), {})

    def add(self, watcher: Watcher) -> None:
        """Take a new one.

        Raises:
            InputError: The owner has too many.
        """
        if watcher.counts:
            self._check_count(watcher.owner)
        self._of_owner.setdefault(watcher.owner, set()).add(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Let one go, with all that it watches; again is harmless."""
        for uri in [*watcher.uris]:
            self.unwatch(watcher, uri)
        watchers = self._of_owner.get(watcher.owner, set())
        watchers.discard(watcher)
        if not watchers:
            self._of_owner.pop(watcher.owner, None)

    def check_room(self, watcher: Watcher, wanted: int) -> None:
        """Refuse more than one may watch.

        Raises:
            InputError: It is.
        """
        if wanted and not watcher.counts:
            self._check_count(watcher.owner)
        if len(watcher.uris) + wanted > MOST_URIS:
            raise InputError(f"A connection may watch {MOST_URIS} resources.", "Watch fewer, or unsubscribe from some.")
        if sum(len(each.uris) for each in self.of(watcher.owner)) + wanted > MOST_OF_OWNER:
            raise InputError(
                f"Your connections may watch {MOST_OF_OWNER:,} resources together.", "Unsubscribe from some."
            )

    def _check_count(self, owner: str) -> None:
        if sum(each.counts for each in self.of(owner)) >= MOST_WATCHERS:
            raise InputError(f"{MOST_WATCHERS} connections of yours listen already.", "Close one of them.")

    def watch(self, watcher: Watcher, uri: str, watched: Watched) -> None:
        """Let a watcher hear of a URI."""
        watcher.uris[uri] = watched
        self._by_place.setdefault(_place(watched), {}).setdefault(watcher, set()).add(uri)

    def unwatch(self, watcher: Watcher, uri: str) -> None:
        """Let it hear of it no more; again is harmless."""
        watched = watcher.uris.pop(uri, None)
        if watched is None:
            return
        place = _place(watched)
        with contextlib.suppress(KeyError):
            self._by_place[place][watcher].discard(uri)
            if not self._by_place[place][watcher]:
                del self._by_place[place][watcher]
            if not self._by_place[place]:
                del self._by_place[place]


def _place(watched: Watched) -> tuple[str, str]:
    """Say where a change looks for it."""
    return watched.owner, watched.topic.session_id
