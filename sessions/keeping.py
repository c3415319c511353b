"""Where entries go: into the store, or onto this machine's disk while the store is away, and from there into the store.

It never gives out a number and never words an answer: the writer hands it appends, and asks it to bring home what it
has kept.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from companions.errors import StoreAwayError, StoreError
from sessions.reconciling import reconcile
from sessions.spool.spool import Spool, Spooled, SpoolState
from sessions.store import Append, Committed, Conflict, Outcome
from sessions.stores.guarded import GuardedStore

log = logging.getLogger("companions.keeping")

BATCH = 512
"""Most entries that are brought home at once."""
REFUSED_SECONDS = 5.0
"""How long to wait with what a store that is there refuses to take."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The entries are on this machine's disk, and go into the store when it is back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How things are kept at this moment.

    Attributes:
        away: Whether the store is known to be away.
        full: Whether nothing more can be kept while it is.
        spool: What waits on this machine's disk; ``None`` for a store that is never away.
    """

    away: bool
    full: bool
    spool: SpoolState | None


Moved = Callable[[str, int], None]
"""Told a session whose entries another process came before, and how many texts became alternatives."""


@dataclass(slots=True)
class Keeper:
    """Keeps appends in the store, or in the spool until they can be.

    Attributes:
        spool: ``None`` for a store that is never away.
        on_moved: Told when entries that were answered had to give way.
    """

    store: GuardedStore
    spool: Spool | None = None
    on_moved: Moved = lambda _session_id, _lost: None
    adopted: bool = False
    _refused: "asyncio.TimerHandle | None" = None
    _taken: int = BATCH
    _home: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def away(self) -> bool:
        """Whether the store is known to be away."""
        return self.store.away

    @property
    def full(self) -> bool:
        """Whether nothing more can be kept while the store is away."""
        return self.store.away and (self.spool is None or self.spool.full)

    @property
    def homeward(self) -> bool:
        """Whether something waits to be brought home, and may be now."""
        return self.spool is not None and self.spool.entries > 0 and not self.store.away and self._refused is None

    def waits(self, session_id: str) -> bool:
        """Tell whether entries of a session are on this machine's disk and not in the store."""
        return self.spool is not None and session_id in self.spool.waiting

    def state(self) -> State:
        """Tell how the store and the spool are, as far as is known without asking."""
        return State(away=self.store.away, full=self.full, spool=None if self.spool is None else self.spool.state())

    async def adopt(self) -> None:
        """Take over what processes that have died kept for this store; once is enough."""
        if not self.adopted and self.spool is not None:
            try:
                count = await self.spool.adopt()
            except StoreError as error:
                log.warning("entries of an ended process stay where they are: %s", error)
            else:
                if count:
                    log.warning("%d entries that an ended process kept are brought into the store", count)
        self.adopted = True

    async def keep(self, appends: Sequence[Append]) -> list[Outcome | Kept | StoreError]:
        """Store appends of different sessions; those that the store cannot take now, or that others wait before, stay.

        Returns:
            For each, what the store said, that it is kept, or why it is neither.
        """
        direct = [append for append in appends if not self.waits(append.session_id)]
        found: dict[int, Outcome | Kept | StoreError] = {}
        if direct:
            found |= {id(append): said for append, said in zip(direct, await self._store(direct), strict=True)}
        left = [append for append in appends if isinstance(found.get(id(append), _KEPT), Kept)]
        if left:
            found |= dict.fromkeys(map(id, left), await self._spool(left))
        return [found[id(append)] for append in appends]

    async def bring_home(self) -> None:
        """Bring the oldest that is kept into the store."""
        done = False
        try:
            done = self.spool is not None and await self._bring(self.spool)
        except StoreError as error:
            log.warning("what is kept on this machine's disk cannot be read now: %s", error)
        # What the store refuses is passed over by taking more, until it is offered again.
        self._taken = BATCH if done else 2 * self._taken
        if not done and not self.store.away:
            self._refused = asyncio.get_running_loop().call_later(REFUSED_SECONDS, self._again)
        async with self._home:
            self._home.notify_all()

    async def _bring(self, spool: Spool) -> bool:
        """Bring a batch; tells whether any of it is in the store now."""
        runs = _runs(await spool.take(self._taken))
        appends = [append for append, _ in runs]
        outcomes = await self._store(appends)
        done = list[int]()
        for (append, numbers), outcome in zip(runs, outcomes, strict=True):
            if await self._settled(append, outcome):
                done += numbers
        await spool.drop(done)
        return bool(done)

    async def give_way(self, append: Append) -> None:
        """Bring entries that were answered already behind those of another process."""
        lost = await reconcile(self.store, append)
        self.on_moved(append.session_id, lost)

    async def home(self, session_id: str) -> None:
        """Wait until all of a session is in the store.

        Raises:
            StoreAwayError: It is not in time.
        """
        if not self.waits(session_id):
            return
        try:
            async with asyncio.timeout(self.store.deadline), self._home:
                await self._home.wait_for(lambda: self.store.away or not self.waits(session_id))
        except TimeoutError:
            pass
        if self.waits(session_id):
            raise StoreAwayError("The session is on its way into the store.", "Call again in a moment.")

    async def forget(self, session_id: str) -> None:
        """Erase what is kept of a forgotten session."""
        if self.spool is not None:
            await self.spool.forget(session_id)

    async def rest(self) -> None:
        """Let go of the spool's file; what is in it stays there."""
        if self._refused is not None:
            self._refused.cancel()
        self._home, self._refused, self.adopted = asyncio.Condition(), None, False
        if self.spool is not None:
            await self.spool.close()

    def _again(self) -> None:
        self._refused = None
        self.store.on_back()

    async def _store(self, appends: Sequence[Append]) -> Sequence[Outcome | Kept | StoreError]:
        try:
            return await self.store.append(appends)
        except StoreAwayError as error:
            return [_KEPT if self.spool is not None else error] * len(appends)
        except StoreError as error:
            failure = error
        except Exception as error:
            # A receipt that never comes would hang its step for ever, and with it everything behind this batch.
            log.exception("the store failed in a way that it does not know")
            failure = StoreError("The store failed.", "Call the same tool again; the server's log says more.")
            failure.__cause__ = error
        if len(appends) > 1:
            # What is wrong with one is nothing to the others.
            return [said for append in appends for said in await self._store([append])]
        return [Committed() if await self._holds(append) else failure for append in appends]

    async def _holds(self, append: Append) -> bool:
        """Tell whether a store that failed had stored an append all the same."""
        try:
            return await self.store.holds(append)
        except StoreError:
            return False

    async def _spool(self, appends: Sequence[Append]) -> Kept | StoreError:
        if self.spool is None:
            return StoreError("The store is away.", "Call again when it is back.")
        try:
            await self.spool.put(appends)
        except StoreError as error:
            return error
        return _KEPT

    async def _settled(self, append: Append, outcome: Outcome | Kept | StoreError) -> bool:
        if isinstance(outcome, Kept):
            return False
        if isinstance(outcome, StoreError):
            log.error("entries of session %s cannot be stored: %s", append.session_id, outcome)
            return False
        if isinstance(outcome, Conflict):
            try:
                await self.give_way(append)
            except StoreError as error:
                log.warning("entries of session %s wait: %s", append.session_id, error)
                return False
        return True


_KEPT = Kept()


def _runs(taken: Sequence[Spooled]) -> list[tuple[Append, list[int]]]:
    """Join what is kept of each session into one append, with its numbers, up to the first gap in its seqs."""
    runs: dict[str, tuple[Append, list[int]]] = {}
    broken = set[str]()
    for spooled in taken:
        append, session_id = spooled.append, spooled.append.session_id
        if session_id in broken:
            continue
        if session_id not in runs:
            runs[session_id] = (append, [spooled.number])
            continue
        before, numbers = runs[session_id]
        if append.entries[0].seq != before.entries[-1].seq + 1:
            broken.add(session_id)
            continue
        joined = Append(session_id=session_id, entries=(*before.entries, *append.entries), opening=before.opening)
        runs[session_id] = (joined, [*numbers, spooled.number])
    return list(runs.values())
