"""Who may watch which resources, and what a change in some process's sessions is to each watcher.

A watcher is let near nothing but what its principal may read: any other session is refused in the words, and after the
reads of the store, of one that does not exist. Of one that is shared with them it is looked up again before each news
whether it still is. How a client asks and is told is the protocol's, in ``middleware``.
"""

from collections.abc import Awaitable, Callable, Sequence

from companions.errors import InputError, StoreAwayError, StoreError
from resources.topics import lists, topic
from resources.watchers import LIST, MOST_URIS, News, Watched, Watcher, Watchers
from sessions.finding import found_head, role_in
from sessions.news import Change, mark_of
from sessions.news_exchange import NewsExchange
from sessions.sessions import Sessions

LONGEST_URI = 1_000
SHOWN = 200
READY_SECONDS = 2.0
"""How long a subscription waits until other processes are listened to, so that it hears from the first moment on."""
AGAIN_SECONDS = 1.0
"""How long after a failed look at whether a session is still shared it is looked again."""

Exists = Callable[[str], Awaitable[bool]]


class Subscriptions:
    """What clients watch."""

    def __init__(
        self,
        sessions: Sessions,
        news: NewsExchange,
        owner: Callable[[], str],
        until: Callable[[], float | None],
        exists: Exists,
    ) -> None:
        """Listen to the news.

        Args:
            sessions: Where it is looked up whose a session is.
            news: What changes.
            owner: Gives the principal of the present request.
            until: Gives when that one's access ends, in seconds since the epoch.
            exists: Tells whether the server has a resource of a URI.
        """
        self._sessions = sessions
        self._news = news
        self._owner = owner
        self._until = until
        self._exists = exists
        self._watchers = Watchers()
        self._closed = False
        news.hear, news.missed = self.changed, self.all_changed

    def open(self) -> None:
        """Take watchers, also again after ``close``."""
        self._closed = False

    def close(self) -> None:
        """Let all watchers go: the program ends."""
        self._closed = True
        for watcher in self._watchers.all():
            watcher.close()

    def join(self, *, listing: bool, stream: bool) -> Watcher:
        """Make a watcher for the present request's owner, which ends when that one's access does.

        Args:
            listing: Whether it hears that the list of resources changed.
            stream: Whether it is there to listen only, and so is one of those that an owner may not have too many of.

        Raises:
            InputError: The owner has too many.
            StoreAwayError: The server is ending.
        """
        if self._closed:
            raise StoreAwayError("The server is ending.", "Connect again in a moment.")
        watcher = Watcher(self._owner(), until=self._until(), listing=listing, stream=stream)
        self._watchers.add(watcher)
        return watcher

    def renew(self, watcher: Watcher) -> None:
        """Let a watcher hear as long as the present request's access lasts, if it is the same owner's."""
        if watcher.principal == self._owner():
            watcher.renew(self._until())

    def leave(self, watcher: Watcher) -> None:
        """Let a watcher go."""
        watcher.close()
        self._watchers.remove(watcher)

    async def watch(self, watcher: Watcher, uri: str) -> None:
        """Let a watcher hear of a resource.

        Raises:
            InputError: There is no such resource, or it would be too many.
            SessionNotFoundError: There is no such session for its principal.
            StoreError: That cannot be told now, or the watcher has ended meanwhile.
        """
        if not await self._served(uri):
            raise InputError(
                f"There is no resource {uri[:SHOWN]!r}.", "Use one that resources/list or its templates name."
            )
        about, owner = topic(uri), self._owner()
        if about.session_id:
            owner = (await self._sessions.find(owner, about.session_id, "read")).place.owner
        await self._ready(watcher)
        if uri not in watcher.uris:
            self._watchers.check_room(watcher, 1)
            self._watchers.watch(watcher, uri, Watched(about, mark_of(owner)))

    def unwatch(self, watcher: Watcher, uri: str) -> None:
        """Let a watcher hear of a resource no more; one that it does not watch is passed over."""
        self._watchers.unwatch(watcher, uri)

    async def watch_all(self, watcher: Watcher, uris: Sequence[str]) -> list[str]:
        """Let a watcher hear of those resources that there are, and give them.

        Raises:
            InputError: They are too many.
            StoreError: Which there are cannot be told now, or the watcher has ended meanwhile.
        """
        wanted = list(dict.fromkeys(uris))
        self._watchers.check_room(watcher, len(wanted))
        found: dict[str, Watched] = {}
        owners: dict[str, str | None] = {"": self._owner()}
        for uri in wanted[:MOST_URIS]:
            about = topic(uri)
            if not await self._served(uri):
                continue
            if about.session_id not in owners:
                owners[about.session_id] = await self._owner_of(about.session_id)
            if (owner := owners[about.session_id]) is not None:
                found[uri] = Watched(about, mark_of(owner))
        await self._ready(watcher)
        self._watchers.check_room(watcher, len(found))
        for uri, watched in found.items():
            self._watchers.watch(watcher, uri, watched)
        return [*found]

    async def next(self, watcher: Watcher) -> News | None:
        """Wait for something that changed and that the watcher may still hear of; ``None`` at the end."""
        while (news := await watcher.next()) is not None:
            watched = None if news is LIST else watcher.uris.get(news)
            if watched is None or watched.owner == watcher.owner:
                return news
            while (shared := await self._still_shared(watcher, watched)) is None:
                if not await watcher.rests(AGAIN_SECONDS):
                    return None
            if shared:
                return news
            if news is not LIST:
                self._watchers.unwatch(watcher, news)
        return None

    def changed(self, change: Change) -> None:
        """Tell those whom a change concerns."""
        self._end(change)
        for session_id in (change.session_id, ""):
            for watcher, uris in self._watchers.at(change.owner, session_id).items():
                for uri in uris:
                    if watcher.uris[uri].topic.changed_by(change):
                        watcher.tell(uri)
        if lists(change):
            for watcher in self._watchers.of(change.owner):
                if watcher.listing:
                    watcher.tell(LIST)

    def all_changed(self) -> None:
        """Tell everyone that everything may have changed: other processes were not heard for a while."""
        for watcher in self._watchers.all():
            for uri in (uri for uri, watched in watcher.uris.items() if not watched.topic.still):
                watcher.tell(uri)
            if watcher.listing:
                watcher.tell(LIST)

    def _end(self, change: Change) -> None:
        """Tell those a last time from whom another one's session is taken, by a take-back or because it is erased."""
        if change.what != "deleted":
            return
        for watcher in self._watchers.of(change.owner):
            for uri, watched in [*watcher.uris.items()]:
                if watched.topic.session_id == change.session_id and watched.owner != watcher.owner:
                    self._watchers.unwatch(watcher, uri)
                    watcher.tell(uri)

    async def _ready(self, watcher: Watcher) -> None:
        await self._news.ready(READY_SECONDS)
        if watcher.closed:
            raise StoreAwayError("What this connection is told has ended.", "Connect again, and subscribe there.")

    async def _served(self, uri: str) -> bool:
        return len(uri) <= LONGEST_URI and await self._exists(uri)

    async def _owner_of(self, session_id: str) -> str | None:
        """Say whose a session is that the present request's principal may read."""
        principal, session = self._owner(), self._sessions.open.get(session_id)
        if session is not None and session.place.owner == principal:
            return principal
        found = await found_head(self._sessions.writer, principal, session_id)
        return None if found is None else found.head.opening.owner

    async def _still_shared(self, watcher: Watcher, watched: Watched) -> bool | None:
        """Tell whether a watcher still takes part in another one's session; ``None`` while nobody can say."""
        try:
            return await role_in(self._sessions.store, watched.topic.session_id, watcher.principal) is not None
        except StoreError:
            return None
