"""A call for a step, from any surface: which session and companion it means, and how long it may wait.

What the step does is ``steps``'s work; how its answer is told is the surface's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from companions.errors import CompanionsError, InputError, SessionNotFoundError
from companions.models import OnText
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller
from sessions.loops import Refined, Wish, told
from sessions.refining import Refining, end_loop
from sessions.running import Key, Running, Runs
from sessions.session import Session
from sessions.steps import Desk
from sessions.unanswered import Unanswered

T = TypeVar("T")
DEFAULT_TYPE = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A step that goes on in the background; the same call again waits for it."""

    session_id: str
    companion_type: str
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How a surface waits.

    Attributes:
        seconds: How long a call may wait before it is answered as running.
        every: Seconds between reports.
        report: Told the step, seconds and characters so far while a call waits.
        on_text: Hears each piece of the model's text.
    """

    seconds: float
    every: float
    report: Callable[[str, float, int], Coroutine[Any, Any, None]]
    on_text: OnText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Everything that surfaces need to have steps made."""

    desk: Desk
    runs: Runs = field(default_factory=Runs)
    unanswered: Unanswered = field(default_factory=Unanswered)

    async def session(self, owner: str, session_id: str | None, companion_type: str | None) -> tuple[Session, str]:
        """Find a session and the companion type that a call means: the one it names, else the one used last."""
        if not session_id:
            raise InputError("The session_id is missing.", await self.desk.sessions.newest(owner))
        session = await self.desk.sessions.find(owner, session_id)
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
            owner: Whose session it is.
            session_id: ``None`` only for a draft: a new session, or the one that an unanswered call just like this got.
            companion_type: ``None`` means the one that the session used last.
            request: What is asked.
            waiting: How long to wait.
            signature: How a text that the caller wrote is signed.
        """
        if session_id or request.step != "draft":
            session, companion_type = await self.session(owner, session_id, companion_type)
            self.unanswered.seen(session.session_id)
            return await self._run(session, companion_type, request, waiting, signature)
        named = companion_type or DEFAULT_TYPE

        async def run(session: Session) -> Answer | Pending:
            return await self._run(session, named, request, waiting, signature)

        return await self._in_new(owner, (owner, named, request), run)

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
            owner: Whose session it is.
            session_id: ``None`` for a new session, or the one that an unanswered call just like this got.
            companion_type: ``None`` means the one that the session used last.
            wish: What is asked.
            waiting: How long to wait; a loop that takes longer goes on in the background.
            signature: How a text that the caller wrote is signed.
        """
        if session_id:
            session, companion_type = await self.session(owner, session_id, companion_type)
            self.unanswered.seen(session.session_id)
            return await self._loop(session, companion_type, wish, waiting, signature)
        named = companion_type or DEFAULT_TYPE

        async def run(session: Session) -> Refined:
            return await self._loop(session, named, wish, waiting, signature)

        return await self._in_new(owner, (owner, "refine", named, wish), run)

    async def stop(self, owner: str, session_id: str | None, companion_type: str | None, waiting: Waiting) -> Refined:
        """End a loop, wherever it runs; a step under way here is finished first, for as long as a call may wait."""
        session, companion_type = await self.session(owner, session_id, companion_type)
        running = self.runs.under_way(_loop_key(session, companion_type))
        if running is not None:
            running.stopping = True
            await asyncio.wait({running.task}, timeout=waiting.seconds)
        else:
            await end_loop(self.desk, session, companion_type, "cancelled", "It was stopped.")
        done = running is None or running.task.done()
        return told(session.session_id, await session.look(companion_type), "done" if done else "running")

    def open(self) -> None:
        """Begin to serve, also again after ``rest``, also in another event loop."""
        self.runs.open()

    async def rest(self) -> None:
        """Answer every waiting call as running, and store what was handed over; nothing runs afterwards."""
        self.runs.close()
        await self.runs.finish()
        await self.desk.sessions.rest()

    async def close(self) -> None:
        """Rest, and let go of the store."""
        await self.rest()
        await self.desk.sessions.store.close()

    async def _in_new(self, owner: str, asked: Hashable, run: Callable[[Session], Awaitable[T]]) -> T:
        """Run in a new session, or in the one that an unanswered call which asked the same has minted."""
        sessions = self.desk.sessions
        session_id = self.unanswered.claim(asked, lambda: sessions.mint(owner).session_id)
        try:
            session = await sessions.find(owner, session_id)
        except SessionNotFoundError:
            # It was forgotten before its first answer was seen: the question is a new one.
            self.unanswered.answered(asked)
            session_id = self.unanswered.claim(asked, lambda: sessions.mint(owner).session_id)
            session = await sessions.find(owner, session_id)
        try:
            given = await run(session)
        except InputError:
            self.unanswered.answered(asked)
            raise
        except CompanionsError as error:
            self.unanswered.left(asked)
            if session.stored:
                raise error.with_remedy(f"{error.remedy} The query is kept in session {session_id}.") from error
            raise
        except BaseException:
            # The caller went away, or something broke that nobody foresaw: a repeat is still a repeat.
            self.unanswered.left(asked)
            raise
        if isinstance(given, Pending) or (isinstance(given, Refined) and given.status == "running"):
            self.unanswered.left(asked)
        else:
            self.unanswered.answered(asked)
        return given

    async def _run(
        self, session: Session, companion_type: str, request: Request, waiting: Waiting, signature: str
    ) -> Answer | Pending:
        started = time.monotonic()

        async def make(run: Running) -> Answer:
            def hear(piece: str) -> None:
                run.hear(piece)
                if waiting.on_text is not None:
                    waiting.on_text(piece)

            caller = Caller(name=signature, on_text=hear, on_model=run.ask)
            return await self.desk.step(session, companion_type, request, caller)

        async def on_wait(run: Running) -> None:
            await waiting.report(request.step, time.monotonic() - started, run.characters)

        key = Key((session.session_id, companion_type, request.step), _details(request), session.place.owner)
        answer = await self.runs.run(key, make, until=started + waiting.seconds, every=waiting.every, on_wait=on_wait)
        if answer is None:
            return Pending(session_id=session.session_id, companion_type=companion_type, request=request)
        return answer

    async def _loop(
        self, session: Session, companion_type: str, wish: Wish, waiting: Waiting, signature: str
    ) -> Refined:
        started = time.monotonic()

        async def make(run: Running) -> Refined:
            def hear(piece: str) -> None:
                run.hear(piece)
                if waiting.on_text is not None:
                    waiting.on_text(piece)

            caller = Caller(name=signature, on_text=hear, on_model=run.ask)
            refining = Refining(
                desk=self.desk, session=session, companion_type=companion_type, wish=wish, caller=caller, run=run
            )
            return await refining.go()

        async def on_wait(run: Running) -> None:
            await waiting.report(run.told or "refine", time.monotonic() - started, run.characters)

        key = _loop_key(session, companion_type, wish)
        done = await self.runs.run(key, make, until=started + waiting.seconds, every=waiting.every, on_wait=on_wait)
        if done is None:
            return told(session.session_id, await session.look(companion_type), "running")
        return done


def _loop_key(session: Session, companion_type: str, wish: Wish | None = None) -> Key:
    """Say which loop is asked for; a call that gives nothing joins whatever is under way."""
    bare = wish is None or wish == Wish(text_limit=wish.text_limit)
    return Key((session.session_id, companion_type, "refine"), () if bare else (wish,), session.place.owner)


def _details(request: Request) -> tuple[object, ...]:
    """Give what a call said beyond which step it wants; empty for a bare one, which joins whatever is under way."""
    bare = replace(Request(step=request.step), text_limit=request.text_limit)
    return () if request == bare else (request,)
