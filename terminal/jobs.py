"""A job at a terminal: which session it works in, and its end, told whatever it is.

The answer goes to standard output, all else to wherever people read along (see ``screen``): on a terminal that is the
same place, and the answer comes before the session's id; otherwise standard output holds the answer alone, byte for
byte, and it comes last. What is done before that, and what is seen of it, is ``refine``'s and ``consult``'s work.
"""

import asyncio
import shlex
from typing import Protocol

from companions.errors import CompanionsError
from companions.providers import OR_BY_CALLER, PROVIDERS
from sessions.budgets import BY_HAND
from sessions.session import Session
from terminal.program import Program, drained
from terminal.records import found
from terminal.screen import Screen, fail
from terminal.telling import QUIET, tell_heading

SIGNED = "terminal"
"""How a text that a person gave is signed."""
INTERRUPTED = 130
GIVEN = " --file FILE"
AGAIN = "all the same tool again"
WORDS = {
    OR_BY_CALLER: "",
    **{f", and COMPANIONS_MODEL to {name}:NAME": "" for name in PROVIDERS},
    f", {BY_HAND}, or": ", or",
    f", or {BY_HAND}.": ".",
    "Call consult again": "Call the same tool again",
    "Call again": "Try again",
    "companion_types": "--companion",
    "session_id": "--session",
}
"""What errors say to models that call tools, and what a person at a terminal calls it."""


class Job(Protocol):
    """What ``carry_out`` has done, and tells the end of."""

    @property
    def program(self) -> Program:
        """What it works with."""
        ...

    @property
    def screen(self) -> Screen:
        """Where it is told."""
        ...

    @property
    def session(self) -> Session | None:
        """Where it works, once that is known."""
        ...

    @property
    def resume(self) -> str | None:
        """The command that goes on with it; ``None`` while there is nothing to go on with."""
        ...

    async def run(self) -> str:
        """Take it to its end; gives the answer."""
        ...


def carry_out(job: Job) -> int:
    """Run a job until it ends or somebody stops it, and tell the end; its session keeps every step either way.

    Raises:
        CompanionsError: It failed; what to do is said in a terminal's words.
    """
    try:
        answer = asyncio.run(drained(job.program, job.run()))
    except KeyboardInterrupt:
        again = job.resume
        fail(f"Stopped. `{again}` goes on from there." if again else "Stopped before anything was stored.")
        return INTERRUPTED
    except CompanionsError as error:
        raise CompanionsError(_in_words(error.what), remedy(error.remedy, job.resume)) from error
    _tell_end(job, answer)
    return 0


async def session_of(program: Program, session_id: str | None, model: str | None) -> Session:
    """Find the session, or mint one: its id must be known before the first step, which can be interrupted.

    Raises:
        UnknownNameError: The name cannot be a model's; that is refused before anything is stored.
        SessionNotFoundError: There is no such session.
    """
    if model is not None:
        program.calls.desk.models.get(model)
    if session_id is None:
        return program.calls.desk.sessions.mint(program.owner)
    return await found(program, session_id)


def going_on(program: Program, session_id: str, *, waits: bool) -> str:
    """Say which command goes on with a session that was begun; rules write no draft, so they are given one.

    Args:
        program: What the command will work with.
        session_id: The session.
        waits: Whether it waits for its draft.
    """
    again = f"companions refine --session {session_id}"
    if waits and program.calls.desk.sessions.defaults.execution_mode != "server":
        return f"It waits for its draft. Give the text: {again}{GIVEN}"
    return f"Go on with: {again}"


def command(name: str, session: Session, model: str | None) -> str:
    """Give the command that goes on in a session."""
    named = "" if model is None else f" --model {shlex.quote(model)}"
    return f"companions {name} --session {session.session_id}{named}"


def _tell_end(job: Job, answer: str) -> None:
    """Give the answer, and say how to see all of it again; the answer comes last where it goes elsewhere."""
    screen, session_id = job.screen, "" if job.session is None else job.session.session_id
    again = f"\nSession {session_id}. See it again: companions show {session_id}"
    if screen.piped:
        screen.say(again)
        screen.result(answer)
    else:
        tell_heading(screen, "Answer")
        screen.say(answer.rstrip("\n"))
        screen.say(again, QUIET)


def remedy(told: str, again: str | None) -> str:
    """Say what to do in a terminal's words, where the error speaks to a model that calls tools."""
    told = _in_words(told)
    if AGAIN in told:
        run = f"`{again}`" if again else "the same command again"
        return told.replace(f"C{AGAIN}", f"Run {run}").replace(f"c{AGAIN}", f"run {run}")
    return f"{told} Nothing is lost: `{again}` goes on from there." if again and again not in told else told


def _in_words(told: str) -> str:
    for theirs, ours in WORDS.items():
        told = told.replace(theirs, ours)
    return told
