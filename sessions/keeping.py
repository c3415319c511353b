"""Where entries go: into the store, or onto this machine's disk while the store is away, and from there into the store.

It never gives out a number and never words an answer: the writer hands it appends, and asks it to bring home what it
has kept.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from companions.entries import Entry
from companions.errors import StoreAwayError, StoreError
from sessions.reconciling import Reconciled, reconcile
from sessions.spool.runs import Run, runs
from sessions.spool.spool import Spool
from sessions.store import Append, Committed, Conflict, Gone, Outcome
from sessions.stores.guarded import GuardedStore

log = logging.getLogger("companions.keeping")

BATCH = 512
"""Most entries that are brought home at once."""
REFUSED_SECONDS = 5.0
"""How long to wait with what a store that is there refuses to take."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The entries are on this machine's disk, and go into the store when it is back."""


Moved = Callable[[str, Reconciled], None]
"""Told a session whose entries another process came before, and what became of them."""


@dataclass(slots=True)
class Keeper:
    """Keeps appends in the store, or in the spool until they can be.

    Attributes:
        spool: ``None`` for a store that is never away.
        batch: How many entries are brought home at once at present.
        on_moved: Told when entries that were answered had to give way.
    """

    store: GuardedStore
    spool: Spool | None = None
    on_moved: Moved = lambda _session_id, _done: None
    adopted: bool = False
    _refused: "asyncio.TimerHandle | None" = None
    batch: int = BATCH
    _bringing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _home: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def away(self) -> bool:
        """Whether the store is known to be away."""
        return self.store.away

    def full(self, session_id: str) -> bool:
        """Tell whether what a session writes now could not be kept."""
        if self.spool is None:
            return self.store.away
        return self.spool.full and (self.store.away or self.waits(session_id))

    @property
    def homeward(self) -> bool:
        """Whether something waits to be brought home, and may be now."""
        return self.spool is not None and self.spool.entries > 0 and not self.store.away and self._refused is None

    def waits(self, session_id: str) -> bool:
        """Tell whether entries of a session are on this machine's disk and not in the store."""
        return self.spool is not None and session_id in self.spool.waiting

    async def adopt(self) -> None:
        """Take over what processes that have died kept for this store; once is enough."""
        if not self.adopted and self.spool is not None:
            try:
                count = await self.spool.adopt()
            except StoreError as error:
                log.warning("entries of an ended process stay where they are: %s", error)
            except Exception:
                log.exception("entries of an ended process stay where they are")
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
            found |= dict.fromkeys(map(id, left), await self.put_by(left))
        return [found[id(append)] for append in appends]

    async def bring_home(self) -> None:
        """Bring the oldest that is kept into the store."""
        done = False
        try:
            async with self._bringing:
                done = self.spool is not None and await self._bring(self.spool)
        except StoreError as error:
            log.warning("what is kept on this machine's disk cannot be brought home now: %s", error)
        except Exception:
            log.exception("what is kept on this machine's disk cannot be brought home now")
        await self._after_bringing(done=done)

    async def _after_bringing(self, *, done: bool) -> None:
        if done:
            self.batch = BATCH
        elif self.store.away:
            # It may have been too much for the time that there is.
            self.batch = max(1, self.batch // 2)
        else:
            # What the store refuses is passed over by taking more, until it is offered again.
            self.batch = max(BATCH, min(2 * self.batch, 0 if self.spool is None else self.spool.entries))
            self._refused = asyncio.get_running_loop().call_later(REFUSED_SECONDS, self._again)
        async with self._home:
            self._home.notify_all()

    async def _bring(self, spool: Spool) -> bool:
        """Bring a batch; tells whether any of it is in the store now."""
        taken = runs(await spool.take(self.batch))
        outcomes = await self._store([run.append for run in taken])
        done = list[int]()
        for run, outcome in zip(taken, outcomes, strict=True):
            done += await self._settled(spool, run, outcome)
        await spool.drop(done)
        return bool(done)

    async def give_way(self, session_id: str, entries: Sequence[Entry], lost: Collection[str] = ()) -> None:
        """Bring entries that were answered already behind those of another process."""
        self.on_moved(session_id, await reconcile(self.store, session_id, entries, lost=lost))

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
        """Erase a session from the store and from this machine's disk, while nothing of it is on its way between."""
        async with self._bringing:
            try:
                await self.store.tombstone(session_id)
            except StoreAwayError:
                raise
            except StoreError:
                await self._forget_kept(session_id)
                raise
            await self._forget_kept(session_id)

    async def _forget_kept(self, session_id: str) -> None:
        if self.spool is not None:
            await self.spool.forget(session_id)

    async def rest(self) -> None:
        """Let go of the spool's file; what is in it stays there."""
        if self._refused is not None:
            self._refused.cancel()
        self._home, self._bringing = asyncio.Condition(), asyncio.Lock()
        self._refused, self.adopted = None, False
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
        except Exception:
            log.debug("what a store that failed holds cannot be read", exc_info=True)
            return False

    async def put_by(self, appends: Sequence[Append]) -> Kept | StoreError:
        """Keep appends on this machine's disk."""
        if self.spool is None:
            return StoreError("The store is away.", "Call again when it is back.")
        try:
            await self.spool.put(appends)
        except StoreError as error:
            return error
        return _KEPT

    async def _settled(self, spool: Spool, run: Run, outcome: Outcome | Kept | StoreError) -> Sequence[int]:
        """Tell which of what is kept is done with."""
        session_id = run.append.session_id
        match outcome:
            case Kept():
                return ()
            case StoreError():
                log.error("entries of session %s cannot be stored: %s", session_id, outcome)
                return ()
            case Conflict():
                # All that waits of the session, at once: what follows a text that lost has lost too.
                waiting = [each for each in await spool.take(spool.entries) if each.append.session_id == session_id]
                try:
                    await self.give_way(session_id, [entry for each in waiting for entry in each.append.entries])
                except StoreError as error:
                    log.warning("entries of session %s wait: %s", session_id, error)
                    return ()
                return [each.number for each in waiting]
            case Gone():
                log.warning("entries of session %s were kept for it, and it is forgotten", session_id)
            case Committed():
                pass
        return run.numbers


_KEPT = Kept()
