"""Looks at the store, and at the folder of the spool, for whoever asks how the process is.

However many ask, there is one look at a time, and what was seen is remembered for a moment: who asks often puts no load
on a store. Whether the process is well with what was seen is not said here.
"""

import asyncio
import contextvars
import logging
import time
from dataclasses import dataclass, replace

from companions.errors import StoreError
from sessions.sessions import Sessions

log = logging.getLogger("companions.sessions")

WAIT_SECONDS = 1.0
"""How long whoever asks waits at most; the look itself goes on, within the store's own bounds."""
REMEMBERED_SECONDS = 1.0
OK, AWAY, FAILED, STARTING = "ok", "away", "failed", "starting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen.

    Attributes:
        store: ``ok``, ``away``, ``starting`` while its driver is imported, or what else is wrong, as the error has it.
        writable: Whether the spool's folder could take entries.
        schema: The version of the stored layout, as it was last read; ``None`` where there is none, or not yet.
    """

    store: str = OK
    writable: bool = True
    schema: int | None = None


@dataclass(slots=True)
class StoreLooks:
    """Looks of one process.

    Attributes:
        seen: What was seen last.
    """

    sessions: Sessions
    wait_seconds: float = WAIT_SECONDS
    remembered_seconds: float = REMEMBERED_SECONDS
    seen: Look = Look()
    _seen_at: float | None = None
    _coming: Look = Look()
    _looking: "asyncio.Task[None] | None" = None

    async def look(self) -> Look:
        """Give what was seen a moment ago, or is seen now; what cannot be seen in time is told as not well."""
        if self._seen_at is None or time.monotonic() >= self._seen_at + self.remembered_seconds:
            looking = self._looking or self._begin()
            await asyncio.wait({looking}, timeout=self.wait_seconds)
            if not looking.done() or looking.cancelled():
                return self._coming
        return replace(self.seen, store=AWAY) if self.sessions.store.away else self.seen

    def stop(self) -> None:
        """Drop a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()

    def _begin(self) -> "asyncio.Task[None]":
        late = AWAY if self.sessions.store.loaded else STARTING
        self._coming = Look(store=late, writable=False, schema=self.seen.schema)
        # In a context of its own: it may outlive the request that began it.
        context, loop = contextvars.Context(), asyncio.get_running_loop()
        self._looking = loop.create_task(self._look(), name="companions-store-look", context=context)
        return self._looking

    async def _look(self) -> None:
        try:
            await asyncio.gather(self._see_store(), self._see_spool())
            self.seen, self._seen_at = self._coming, time.monotonic()
        finally:
            self._looking = None

    async def _see_spool(self) -> None:
        spool = self.sessions.spool
        writable = spool is None or await spool.usable()
        self._coming = replace(self._coming, writable=writable)

    async def _see_store(self) -> None:
        store, versioned, schema = self.sessions.store, self.sessions.versioned, self.seen.schema
        try:
            await store.head("-")
            if versioned is not None:
                schema = await store.within(versioned.schema)
            state = OK
        except StoreError as error:
            state = error.code.removeprefix("store_")
        except Exception:
            log.exception("the store fails in a way that it does not know")
            state = FAILED
        self._coming = replace(self._coming, store=state, schema=schema)
