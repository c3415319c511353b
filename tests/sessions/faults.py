"""Faults for tests of sessions: real stores and a scripted model, wrapped so that a test says which call breaks.

What a test does not break is the wrapped store's own work; nothing here imitates a store.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from companions.companion_types import Library
from companions.configuration import Defaults
from companions.entries import Entry
from companions.errors import StoreAwayError
from companions.models import Step
from companions.requests import Request
from sessions.answers import Answer
from sessions.attachment_store import AttachmentStore
from sessions.calls import Calls, Pending, Waiting
from sessions.erasure_store import Reader, Wiped
from sessions.grant_store import GrantStore
from sessions.pattern_store import Share
from sessions.sessions import Sessions
from sessions.spool.spool import Spool
from sessions.steps import Desk
from sessions.store import Append, Head, Outcome, Projection, Size, Store, Window
from tests.sessions.faulty_attachments import FaultyAttachments
from tests.sessions.faulty_grants import FaultyGrants
from tests.sessions.gate import Gate
from tests.sessions.scripted import Catalog, ScriptedModel

OWNER = "ann"
LIBRARY = Library.load(None)
AT_ONCE = 50
LOOK_SECONDS = 0.002

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What one call to a store does instead of its work, or after it when ``commits``."""

    error: BaseException
    commits: bool = False


@dataclass(slots=True)
class FaultyStore:
    """A store whose calls can be held at a gate and made to fail, one by one.

    Attributes:
        keeps: Whether ``close`` is passed over, as when a process ends and what it stored stays.
        faults: By method, what its next calls do; a ``None`` lets one through.
        gates: By method, where its calls wait before they reach the store.
        batches: What was handed to ``append``, in order, whatever came of it.
        away: Whether every call fails as one to a store that cannot be reached.
        projected: When ``project`` was called, in ``time.monotonic`` seconds, and with what.
    """

    store: Store
    keeps: bool = False
    away: bool = False
    faults: dict[str, deque[Fault | None]] = field(default_factory=dict[str, "deque[Fault | None]"])
    gates: dict[str, Gate] = field(default_factory=dict[str, Gate])
    batches: list[list[Append]] = field(default_factory=list[list[Append]])
    projected: list[tuple[float, list[Projection]]] = field(default_factory=list[tuple[float, list[Projection]]])

    @property
    def shared(self) -> bool:
        return self.store.shared

    @property
    def grants(self) -> GrantStore:
        return FaultyGrants(self.store.grants, self.through)

    @property
    def attachments(self) -> AttachmentStore:
        return FaultyAttachments(self.store.attachments, self.through)

    def breaks(self, method: str, *faults: Fault | None) -> None:
        self.faults.setdefault(method, deque()).extend(faults)

    def holds(self, method: str) -> Gate:
        gate = self.gates.setdefault(method, Gate())
        gate.close()
        return gate

    async def load(self) -> None:
        await self.through("load", self.store.load)

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        self.batches.append([*appends])
        return await self.through("append", lambda: self.store.append(appends))

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        return await self.through("tail", lambda: self.store.tail(session_id, companion_type, window))

    async def page(self, session_id: str, **chosen: Any) -> list[Entry]:
        return await self.through("page", lambda: self.store.page(session_id, **chosen))

    async def head(self, session_id: str) -> Head | None:
        return await self.through("head", lambda: self.store.head(session_id))

    async def project(self, projections: Sequence[Projection]) -> None:
        self.projected.append((time.monotonic(), [*projections]))
        await self.through("project", lambda: self.store.project(projections))

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        return await self.through("lease", lambda: self.store.lease(name, holder, seconds))

    async def scan(self, *, after: str = "", limit: int = 100) -> list[Head]:
        return await self.through("scan", lambda: self.store.scan(after=after, limit=limit))

    async def size(self) -> Size:
        return await self.through("size", self.store.size)

    async def tombstone(self, session_id: str) -> bool:
        return await self.through("tombstone", lambda: self.store.tombstone(session_id))

    async def readers(self, session_id: str) -> Sequence[Reader]:
        return await self.through("readers", lambda: self.store.readers(session_id))

    async def wipe(self, owner: str | None = None) -> Wiped:
        return await self.through("wipe", lambda: self.store.wipe(owner))

    async def shares(self, companion_type: str | None = None) -> list[Share]:
        return await self.through("shares", lambda: self.store.shares(companion_type))

    async def put_share(self, share: Share) -> bool:
        return await self.through("put_share", lambda: self.store.put_share(share))

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        return await self.through("fold_shares", lambda: self.store.fold_shares(before, after))

    async def drop_shares(self, companion_type: str | None = None) -> int:
        return await self.through("drop_shares", lambda: self.store.drop_shares(companion_type))

    async def close(self) -> None:
        if not self.keeps:
            await self.store.close()

    async def through(self, method: str, call: Callable[[], Awaitable[T]]) -> T:
        if method in self.gates:
            await self.gates[method].passed()
        faults = self.faults.get(method)
        fault = faults.popleft() if faults else None
        if self.away:
            raise StoreAwayError("The store is away.", "Wait.")
        if fault is None:
            return await call()
        if fault.commits:
            await call()
        raise fault.error.with_traceback(None)  # it may have been raised before

    # Last, since its name would hide the type's from the annotations above.
    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> "list[Head]":
        return await self.through("list", lambda: self.store.list(owner, search=search, limit=limit, offset=offset))


async def unreported(*_told: object) -> None:
    """Hear how long a call has waited, and tell nobody."""


@dataclass(slots=True)
class Process:
    """One process as far as sessions go: what is in its memory is in here, and its store may be another's too."""

    store: FaultyStore
    model: ScriptedModel
    calls: Calls

    @classmethod
    def on(
        cls, store: Store, *, keeps: bool = False, spool: Spool | None = None, early: bool = False, **defaults: Any
    ) -> "Process":
        """Start one on a store; without further choices the caller writes."""
        faulty, model = FaultyStore(store, keeps=keeps), ScriptedModel()
        chosen: dict[str, Any] = {"execution_mode": "client"} | defaults
        sessions = Sessions(faulty, LIBRARY, Defaults(**chosen), spool=spool, early=early)
        sessions.learner.pause = float("inf")  # it learns when a test asks for it
        return cls(faulty, model, Calls(desk=Desk(sessions=sessions, models=Catalog(model))))

    async def call(
        self,
        step: Step,
        session_id: str | None = None,
        companion_type: str | None = None,
        *,
        seconds: float = 30.0,
        **given: Any,
    ) -> Answer | Pending:
        """Make a call as a tool would."""
        return await self.ask(Request(step=step, **given), session_id, companion_type, seconds=seconds)

    async def ask(
        self, request: Request, session_id: str | None, companion_type: str | None, *, seconds: float = 30.0
    ) -> Answer | Pending:
        """Make a call with a request of one's own."""
        waiting = Waiting(seconds=seconds, every=seconds, report=unreported)
        return await self.calls.step(
            OWNER, session_id, companion_type, request, waiting=waiting, signature="host:tests"
        )

    async def step(
        self, step: Step, session_id: str | None = None, companion_type: str | None = None, **given: Any
    ) -> Answer:
        """Make a call that is answered with the step."""
        answer = await self.call(step, session_id, companion_type, **given)
        assert isinstance(answer, Answer)
        return answer

    async def entries(self, session_id: str) -> list[Entry]:
        return await self.store.store.page(session_id, limit=10_000)


async def until(holds: Callable[[], bool], *, every: float = LOOK_SECONDS) -> None:
    """Let others run until something holds: at once while only the event loop is busy, else the machine is theirs."""
    turns = 0
    async with asyncio.timeout(30):
        while not holds():
            turns += 1
            await asyncio.sleep(0 if turns < AT_ONCE else every)
