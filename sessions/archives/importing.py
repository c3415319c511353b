"""Bringing sessions from a file into a store, for one owner: what is there already is left alone, and nothing twice.

A session keeps its id where that is free; else it gets one that follows from its own, so that the same session finds
itself again when the import is repeated. What an import that was cut short has stored is gone on with, and says in
listings that it is not finished. Whether a session may be brought at all was checked before, by ``checking`` or where
it was made.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from companions.entries import Entry
from companions.errors import StoreAwayError, StoreError
from sessions import whole_sessions
from sessions.projections import brought_up
from sessions.retention import Retention
from sessions.session_ids import ALPHABET, LENGTH
from sessions.session_lines import entry_line
from sessions.store import Append, Committed, Gone, Head, Opening, Projection, Store

UNFINISHED = "Import not finished"
"""What the title of a session begins with until all of it is there."""
TRIES = 8
"""How often one id is looked at while others write there."""


class Source(Protocol):
    """A session that is brought."""

    @property
    def opening(self) -> Opening:
        """How it was opened elsewhere."""
        ...

    @property
    def last(self) -> int:
        """The seq of its newest entry."""
        ...

    def entries(self) -> AsyncIterator[list[Entry]]:
        """Give its own entries in order, some at a time; may be asked for more than once."""
        ...

    def as_told(self, entry: Entry) -> Entry:
        """Give an entry without what is not the file's own, so that those of the same file are the same."""
        ...


@dataclass(slots=True, kw_only=True)
class Imported:
    """What an import came to.

    Attributes:
        sessions: How many were brought or gone on with.
        entries: How many entries were stored.
        there: Sessions that were there already.
        unpinned: How many were pinned in the file and are not here, since no more may be.
        ids: By its id in the file, each session's id in the store.
        erased: Those of the file's ids that no session can have here any more, since theirs was erased.
    """

    sessions: int = 0
    entries: int = 0
    there: int = 0
    unpinned: int = 0
    ids: dict[str, str] = field(default_factory=dict[str, str])
    erased: set[str] = field(default_factory=set[str])

    @property
    def renamed(self) -> dict[str, str]:
        """The ids that are other than in the file."""
        return {old: new for old, new in self.ids.items() if old != new}


class Importing:
    """One import into one store."""

    def __init__(self, store: Store, owner: str, retention: Retention) -> None:
        self._store, self._owner, self._retention = store, owner, retention
        self.imported = Imported()

    async def bring(self, source: Source) -> None:
        """Bring a session, behind the one that it was forked from.

        Raises:
            StoreError: The store failed; what was stored stays, and is gone on with.
        """
        opened = source.opening
        parent = None if opened.parent is None else self.imported.ids[opened.parent]
        for session_id in _ids(self._owner, opened.session_id):
            opening = replace(opened, session_id=session_id, owner=self._owner, parent=parent)
            if await self._brought(source, opening):
                self.imported.ids[opened.session_id] = session_id
                return

    async def _brought(self, source: Source, opening: Opening) -> bool:
        """Bring a session under an id, unless that is another's."""
        stored = 0
        for _ in range(TRIES):
            head = await self._store.head(opening.session_id)
            if head is not None and not await self._same(source, opening, head):
                return False
            after = opening.base if head is None else head.seq
            added = await self._add(source, opening, after, new=head is None)
            stored += 0 if added is None else added
            if added is None:
                await self._check_parent(opening)
                self.imported.erased.add(opening.session_id)
                return False
            head = await self._store.head(opening.session_id)
            if head is not None and head.seq >= source.last:
                await self._finish(head, stored)
                return True
        raise StoreAwayError(f"Others write to session {opening.session_id} all the time.", "Import it again later.")

    async def _same(self, source: Source, opening: Opening, head: Head) -> bool:
        """Tell whether a session of the store is the one that is brought, as far as both go."""
        there, base = head.opening, opening.base
        forked = opening.parent is None or (there.parent, there.base) == (opening.parent, base)
        if there.owner != self._owner or not forked:
            return False
        last = min(source.last, head.seq)
        stored = _stored(self._store, there.session_id, base, last)
        return await _digest(source, _taken(source, last)) == await _digest(source, stored)

    async def _add(self, source: Source, opening: Opening, after: int, *, new: bool) -> int | None:
        """Store what is missing; gives how many entries were, ``None`` if the id is a forgotten session's."""
        stored, now = 0, opening if new else None
        async for batch in _batches(source, after):
            entries = tuple(replace(_without_copies(entry), author=self._owner) for entry in batch)
            append = Append(session_id=opening.session_id, entries=entries, opening=now)
            (outcome,) = await self._store.append([append])
            if isinstance(outcome, Gone):
                return None
            if not isinstance(outcome, Committed):
                return stored
            stored, now = stored + len(entries), None
            if entries[-1].seq < source.last:
                await self._store.project([self._unfinished(opening, entries[-1].seq, source.last)])
        return stored

    async def _check_parent(self, opening: Opening) -> None:
        """Refuse to take a forgotten parent for a forgotten id."""
        if opening.parent is not None and await self._store.head(opening.parent) is None:
            raise StoreError(f"Session {opening.parent} was forgotten meanwhile.", "Import the file again.")

    def _unfinished(self, opening: Opening, seq: int, last: int) -> Projection:
        title = f"{UNFINISHED}: {seq:,} of {last:,} entries"
        return Projection(
            session_id=opening.session_id, seq=seq, title=title, last_used=time.time(), preview="", companions={}
        )

    async def _finish(self, head: Head, stored: int) -> None:
        """Show a session that is there as a whole as what it is, and count it."""
        if stored:
            self.imported.sessions += 1
            self.imported.entries += stored
        else:
            self.imported.there += 1
        known = head.projection
        if not stored and known is not None and not known.title.startswith(UNFINISHED):
            return
        shown = await brought_up(self._store, replace(head, projection=None))
        now = time.time()
        if self._retention.expired(replace(head, projection=shown), now):
            # Else what was not used for long would be deleted as soon as it is there.
            shown = replace(shown, last_used=now)
        await self._store.project([shown])


def derived(owner: str, name: str, number: int) -> str:
    """Give an id that follows from a name, the same for the same owner, and that nobody guesses who lacks the name."""
    rest = int.from_bytes(hashlib.sha256(f"{number}\n{owner}\n{name}".encode()).digest())
    letters = ""
    for _ in range(LENGTH):
        rest, place = divmod(rest, len(ALPHABET))
        letters += ALPHABET[place]
    return letters


def _ids(owner: str, session_id: str) -> Iterator[str]:
    yield session_id
    yield from (derived(owner, session_id, number) for number in count(1))


async def _batches(source: Source, after: int) -> AsyncGenerator[list[Entry]]:
    """Give the entries behind one, as many at a time as a store takes at once."""
    batch, size = list[Entry](), 0
    async for entries in source.entries():
        for entry in entries:
            if entry.seq <= after:
                continue
            length = len(entry_line(entry))
            if batch and (len(batch) == whole_sessions.MOST_ENTRIES or size + length > whole_sessions.MOST_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(entry)
            size += length
    if batch:
        yield batch


async def _taken(source: Source, last: int) -> AsyncGenerator[list[Entry]]:
    async for entries in source.entries():
        yield [entry for entry in entries if entry.seq <= last]
        if entries and entries[-1].seq >= last:
            return


async def _stored(store: Store, session_id: str, after: int, last: int) -> AsyncGenerator[list[Entry]]:
    async for page in whole_sessions.pages(store, session_id, after, last):
        yield [entry for entry, _ in page]


def _without_copies(entry: Entry) -> Entry:
    """Leave out what a provider is said to keep: a file that names it may be anybody's, and so may what it names."""
    return replace(entry, meta={key: value for key, value in entry.meta.items() if key != "native"})


def _lines(source: Source, entries: list[Entry]) -> bytes:
    return b"".join(entry_line(source.as_told(_without_copies(entry))) for entry in entries)


async def _digest(source: Source, entries: AsyncIterator[list[Entry]]) -> str:
    """Digest what entries say, as far as a source tells it."""
    found = hashlib.sha256()
    async for several in entries:
        found.update(await asyncio.to_thread(_lines, source, several))
    return found.hexdigest()
