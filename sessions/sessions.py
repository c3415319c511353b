"""The sessions of one process: minted here, opened from the store on use, listed, forgotten, closed.

It owns the store, the writer and the cache of open sessions. Steps are made by ``steps``; what runs in the background
is kept by ``running``.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import InitVar, dataclass, field, replace
from itertools import takewhile

from companions.companion import Companion
from companions.companion_types import Library
from companions.configuration import Defaults
from companions.entries import Entry
from companions.errors import StoreAwayError, StoreError
from sessions.choosing_models import named_models
from sessions.finding import Finder, Right, listed
from sessions.keeping import Keeper
from sessions.knowledge import Knowledge
from sessions.learning import Learner
from sessions.leases import Leases
from sessions.left_sessions import LeftSessions
from sessions.listing import newest
from sessions.observing import Observing
from sessions.open_sessions import OpenSessions
from sessions.places import Place
from sessions.projections import brought_up, label_of
from sessions.projector import Projector
from sessions.provider_copies import Gathered, ProviderCopies
from sessions.pruning import keep_pruned
from sessions.reconciling import Reconciled
from sessions.retention import Retention
from sessions.session import Session, gone
from sessions.session_ids import new_id
from sessions.slot_counting import SlotCounter
from sessions.spool.spool import Spool
from sessions.store import Head, Opening, Store
from sessions.stores.guarded import GuardedStore
from sessions.versioned_store import VersionedStore
from sessions.writer import Writer

log = logging.getLogger("companions.sessions")


@dataclass(slots=True)
class Sessions:
    """All sessions that this process can reach.

    Attributes:
        source: The store as it was opened; ``store`` is the same one, within bounds.
        spool: Where entries wait while the store is away.
        early: Whether a step is answered before it is stored.
        sealed: Whether texts are sealed, so that a search sees ids, companion types and dates alone.
        retention: How long sessions are kept; archived ones are found by search and id, and not listed otherwise.
        priced: The models that the table of prices names.
        versioned: Tells the version of what is stored; ``None`` where nothing outlives the process.
        open: The sessions in memory.
        copies: What providers keep of sessions.
    """

    source: InitVar[Store]
    library: Library
    defaults: Defaults
    spool: Spool | None = None
    early: bool = False
    sealed: bool = False
    retention: Retention = field(default_factory=Retention)
    priced: Collection[str] = ()
    versioned: VersionedStore | None = None
    open: OpenSessions = field(default_factory=OpenSessions)
    leases: Leases = field(init=False)
    store: GuardedStore = field(init=False)
    writer: Writer = field(init=False)
    projector: Projector = field(init=False)
    learner: Learner = field(init=False)
    observing: Observing = field(init=False)
    finder: Finder = field(init=False)
    copies: ProviderCopies = field(init=False)

    def __post_init__(self, source: Store) -> None:
        """Give the store its bounds and its writer."""
        self.store = GuardedStore(source)
        self.observing = Observing(self.open, self.store)
        self.store.on_stored = self.observing.stored
        self.copies = ProviderCopies(self.store, self.spool)
        self.writer = Writer(Keeper(self.store, self.spool, self._moved), early=self.early)
        self.projector = Projector(self.store)
        self.leases = Leases(self.store)
        self.finder = Finder(open=self.open, writer=self.writer, true=self._true, newest=self.newest)
        configured = lambda: named_models(self.library, self.defaults, self.priced)  # noqa: E731 (both may change)
        knowledge = Knowledge(store=self.store, configured=configured)
        counter = SlotCounter(find=self.find, show=self.project, leases=self.leases, knowledge=knowledge)
        self.learner = Learner(counter=counter, knowledge=knowledge, left=LeftSessions(self.store))

    def mint(self, owner: str, *, parent: str | None = None, base: int = 0) -> Session:
        """Open a new session, or one that begins as its parent was at an entry; it is stored with its first entry."""
        session_id = new_id()
        now = time.time()
        opening = Opening(session_id=session_id, owner=owner, created_at=now, parent=parent, base=base)
        place = Place(session_id, owner, head=base, opening=opening)
        return self.open.keep(Session(place, self.writer, self.store, opening, used_at=now))

    async def find(self, principal: str, session_id: str, right: Right = "own") -> Session:
        """Give a session that is somebody's, or shared with them.

        Args:
            principal: Who asks.
            session_id: The session.
            right: What it is asked for.

        Raises:
            SessionNotFoundError: Unknown, forgotten or none of theirs, told alike, with the caller's newest sessions.
            RoleError: It is shared with them, and their role does not go so far.
        """
        return await self.finder.find(principal, session_id, right)

    async def read_library(self) -> Library:
        """Give the companion types as their files are now."""
        if self.library.folder is not None:
            self.library = await asyncio.to_thread(self.library.refreshed)
        return self.library

    async def newest(self, principal: str) -> str:
        """Name somebody's newest sessions in one clause, for errors."""
        return await newest(self, principal)

    async def list(
        self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0, archived: bool = False
    ) -> list[Head]:
        """List an owner's own sessions, last used first, as they are now; a search always gives archived ones too."""
        await self.projector.flush()
        heads = await self.store.list(owner, search=search, limit=limit, offset=offset)
        if not search and not archived:
            # They are in order of use, so that those that are left out are the last.
            now = time.time()
            heads = [*takewhile(lambda head: not self.retention.archived(head, now), heads)]
        return [await self.shown(head) for head in heads]

    async def shown(self, head: Head) -> Head:
        """Give a head for a listing: true, or as it is if its session does not open."""
        return await listed(head, self._true)

    async def head(self, session: Session) -> Head:
        """Read a session's head, with a projection that is true to its entries."""
        await self.projector.flush()
        await self.writer.landed(session.place)
        await self.writer.settled(session.session_id)
        head = await self.store.head(session.session_id)
        if head is None:
            raise gone(session.session_id)
        return await self._true(head)

    async def forget(self, owner: str, session_id: str, copies: Gathered | None = None) -> None:
        """Erase one of the owner's sessions from memory and store; what is kept of it elsewhere is gathered."""
        session = await self.find(owner, session_id)
        place, company = session.place, await self.observing.company(session.opening)
        self.projector.forget(session_id)
        place.forgotten = True
        try:
            await self.writer.landed(place)
            if copies is not None:
                await copies.add(session_id, place.dropped)
            await self.writer.keeper.forget(session_id)
        except StoreAwayError:
            place.forgotten = False
            raise
        except StoreError:
            await self.observing.deleted_perhaps(session.opening, company)
            raise
        else:
            self.observing.deleted(session.opening, company)
        finally:
            # Last: whoever looked for it until now has put it back.
            self.open.leave(session_id)

    async def project(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        """Refresh what listings show after entries were stored; never fails the step that stored them."""
        self.open.weigh(session)
        if any(entry.kind != "learned" for entry in entries):
            session.last_type, session.used_at = companion.companion_type, time.time()
        try:
            await self._show(session, companion, entries)
            self.learner.on_entry(session, companion, entries)
        except Exception:
            log.exception("what listings show of session %s could not be refreshed", session.session_id)

    async def _show(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        if entries[0].seq == session.counted + 1:
            self.projector.show(session, companion, entries)
        else:
            await self.count_again(session)

    async def count_again(self, session: Session) -> None:
        """Bring what is shown up to the store's head: another process, or a sibling that lost, wrote in between."""
        try:
            head = await self.store.head(session.session_id)
            projection = None if head is None else (await self._true(head)).projection
        except StoreError:
            # The step is stored; what is shown of it stays behind and is brought up when it is next listed.
            return
        if projection is not None and projection.seq > session.counted:
            session.counted, session.label = projection.seq, label_of(projection)
            session.shown = dict(projection.companions)
            self.projector.project(projection)

    async def keep_pruned(self) -> None:
        """Delete what is older than sessions are kept, now and then, until cancelled."""
        spared, copies, observing = self.writer.keeper.waits, self.copies, self.observing
        leaving, archiving = copies.leave, copies.archive
        await keep_pruned(
            self.store, self.retention, spared=spared, observing=observing, leaving=leaving, archiving=archiving
        )

    def _moved(self, session_id: str, done: Reconciled) -> None:
        """Take note that another process wrote first to a session whose entries were answered before."""
        session = self.open.get(session_id)
        if session is None:
            return
        session.place.fenced = True
        session.place.lost |= done.lost
        session.foreign += 1
        if done.alternatives:
            session.notices.append(
                "Another process wrote to this session first. Texts from here that are kept beside it: "
                f"{done.alternatives}; show_thinking with part=transcript shows them."
            )

    async def _true(self, head: Head) -> Head:
        """Give a head whose projection is not older than its entries; a crash can leave one behind."""
        if head.projection is not None and head.projection.seq >= head.seq:
            return head
        projection = await brought_up(self.store, head)
        self.projector.project(projection)
        return replace(head, projection=projection)
