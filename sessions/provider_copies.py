"""What a provider keeps of sessions: found by what their drafts' entries tell, and deleted there when they go.

What becomes of a session is decided elsewhere, and so is how a provider is asked. Nothing here holds up a step.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field

from companions.entries import Entry
from companions.errors import StoreAwayError, StoreError
from companions.native_sessions import KeptResponse, kept_response
from companions.responses_api import Deleting
from sessions.observers import Observed
from sessions.observing import Observing
from sessions.projections import brought_up
from sessions.provider_marks import deleted_until, marked
from sessions.spool.spool import Spool
from sessions.store import Head, Store

PAGE = 100
"""Entries that are read at a time."""
TELLING = ("draft", "alternative")
"""Kinds of entries that can tell of a response."""
NAMED = 20
"""Responses that a sentence names."""
SECONDS = 5.0
"""How long whoever forgets a session waits for its provider."""
ERASE_SECONDS = 60.0
"""The same for all sessions of an owner."""
ARCHIVED_SECONDS = 60.0
"""How long a page of a session that is archived may take, which nobody waits for."""
REST_SECONDS = 3_600.0
"""How long a provider that did not answer is asked nothing about sessions that are archived."""
UNREAD = "What its model's provider keeps of it could not be looked up, so it is still there."


@dataclass(slots=True)
class ProviderCopies:
    """An observer too, which hears of responses that the store has come to name.

    Attributes:
        store: Where the entries are.
        spool: Where they wait while the store is away.
        provider: Where their texts are kept besides; ``None`` where no model can be asked.
    """

    store: Store
    spool: Spool | None = None
    provider: Deleting | None = None
    _rests_until: float = -REST_SECONDS

    def keep_up(self, provider: Deleting, observing: Observing) -> None:
        """Have what a provider keeps deleted from now on."""
        self.provider = provider
        observing.add("provider", self)

    async def found(self, session_id: str) -> tuple[KeptResponse, ...] | None:
        """Find what is kept of a session, what it shares with its parent left out; ``None`` if it cannot be read.

        Raises:
            StoreAwayError: The store cannot be asked now.
        """
        try:
            # First: what is brought home meanwhile is in the store then.
            spooled = await self._spooled(session_id)
            head = await self.store.head(session_id)
            stored = () if head is None else await self._stored(head)
        except StoreAwayError:
            raise
        except StoreError:
            return None
        return tuple(dict.fromkeys([*stored, *spooled]))

    def delete_later(self, responses: Iterable[KeptResponse] | None) -> None:
        """Delete in the background."""
        if self.provider is not None:
            self.provider.delete_later(responses or ())

    async def delete(self, responses: Sequence[KeptResponse], seconds: float) -> tuple[str, ...]:
        """Delete within a bound, and tell what could not be, a sentence each."""
        left = responses if self.provider is None else await self.provider.delete(responses, seconds)
        if not left:
            return ()
        count = "1 draft" if len(left) == 1 else f"{len(left):,} drafts"
        more = "" if len(left) <= NAMED else f" and {len(left) - NAMED:,} more"
        told = f"The model's provider may still keep {count} of it, which it could not be asked to delete in time."
        return (f"{told} Delete there: {', '.join(response.id for response in left[:NAMED])}{more}.",)

    @contextlib.asynccontextmanager
    async def gathered(self) -> AsyncGenerator["Gathered"]:
        """Gather what is kept of sessions that are erased, to delete it in the end.

        If that end is not reached, it is deleted in the background: nothing else names it then.
        """
        gathered = Gathered(self)
        try:
            yield gathered
        except BaseException:
            self.delete_later(gathered.responses)
            raise

    async def leave(self, head: Head) -> None:
        """Have deleted, in the background, what is kept of a session that is about to be deleted."""
        self.delete_later(await self.found(head.opening.session_id))

    async def archive(self, head: Head) -> None:
        """Delete what is kept of a session that is archived, once; if it is used again, it goes on without.

        How far that is done is kept in the store. What a provider says nothing about is tried again with the next call;
        after one that is slow to say nothing, calls do nothing for a while.

        Raises:
            StoreError: The store failed; the next call begins where this one did.
        """
        if self.provider is None or deleted_until(head.projection) >= head.seq or time.monotonic() < self._rests_until:
            return
        now = await self.store.head(head.opening.session_id)
        if now is None or now.seq != head.seq:
            return  # used again: the next round sees what it is then
        before = max(deleted_until(now.projection), now.opening.base)
        done = await self._deleted(now, before, self.provider)
        if done > before:
            await self.store.project([marked(now.projection or await brought_up(self.store, now), done)])

    async def on_created(self, session: Observed) -> None:
        """Nothing is kept yet."""

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        """Take note that a response is told of in the store."""
        del session
        response = kept_response(entry.meta.get("native"))
        if response is not None and self.provider is not None:
            self.provider.recorded(response)

    async def on_archived(self, session: Observed) -> None:
        """Whoever found it archived has seen to it."""

    async def on_deleted(self, session: Observed) -> None:
        """Its entries are gone: whoever deleted it has seen to it."""

    async def _deleted(self, head: Head, after: int, provider: Deleting) -> int:
        """Delete what is kept of a session behind a ``seq``, and give the one up to which nothing is left."""
        began, session_id = time.monotonic(), head.opening.session_id
        while entries := await self.store.page(session_id, after=after, limit=PAGE, kinds=TELLING):
            if not await provider.delete_for_good(_told(entries), ARCHIVED_SECONDS):
                if time.monotonic() - began > SECONDS:
                    self._rests_until = time.monotonic() + REST_SECONDS
                return after
            after = entries[-1].seq
        return head.seq

    async def _stored(self, head: Head) -> list[KeptResponse]:
        told, after = list[KeptResponse](), head.opening.base
        while entries := await self.store.page(head.opening.session_id, after=after, limit=PAGE, kinds=TELLING):
            told += _told(entries)
            after = entries[-1].seq
        return told

    async def _spooled(self, session_id: str) -> list[KeptResponse]:
        if self.spool is None or session_id not in self.spool.waiting:
            return []
        waiting = [each.append for each in await self.spool.take(self.spool.entries)]
        return [told for append in waiting if append.session_id == session_id for told in _told(append.entries)]


@dataclass(slots=True)
class Gathered:
    """What is kept of several sessions."""

    copies: ProviderCopies
    _found: dict[str, tuple[KeptResponse, ...] | None] = field(
        default_factory=dict[str, "tuple[KeptResponse, ...] | None"]
    )
    _dropped: list[KeptResponse] = field(default_factory=list[KeptResponse])

    @property
    def responses(self) -> tuple[KeptResponse, ...]:
        """All that was found."""
        found = [response for found in self._found.values() for response in found or ()]
        return tuple(dict.fromkeys([*found, *self._dropped]))

    async def add(self, session_id: str, dropped: Iterable[Entry] = ()) -> None:
        """Add what is kept of a session, to which nothing is written any more.

        Args:
            session_id: The session.
            dropped: Entries of it that are stored nowhere.

        Raises:
            StoreAwayError: The store cannot be asked now.
        """
        self._dropped += _told(dropped)
        self._found[session_id] = await self.copies.found(session_id)

    def stays(self, session_id: str) -> None:
        """Leave out what is kept of a session that could not be erased."""
        self._found.pop(session_id, None)

    async def leave(self, head: Head) -> None:
        """Add what is kept of a session that is about to be deleted."""
        await self.add(head.opening.session_id)

    async def delete(self, seconds: float = ERASE_SECONDS) -> tuple[str, ...]:
        """Delete all of it within a bound, and tell what could not be, a sentence each."""
        left = await self.copies.delete(self.responses, seconds)
        return (*left, *((UNREAD,) if None in self._found.values() else ()))


def _told(entries: Iterable[Entry]) -> list[KeptResponse]:
    told = (kept_response(entry.meta.get("native")) for entry in entries if entry.kind in TELLING)
    return [response for response in told if response is not None]
