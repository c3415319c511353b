"""What listings show, refreshed in the background: at most once a second, and never on the path of a step.

It keeps the newest projection of each session until the store has it. What a projection says is ``projections``'s work.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from companions.companion import Companion
from companions.entries import Entry
from companions.errors import StoreError
from sessions.labels import label_after
from sessions.projections import projection_of, shown_after
from sessions.session import Session
from sessions.store import Projection, Store
from sessions.titles import title_of

log = logging.getLogger("companions.projector")

PROJECTION_SECONDS = 1.0
"""How often projections are refreshed at most."""


@dataclass(slots=True)
class Projector:
    """Stores projections, newest only."""

    store: Store
    _waiting: dict[str, Projection] = field(default_factory=dict[str, Projection])
    _storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stored: float = 0.0
    _timer: "asyncio.TimerHandle | None" = None
    _task: "asyncio.Task[None] | None" = None

    def project(self, projection: Projection) -> None:
        """Note a session's newest projection; it is stored within a second or so."""
        waiting = self._waiting.get(projection.session_id)
        if waiting is None or waiting.seq <= projection.seq:
            self._waiting[projection.session_id] = projection
            self._schedule()

    def show(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        """Take what a companion's newest entries, which follow on those that are shown, make of its session."""
        session.counted = entries[-1].seq
        session.label = label_after(session.label, entries)
        if not session.label.title and companion.slot is not None:
            session.label = replace(session.label, title=title_of(companion.slot.query.text))
        before = session.shown.get(companion.companion_type, {})
        session.shown[companion.companion_type] = shown_after(before, companion, entries)
        self.project(projection_of(session, companion))

    def forget(self, session_id: str) -> None:
        """Drop what waits to be shown of a session."""
        self._waiting.pop(session_id, None)

    async def flush(self) -> None:
        """Store the newest projections now, so that a listing shows what was just done."""
        # One after another: an older projection that is still on its way must not arrive behind a newer one.
        async with self._storing:
            taken, self._waiting = self._waiting, {}
            if not taken:
                return
            try:
                await self.store.project(list(taken.values()))
            except asyncio.CancelledError:
                # Whoever asked for them went away; they are still to be stored.
                self._put_back(taken)
                raise
            except Exception as error:
                # They can be rebuilt from entries, so a failure is tried again and never told to a step.
                if not isinstance(error, StoreError):
                    log.exception("projections could not be stored")
                self._put_back(taken)

    async def rest(self) -> None:
        """End what runs in the background; what waits is stored with the next flush, also in another event loop."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._timer, self._task, self._storing = None, None, asyncio.Lock()

    def _put_back(self, taken: dict[str, Projection]) -> None:
        self._waiting = taken | self._waiting
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is None:
            wait = max(0.0, self._stored + PROJECTION_SECONDS - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._task is not None and not self._task.done():
            self._stored = time.monotonic()  # one is under way: look again when it has had its time
            self._schedule()
            return
        self._stored = time.monotonic()
        self._task = asyncio.get_running_loop().create_task(self.flush(), name="companions-projector")
