"""A store within bounds: every call has a deadline of ours, and none waits for a store that is known to be away.

It repeats calls that may go through later and tells an append that was stored although its call failed by the ids of
its entries. What becomes of entries while the store is away is the writer's work.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions.ending import UNHURRIED, End
from sessions.erasure_store import Reader, Wiped
from sessions.pattern_store import Share
from sessions.store import Append, Committed, Conflict, Head, Outcome, Projection, Size, Store, Window
from sessions.stores.deadlines import Patience, answers, away
from sessions.stores.guarded_attachments import GuardedAttachments
from sessions.stores.guarded_grants import GuardedGrants
from sessions.stores.recognising import known, recognised

log = logging.getLogger("companions.store")
T = TypeVar("T")

DEADLINE = 2.0
"""Seconds that a call may take, its repetitions included."""
HURRY = 0.5
"""The same at shutdown, and never more than half of the time that is left."""
PAUSE = 0.02
"""Seconds before a call is first repeated; each further pause is twice as long."""
PATIENCE = 10.0
"""The same for searches, counts and erasures, which may have much to do."""
PROBE_SECONDS = 0.5
"""How often a store that is away is asked whether it is back."""


@dataclass(slots=True)
class GuardedStore:
    """The ``Store`` protocol over another store, in time or not at all.

    Attributes:
        store: The store itself.
        seconds: How long each call may take.
        patience: How long searches, counts and erasures may.
        away: Whether the store is known to be away; calls then fail at once until a probe has reached it.
        loaded: Whether what the store needs has been imported.
        on_back: Called when it is back.
        on_stored: Called with each append that is in the store from now on.
    """

    store: Store
    seconds: float = DEADLINE
    patience: float = PATIENCE
    away: bool = False
    loaded: bool = False
    on_back: Callable[[], None] = lambda: None
    on_stored: Callable[[Append], None] = lambda _append: None
    _end: End | None = None
    _probing: "asyncio.Task[None] | None" = None
    _waiting: set[Patience] = field(default_factory=set[Patience])

    @property
    def deadline(self) -> float:
        """Seconds that a call may take now."""
        return self.seconds if self._end is None else min(self.seconds, self._end.share(HURRY))

    @property
    def shared(self) -> bool:
        """Whether another process can write to the same sessions."""
        return self.store.shared

    @property
    def grants(self) -> GuardedGrants:
        """Whom sessions are shared with, within the same bounds."""
        return GuardedGrants(self)

    @property
    def attachments(self) -> GuardedAttachments:
        """What is attached to queries, within the same bounds."""
        return GuardedAttachments(self)

    async def load(self) -> None:
        """Import what the store needs; see ``Store.load``. Every call does so first, outside its deadline."""
        if not self.loaded:
            await self.store.load()
            self.loaded = True

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits; an append whose entries are in the store already is committed, whichever call did it."""
        outcomes = await self.within(lambda: self.store.append(appends))
        return [await self._told(append, outcome) for append, outcome in zip(appends, outcomes, strict=True)]

    async def holds(self, append: Append) -> bool:
        """Tell whether an append that failed has stored all its entries."""
        if await known(self, append) != len(append.entries):
            return False
        self.on_stored(append)
        return True

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs; see ``Store.tail``."""
        return await self.within(lambda: self.store.tail(session_id, companion_type, window))

    async def page(
        self,
        session_id: str,
        *,
        after: int = 0,
        limit: int = 100,
        companion_type: str | None = None,
        slot: int | None = None,
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """Read entries in order; see ``Store.page``."""
        place = {"companion_type": companion_type, "slot": slot, "kinds": kinds}
        return await self.within(partial(self.store.page, session_id, after=after, limit=limit, **place))

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; see ``Store.head``."""
        return await self.within(lambda: self.store.head(session_id))

    async def scan(self, *, after: str = "", limit: int = 100) -> list[Head]:
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        return await self.alone(lambda: self.store.scan(after=after, limit=limit))

    async def size(self) -> Size:
        """Tell how large the store is; see ``Store.size``."""
        return await self.alone(self.store.size)

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; see ``Store.project``."""
        await self.alone(lambda: self.store.project(projections), self.seconds)

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; see ``Store.lease``."""
        return await self.within(lambda: self.store.lease(name, holder, seconds))

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session; see ``Store.tombstone``."""
        return await self.alone(lambda: self.store.tombstone(session_id))

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who reads entries of a session; see ``ErasureStore.readers``."""
        return await self.alone(lambda: self.store.readers(session_id))

    async def wipe(self, owner: str | None = None) -> Wiped:
        """Take out of the store's files what was erased; see ``ErasureStore.wipe``."""
        return await self.alone(lambda: self.store.wipe(owner))

    async def shares(self, companion_type: str | None = None) -> list[Share]:
        """Read what was learned; see ``PatternStore.shares``."""
        return await self.alone(lambda: self.store.shares(companion_type), self.seconds)

    async def put_share(self, share: Share) -> bool:
        """Store a share; see ``PatternStore.put_share``. It is not repeated: learning can wait, and nobody does."""
        return await self.alone(lambda: self.store.put_share(share), self.seconds)

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        return await self.alone(lambda: self.store.fold_shares(before, after), self.seconds)

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned; see ``PatternStore.drop_shares``."""
        return await self.alone(lambda: self.store.drop_shares(companion_type), self.seconds)

    async def close(self, end: End = UNHURRIED) -> None:
        """Let go of the store; one that does not answer is left to itself."""
        await self.rest()
        with contextlib.suppress(StoreAwayError):
            await self._in_time(self.store.close, asyncio.get_running_loop().time() + end.share(self.seconds))

    async def rest(self) -> None:
        """End what runs in the background, and know nothing of the store any more: the next event loop begins anew."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})
        self._probing, self.away, self._end = None, False, None

    def hurry(self, end: End = UNHURRIED) -> None:
        """Wait less long until ``rest``, also for what is under way: the program is ending."""
        self._end = end
        until = asyncio.get_running_loop().time() + self.deadline
        for patience in self._waiting:
            patience.until(until)

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions; see ``Store.list``."""
        within = self.alone if search else self.within
        return await within(lambda: self.store.list(owner, search=search, limit=limit, offset=offset))

    async def _told(self, append: Append, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Conflict):
            return await recognised(self, append, outcome, self.on_stored)
        if isinstance(outcome, Committed):
            self.on_stored(append)
        return outcome

    async def alone(self, call: Callable[[], Awaitable[T]], seconds: float | None = None) -> T:
        """Make a call that may have much to do: that it takes long says nothing of the store."""
        if self.away:
            raise away()
        await self.load()
        patience = seconds or self.patience if self._end is None else self.deadline
        return await self._in_time(call, asyncio.get_running_loop().time() + patience)

    async def within(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, and repeat it until the deadline as long as the store is only away for a moment."""
        if self.away:
            raise away()
        await self.load()
        until, pause = asyncio.get_running_loop().time() + self.deadline, PAUSE
        while True:
            try:
                return await self._in_time(call, until)
            except StoreAwayError as error:
                if self.away or self._end is not None or asyncio.get_running_loop().time() + pause >= until:
                    self._leave(error)
                    raise
            await asyncio.sleep(pause)
            pause *= 2

    async def _in_time(self, call: Callable[[], Awaitable[T]], until: float) -> T:
        patience = Patience(until)
        self._waiting.add(patience)
        try:
            return await patience.wait(call)
        finally:
            self._waiting.discard(patience)

    def _leave(self, error: StoreAwayError) -> None:
        """Know the store to be away from here on, and look in the background whether it is back."""
        if self.away:
            return
        self.away = True
        log.warning("the store is away: %s", error.what)
        self._probing = asyncio.get_running_loop().create_task(self._probe(), name="companions-store-probe")

    async def _probe(self) -> None:
        while self.away:
            await asyncio.sleep(PROBE_SECONDS)
            self.away = not await answers(self._head)
        log.warning("the store is back")
        self.on_back()

    async def _head(self) -> None:
        await self._in_time(lambda: self.store.head("-"), asyncio.get_running_loop().time() + self.deadline)
