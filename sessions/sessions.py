"""The sessions of one process: minted here, opened from the store on use, listed, forgotten, closed.

It owns the store, the writer and the cache of open sessions. Steps are made by ``steps``; what runs in the background
is kept by ``running``.
"""

import asyncio
import logging
import secrets
import string
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from companions.companion import Companion
from companions.companion_types import Library
from companions.configuration import Defaults
from companions.entries import Entry
from companions.errors import SessionNotFoundError, StoreError
from sessions.projections import preview_of, shown_after, title_of
from sessions.session import Session, gone, read_companion
from sessions.store import Head, Opening, Projection, Store
from sessions.writer import Place, Writer

log = logging.getLogger("companions.sessions")

ALPHABET = string.ascii_lowercase + string.digits
ID_LENGTH = 20
"""36 ** 20 ids: 103 bits."""
MISSING = 200
"""Entries of one page when a projection is brought up to date."""
OPEN_SESSIONS = 256
"""Open sessions kept in memory; the least recently used leave first, never one with unwritten entries."""


@dataclass(slots=True)
class Sessions:
    """All sessions that this process can reach."""

    store: Store
    library: Library
    defaults: Defaults
    writer: Writer = field(init=False)
    _open: OrderedDict[str, Session] = field(default_factory=OrderedDict[str, Session])

    def __post_init__(self) -> None:
        """Give the store its writer."""
        self.writer = Writer(self.store)

    def mint(self, owner: str) -> Session:
        """Open a new session; it is stored with its first entry."""
        session_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
        now = time.time()
        opening = Opening(session_id=session_id, owner=owner, created_at=now)
        session = Session(Place(session_id, owner, opening=opening), self.writer, opening, used_at=now)
        self._keep(session)
        return session

    async def find(self, owner: str, session_id: str) -> Session:
        """Give one of the owner's sessions.

        Raises:
            SessionNotFoundError: Unknown, forgotten or another owner's, told alike, with the caller's newest sessions.
        """
        session = self._open.get(session_id)
        if session is None:
            session = await self._open_stored(session_id)
        if session is None or session.place.owner != owner:
            raise await self._not_found(owner, session_id)
        self._open.move_to_end(session_id)
        return session

    async def read_library(self) -> Library:
        """Give the companion types as their files are now."""
        if self.library.folder is not None:
            self.library = await asyncio.to_thread(self.library.refreshed)
        return self.library

    async def newest(self, owner: str, limit: int = 3) -> str:
        """Name an owner's newest sessions in one clause, for errors."""
        heads = await self.list(owner, limit=limit)
        if not heads:
            return "You have no sessions yet: call draft with a query to open one."
        named = ", ".join(f"{head.opening.session_id} ({_title_of(head)})" for head in heads)
        return f"Your newest sessions: {named}."

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """List an owner's sessions, last used first, as they are now."""
        await self.writer.flush_projections()
        heads = await self.store.list(owner, search=search, limit=limit, offset=offset)
        return [await self._true(head) for head in heads]

    async def head(self, session: Session) -> Head:
        """Read a session's head, with a projection that is true to its entries."""
        await self.writer.flush_projections()
        head = await self.store.head(session.session_id)
        if head is None:
            raise gone(session.session_id)
        return await self._true(head)

    async def forget(self, owner: str, session_id: str) -> None:
        """Erase one of the owner's sessions from memory and store."""
        await self.find(owner, session_id)
        self.writer.forget(session_id)
        try:
            await self.store.tombstone(session_id)
        finally:
            # Last: whoever looked for it until now has put it back.
            self._open.pop(session_id, None)

    async def project(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        """Refresh what listings show after entries were stored; never fails the step that stored them."""
        try:
            await self._show(session, companion, entries)
        except Exception:
            log.exception("what listings show of session %s could not be refreshed", session.session_id)

    async def _show(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        session.last_type, session.used_at = companion.companion_type, time.time()
        if entries[0].seq != session.counted + 1:
            await self._count_again(session)
            return
        session.counted = entries[-1].seq
        if not session.title and companion.slot is not None:
            session.title = title_of(companion.slot.query.text)
        before = session.shown.get(companion.companion_type, {})
        session.shown[companion.companion_type] = shown_after(before, companion, entries)
        self.writer.project(
            Projection(
                session_id=session.session_id,
                seq=session.counted,
                title=session.title,
                last_used=session.used_at,
                preview=preview_of(companion),
                companions=dict(session.shown),
            )
        )

    async def _count_again(self, session: Session) -> None:
        """Bring what is shown up to the store's head: another process, or a sibling that lost, wrote in between."""
        try:
            head = await self.store.head(session.session_id)
            projection = None if head is None else (await self._true(head)).projection
        except StoreError:
            # The step is stored; what is shown of it stays behind and is brought up when it is next listed.
            return
        if projection is not None and projection.seq > session.counted:
            session.counted, session.title = projection.seq, projection.title
            session.shown = dict(projection.companions)
            self.writer.project(projection)

    async def rest(self) -> None:
        """Let the writer finish and end, and forget what is open: the next event loop opens it anew."""
        await self.writer.drain()
        await self.writer.stop()
        self._open.clear()

    async def _open_stored(self, session_id: str) -> Session | None:
        head = await self.store.head(session_id)
        if head is None:
            return None
        head = await self._true(head)
        known = head.projection
        place = Place(session_id, head.opening.owner, head=head.seq)
        session = Session(place, self.writer, head.opening)
        if known is not None:
            session.title, session.used_at, session.shown = known.title, known.last_used, dict(known.companions)
            session.counted = known.seq
        newest = await self.store.page(session_id, after=head.seq - 1, limit=1)
        session.last_type = newest[0].companion_type if newest else None
        self._keep(session)
        return self._open[session_id]

    def _keep(self, session: Session) -> None:
        self._open.setdefault(session.session_id, session)
        for session_id, candidate in list(self._open.items())[: max(0, len(self._open) - OPEN_SESSIONS)]:
            if not candidate.busy:
                del self._open[session_id]

    async def _not_found(self, owner: str, session_id: str) -> SessionNotFoundError:
        return SessionNotFoundError(gone(session_id).what, await self.newest(owner))

    async def _true(self, head: Head) -> Head:
        """Give a head whose projection is not older than its entries; a crash can leave one behind."""
        if head.projection is not None and head.projection.seq >= head.seq:
            return head
        projection = await self._projected(head)
        self.writer.project(projection)
        return replace(head, projection=projection)

    async def _projected(self, head: Head) -> Projection:
        """Bring a projection up to its session's head, from the entries that it does not know yet."""
        session_id, known = head.opening.session_id, head.projection
        title = "" if known is None else known.title
        shown = {} if known is None else dict(known.companions)
        missing: dict[str, list[Entry]] = {}
        after, last_used, last_type = 0 if known is None else known.seq, head.opening.created_at, ""
        while entries := await self.store.page(session_id, after=after, limit=MISSING):
            after, last_used, last_type = entries[-1].seq, entries[-1].at, entries[-1].companion_type
            for entry in entries:
                missing.setdefault(entry.companion_type, []).append(entry)
                title = title or (title_of(entry.text) if entry.kind == "query" else "")
        companions = {name: await read_companion(self.store, session_id, name) for name in missing}
        shown |= {name: shown_after(shown.get(name, {}), companions[name], missing[name]) for name in missing}
        return Projection(
            session_id=session_id,
            seq=max(after, head.seq),
            title=title,
            last_used=last_used,
            preview=preview_of(companions.get(last_type, Companion(""))),
            companions=shown,
        )


def _title_of(head: Head) -> str:
    return "untitled" if head.projection is None else head.projection.title[:40]
