"""Pruning as a server does it, in rounds: what is too old is deleted, and observers hear what became of sessions.

A round looks at all sessions of the store; what is archived and what too old is ``retention``'s to say.
"""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field

from companions.errors import StoreAwayError, StoreError
from sessions.observing import Observing
from sessions.retention import DAY, Fate, Leaving, Retention, Spared, nothing_elsewhere, nothing_spared, prune
from sessions.store import Head, Store

log = logging.getLogger("companions.retention")

FIRST_SECONDS = 300.0
"""How long after its start a server begins to prune."""
NEVER = float("-inf")


@dataclass(slots=True)
class _Telling:
    """Tells observers of each session once that it is archived, until it has been used again.

    Attributes:
        before: When the last whole round was, in seconds since the epoch.
        told: Whom the rounds since then, which were broken off, have told of.
    """

    observing: Observing | None
    retention: Retention
    archiving: Leaving = nothing_elsewhere
    before: float = NEVER
    told: set[str] = field(default_factory=set[str])

    async def __call__(self, head: Head, fate: Fate) -> None:
        if fate == "archived":
            await self._archive(head)
        if self.observing is None:
            return
        session_id = head.opening.session_id
        if fate == "deleted":
            self.observing.deleted(head.opening)
        elif fate == "archived" and session_id not in self.told and not self.retention.archived(head, self.before):
            self.told.add(session_id)
            self.observing.archived(head.opening)

    async def _archive(self, head: Head) -> None:
        """See to what is kept of it elsewhere, in each round: whoever does so knows what is done already."""
        try:
            await self.archiving(head)
        except StoreAwayError:
            raise  # of the next session it would say the same
        except StoreError as error:
            log.warning("what is kept elsewhere of an archived session could not be looked up: %s", error.what)

    def finish(self, began: float) -> None:
        self.before = began
        self.told.clear()


async def keep_pruned(
    store: Store,
    retention: Retention,
    every_seconds: float = DAY,
    *,
    first_seconds: float = FIRST_SECONDS,
    spared: Spared = nothing_spared,
    observing: Observing | None = None,
    leaving: Leaving = nothing_elsewhere,
    archiving: Leaving = nothing_elsewhere,
) -> None:
    """Prune a store now and then until cancelled; whatever fails is logged and tried again in the next round.

    Args:
        store: The store.
        retention: How long sessions are kept; it returns at once where nothing is ever archived or deleted.
        every_seconds: From the end of a round to the next.
        first_seconds: From the call to the first round.
        spared: Tells which sessions this process has used later than the store can know.
        observing: Who hears of sessions that are archived or deleted.
        leaving: Sees to what is kept elsewhere of sessions, before they are deleted.
        archiving: Sees to what is kept elsewhere of sessions that are archived; called for each in every round.
    """
    holder, pause, telling = secrets.token_hex(8), first_seconds, _Telling(observing, retention, archiving)
    while retention.delete is not None or (retention.archive is not None and observing is not None):
        await asyncio.sleep(pause)
        await _round(store, retention, holder, spared, telling, leaving=leaving)
        pause = every_seconds


async def _round(
    store: Store, retention: Retention, holder: str, spared: Spared, telling: _Telling, *, leaving: Leaving
) -> None:
    began = time.time()
    try:
        pruned = await prune(
            store, retention, began, dry_run=False, holder=holder, spared=spared, told=telling, leaving=leaving
        )
    except StoreError as error:
        log.warning("old sessions could not be deleted: %s", error.what)
    except Exception:
        log.exception("old sessions could not be deleted")
    else:
        if not pruned.elsewhere:
            telling.finish(began)
        if pruned.deleted:
            log.info("deleted %d of %d sessions that were unused for too long", pruned.deleted, pruned.sessions)
