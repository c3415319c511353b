"""Telling observers, beside the calls and never on their path: what is stored is noted, and told in the background.

Each observer has a line of its own, so that a slow one holds up nobody; how a line is told is ``observer_line``'s work,
and what observers do with it their own.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from companions.entries import Entry
from companions.errors import StoreError
from sessions.ending import UNHURRIED, End
from sessions.observer_line import Event, ObserverLine, Tell, Waiting
from sessions.observers import Observed, Observer
from sessions.open_sessions import OpenSessions
from sessions.principals import LOCAL
from sessions.store import Append, Opening, Store

log = logging.getLogger("companions.observers")

Load = Callable[[], Sequence[tuple[str, Observer]]]
"""Gives observers by name; it may block, and is called in a thread."""
DRAIN_SECONDS = 0.3
"""How long a program that ends goes on telling, at most."""
CANCEL_SECONDS = 1.0
"""How long it then waits for observers to let go, at most."""


@dataclass(slots=True)
class Observing:
    """The observers of one process.

    Attributes:
        open: The sessions in memory, of which nothing has to be looked up.
        store: Where the others are looked up.
        load: Gives further observers; asked once, in the background.
    """

    open: OpenSessions
    store: Store
    load: Load | None = None
    _lines: list[ObserverLine] = field(default_factory=list["ObserverLine"])
    _early: Waiting = field(default_factory=Waiting)
    _loading: "asyncio.Task[None] | None" = None

    @property
    def watched(self) -> bool:
        """Whether anybody may want to hear."""
        return bool(self._lines) or self.load is not None

    def add(self, name: str, observer: Observer) -> None:
        """Have an observer told of what becomes of sessions from now on."""
        self._lines.append(ObserverLine(name, observer, self._opening))

    def start(self) -> None:
        """Load the observers that are yet to be loaded, in the background."""
        if self.load is not None and self._loading is None:
            self._loading = asyncio.create_task(self._load(self.load), name="companions-observers")

    def stored(self, append: Append) -> None:
        """Take note of entries that are in the store now; costs the same however long a session is."""
        if not self.watched:
            return
        tell = [_on_created] if append.opening is not None else []
        tell += [_on_entry(entry) for entry in append.entries]
        weight = sum(len(entry.text) for entry in append.entries)
        self._put(Event(append.session_id, append.opening or self._known(append.session_id), tell, weight))

    def archived(self, opening: Opening) -> None:
        """Take note of a session that is archived from now on."""
        self._put(Event(opening.session_id, opening, [_on_archived]))

    async def company(self, opening: Opening) -> tuple[str, ...]:
        """Read who takes part in a session that is to be erased: they are to hear of it, and go with it."""
        if not self.watched or opening.owner == LOCAL:
            return ()
        with contextlib.suppress(StoreError):  # it is to be erased also if that cannot be told
            return tuple(part.principal for part in (await self.store.grants.of(opening.session_id)).participants)
        return ()

    def deleted(self, opening: Opening, company: tuple[str, ...] = ()) -> None:
        """Take note of a session that was erased."""
        self._put(Event(opening.session_id, opening, [_on_deleted(company)]))

    async def deleted_perhaps(self, opening: Opening, company: tuple[str, ...] = ()) -> None:
        """Take note of a session whose erasure failed, if it is gone: only its traces in a log may be left."""
        with contextlib.suppress(StoreError):
            if await self.store.head(opening.session_id) is None:
                self.deleted(opening, company)

    async def rest(self, end: End = UNHURRIED) -> None:
        """Tell what waits, for a moment, and forget the rest; the next event begins anew, in another loop too."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(end.share(DRAIN_SECONDS)):
                while busy := self._busy():
                    await asyncio.wait(busy)
        busy = self._busy()
        for line in self._lines:
            line.drop()
        self._loading, self._early = None, Waiting()
        for task in busy:
            task.cancel()
        if busy:
            await asyncio.wait(busy, timeout=end.share(CANCEL_SECONDS))

    def _busy(self) -> "set[asyncio.Task[None]]":
        tasks = (self._loading, *(line.task for line in self._lines))
        return {task for task in tasks if task is not None and not task.done()}

    def _put(self, event: Event) -> None:
        for line in self._lines:
            line.put(event)
        if self.load is not None:
            self._early.put(event)
            self.start()

    async def _load(self, load: Load) -> None:
        try:
            loaded = await asyncio.to_thread(load)
        except Exception:
            log.exception("observers could not be loaded")
            loaded = ()
        early, self._early, self.load = self._early, Waiting(), None
        for name, observer in loaded:
            self.add(name, observer)
            for event in early.events:
                self._lines[-1].put(event)
            if early.refused:
                self._lines[-1].miss(early.refused)

    def _known(self, session_id: str) -> Opening | None:
        session = self.open.get(session_id)
        return None if session is None else session.opening

    async def _opening(self, event: Event) -> Opening | None:
        """Look up whose session an ended process has left here; of one that is gone by now nothing is told."""
        head = await self.store.head(event.session_id)
        event.opening = None if head is None else head.opening
        return event.opening


async def _on_created(observer: Observer, session: Observed) -> None:
    await observer.on_created(session)


async def _on_archived(observer: Observer, session: Observed) -> None:
    await observer.on_archived(session)


def _on_deleted(company: tuple[str, ...]) -> Tell:
    return lambda observer, session: observer.on_deleted(replace(session, participants=company))


def _on_entry(entry: Entry) -> Tell:
    return lambda observer, session: observer.on_entry(session, entry)
