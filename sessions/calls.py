"""A call for a step or a loop, from any surface: which session and companion it means, and how long it may wait.

What these do is ``steps``'s and ``refining``'s work; how an answer is told is the surface's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from companions.errors import InputError
from companions.requests import Request
from sessions import resting
from sessions.answers import Answer, Given
from sessions.asked import Caller, OnFailure, OnStep, asking
from sessions.bounds import cancel
from sessions.ending import UNHURRIED, End
from sessions.finding import Right
from sessions.heard import Heard
from sessions.keys import loop_key, step_key
from sessions.loops import Refined, Status, Wish, told
from sessions.minting import in_new
from sessions.refining import Refining, going_on
from sessions.running import Key, OnPiece, Running, Runs
from sessions.session import Session
from sessions.steps import Desk
from sessions.unanswered import Unanswered

T = TypeVar("T", bound=Given)
DEFAULT_TYPE = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A step that goes on in the background; the same call again waits for it."""

    session_id: str
    companion_type: str
    request: Request
    status: Literal["running"] = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How a surface waits.

    Attributes:
        seconds: How long a call may wait before it is answered as running.
        every: Seconds between reports.
        report: Told the step, the seconds and what models wrote so far while a call waits.
        on_text: Hears each piece of the models' texts.
        on_step: Is shown each step that a job has made.
        on_failure: Is told each failure that does not end a job.
        began: When the call came, in ``time.monotonic`` seconds: opening its session counts too.
    """

    seconds: float
    every: float
    report: Callable[[str, float, Heard], Coroutine[Any, Any, None]]
    on_text: OnPiece | None = None
    on_step: OnStep | None = None
    on_failure: OnFailure | None = None
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Everything that surfaces need to have steps made."""

    desk: Desk
    runs: Runs = field(default_factory=Runs)
    unanswered: Unanswered = field(default_factory=Unanswered)

    async def session(
        self, owner: str, session_id: str | None, companion_type: str | None, right: Right = "write"
    ) -> tuple[Session, str]:
        """Find a session and the companion type that a call means: the one it names, else the one used last."""
        if not session_id:
            raise InputError("The session_id is missing.", await self.desk.sessions.newest(owner))
        session = await self.desk.sessions.find(owner, session_id, right)
        return session, companion_type or session.last_type or DEFAULT_TYPE

    async def step(
        self,
        owner: str,
        session_id: str | None,
        companion_type: str | None,
        request: Request,
        *,
        waiting: Waiting,
        signature: str,
    ) -> Answer | Pending:
        """Make a step, join it, or find it done already.

        Args:
            owner: Who asks: the session must be theirs, or shared with them as author.
            session_id: ``None`` only for a draft: a new session, or the one that an unanswered call just like this got.
            companion_type: ``None`` means the one that the session used last.
            request: What is asked.
            waiting: How long to wait.
            signature: How a text that the caller wrote is signed.
        """
        if session_id or request.step != "draft":
            session, companion_type = await self.session(owner, session_id, companion_type)
            self.unanswered.seen(owner, session.session_id)
            key = step_key(owner, session, companion_type, request)
            return await self._run(session, key, request, waiting, signature)
        named = companion_type or DEFAULT_TYPE

        async def run(session: Session) -> Answer | Pending:
            key = step_key(owner, session, named, request)
            return await self._run(session, key, request, waiting, signature)

        return await self.in_new(owner, (owner, named, request.described), run)

    async def refine(
        self,
        owner: str,
        session_id: str | None,
        companion_type: str | None,
        wish: Wish,
        *,
        waiting: Waiting,
        signature: str,
    ) -> Refined:
        """Take a loop on, or wait for it where it is under way.

        Args:
            owner: Who asks: the session must be theirs, or shared with them as author.
            session_id: ``None`` for a new session, or the one that an unanswered call just like this got.
            companion_type: ``None`` means the one that the session used last.
            wish: What is asked.
            waiting: How long to wait; a loop that takes longer goes on in the background.
            signature: How a text that the caller wrote is signed.
        """
        if session_id:
            session, companion_type = await self.session(owner, session_id, companion_type)
            self.unanswered.seen(owner, session.session_id)
            return await self._loop(session, loop_key(owner, session, companion_type, wish), wish, waiting, signature)
        named = companion_type or DEFAULT_TYPE

        async def run(session: Session) -> Refined:
            return await self._loop(session, loop_key(owner, session, named, wish), wish, waiting, signature)

        return await self.in_new(owner, (owner, "refine", named, wish), run)

    async def stop(self, owner: str, session_id: str | None, companion_type: str | None, waiting: Waiting) -> Refined:
        """End a loop, wherever it runs; a step under way here is finished first, for as long as a call may wait."""
        session, companion_type = await self.session(owner, session_id, companion_type)
        running = self.runs.at(loop_key(owner, session, companion_type))
        for run in running:
            run.stopping = True
        slot = (await session.look(companion_type)).slot
        if not running and slot is None:
            raise InputError(
                f"{companion_type[:64]!r} has no loop to stop here.", "Call refine with query to begin one."
            )
        status: Status = "done"
        caller = Caller(principal=owner)
        try:
            async with asyncio.timeout(max(0.0, waiting.began + waiting.seconds - time.monotonic())):
                if not running or running[0].behind:
                    await cancel(self.desk, session, companion_type, slot, caller)
                if running:
                    await asyncio.wait({run.task for run in running})
                    await cancel(self.desk, session, companion_type, slot, caller)  # it may have come to wait
        except TimeoutError:
            status = "running"
        return told(session.session_id, await session.look(companion_type), status)

    def open(self) -> None:
        """Begin to serve, also again after ``rest``, also in another event loop."""
        self.runs.open()

    async def rest(self, end: End = UNHURRIED) -> None:
        """Answer every waiting call as running, and store what was handed over; nothing runs afterwards."""
        self.runs.close()
        self.desk.sessions.store.hurry(end)
        await self.runs.finish()
        await resting.rest(self.desk.sessions, end)

    async def close(self, end: End = UNHURRIED) -> None:
        """Rest, and let go of the store."""
        await self.rest(end)
        await self.desk.sessions.store.close(end)

    async def in_new(self, owner: str, asked: Hashable, run: Callable[[Session], Awaitable[T]]) -> T:
        """Run in a new session, or in the one that an unanswered call which asked the same has minted."""
        return await in_new(self.desk.sessions, self.unanswered, owner, asked, run)

    async def _run(
        self, session: Session, key: Key, request: Request, waiting: Waiting, signature: str
    ) -> Answer | Pending:
        companion_type = key.place[1]

        async def make(_run: Running, caller: Caller) -> Answer:
            return await self.desk.step(session, companion_type, request, caller)

        answer = await self.wait(key, make, waiting, signature)
        if answer is None:
            return Pending(session_id=session.session_id, companion_type=companion_type, request=request)
        return answer

    async def _loop(self, session: Session, key: Key, wish: Wish, waiting: Waiting, signature: str) -> Refined:
        companion_type = key.place[1]

        async def make(run: Running, caller: Caller) -> Refined:
            with asking(caller):
                await self.runs.earlier(key, run)
            refining = Refining(
                desk=self.desk, session=session, companion_type=companion_type, wish=wish, caller=caller, run=run
            )
            return await refining.go()

        done = await self.wait(key, make, waiting, signature)
        return done or await going_on(session, companion_type, closed=self.runs.closed)

    async def wait(
        self, key: Key, make: Callable[[Running, Caller], Coroutine[Any, Any, T]], waiting: Waiting, signature: str
    ) -> T | None:
        """Have something made in the background, or join it, and wait for it; ``None`` while it goes on."""

        async def begin(run: Running) -> T:
            run.on_text = waiting.on_text
            caller = Caller(
                name=signature,
                principal=key.owner,
                on_text=partial(run.hear, key.place[1]),
                on_model=run.ask,
                on_step=waiting.on_step,
                on_failure=waiting.on_failure,
            )
            return await make(run, caller)

        async def on_wait(run: Running) -> None:
            await waiting.report(run.told or key.place[2], time.monotonic() - waiting.began, run.heard)

        return await self.runs.run(
            key, begin, until=waiting.began + waiting.seconds, every=waiting.every, on_wait=on_wait
        )
