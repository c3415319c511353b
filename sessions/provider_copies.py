"""What a provider keeps of sessions: found by what their drafts' entries tell, and deleted there when they go.

What becomes of a session is decided elsewhere, and so is how a provider is asked. Nothing here holds up a step.
"""

import contextlib
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field

from companions.entries import Entry
from companions.errors import StoreError
from companions.native_sessions import response_id
from companions.responses_api import Deleting
from sessions.observers import Observed
from sessions.observing import Observing
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
UNREAD = "What its model's provider keeps of it could not be looked up, so it is still there."


@dataclass(slots=True)
class ProviderCopies:
    """An observer too: what is archived is deleted at the provider, and a session that is used again goes on without.

    Attributes:
        store: Where the entries are.
        provider: Where their texts are kept besides; ``None`` where no model can be asked.
    """

    store: Store
    provider: Deleting | None = None

    def keep_up(self, provider: Deleting, observing: Observing) -> None:
        """Have what a provider keeps deleted from now on."""
        self.provider = provider
        observing.add("provider", self)

    async def found(self, session_id: str) -> tuple[str, ...] | None:
        """Find what is kept of a session, what it shares with its parent left out; ``None`` if it cannot be read."""
        try:
            head = await self.store.head(session_id)
            return () if head is None else await self._found(head)
        except StoreError:
            return None

    def delete_later(self, responses: Iterable[str] | None) -> None:
        """Delete in the background."""
        if self.provider is not None:
            self.provider.delete_later(responses or ())

    async def delete(self, responses: Sequence[str] | None, seconds: float = SECONDS) -> tuple[str, ...]:
        """Delete within a bound, and tell what could not be, a sentence each."""
        if responses is None:
            return (UNREAD,)
        left = responses if self.provider is None else await self.provider.delete(responses, seconds)
        if not left:
            return ()
        count = "1 draft" if len(left) == 1 else f"{len(left):,} drafts"
        more = "" if len(left) <= NAMED else f" and {len(left) - NAMED:,} more"
        told = f"The model's provider may still keep {count} of it, which it could not be asked to delete in time."
        return (f"{told} Delete there: {', '.join(left[:NAMED])}{more}.",)

    @contextlib.asynccontextmanager
    async def gathered(self) -> AsyncGenerator["Gathered"]:
        """Gather what is kept of several sessions, to delete it in the end; also if not all of them could be erased."""
        gathered = Gathered(self)
        try:
            yield gathered
        except StoreError:
            self.delete_later(gathered.responses)
            raise

    async def leave(self, head: Head) -> None:
        """Have deleted, in the background, what is kept of a session that is about to be deleted."""
        self.delete_later(await self.found(head.opening.session_id))

    async def on_created(self, session: Observed) -> None:
        """Nothing is kept yet."""

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        """Take note that a response is told of in the store."""
        del session
        response = response_id(entry.meta.get("native"))
        if response is not None and self.provider is not None:
            self.provider.recorded(response)

    async def on_archived(self, session: Observed) -> None:
        """Have deleted what is kept of it."""
        self.delete_later(await self.found(session.session_id))

    async def on_deleted(self, session: Observed) -> None:
        """Its entries are gone: whoever deleted it has seen to it."""

    async def _found(self, head: Head) -> tuple[str, ...]:
        responses, after = list[str](), head.opening.base
        while entries := await self.store.page(head.opening.session_id, after=after, limit=PAGE, kinds=TELLING):
            told = (response_id(entry.meta.get("native")) for entry in entries)
            responses += [response for response in told if response is not None]
            after = entries[-1].seq
        return tuple(responses)


@dataclass(slots=True)
class Gathered:
    """What is kept of several sessions.

    Attributes:
        responses: The ids of responses.
        unread: In how many sessions they could not be looked up.
    """

    copies: ProviderCopies
    responses: list[str] = field(default_factory=list[str])
    unread: int = 0

    async def add(self, session_id: str) -> None:
        """Add what is kept of a session."""
        found = await self.copies.found(session_id)
        self.responses += found or ()
        self.unread += found is None

    async def leave(self, head: Head) -> None:
        """Add what is kept of a session that is about to be deleted."""
        await self.add(head.opening.session_id)

    async def delete(self) -> tuple[str, ...]:
        """Delete all of it within a bound, and tell what could not be, a sentence each."""
        left = await self.copies.delete(self.responses, ERASE_SECONDS)
        return (*left, *((UNREAD,) if self.unread else ()))
