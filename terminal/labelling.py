"""The commands ``title``, ``pin`` and ``unpin``: they word what ``sessions.labelling`` does."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from sessions import labelling
from sessions.sessions import Sessions
from terminal.program import MakeProgram, Program, drained
from terminal.records import found
from terminal.screen import Screen, harmless


def title(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Give a session a title."""

    async def give(sessions: Sessions, owner: str, session_id: str) -> None:
        await labelling.set_title(sessions, owner, session_id, chosen.title)

    return _carry_out(chosen, make, give, f"has the title: {harmless(chosen.title.strip())}")


def pin(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Have a session listed first and kept."""
    return _carry_out(chosen, make, labelling.pin, "is pinned.")


def unpin(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Have a session listed and kept like any other."""
    return _carry_out(chosen, make, labelling.unpin, "is not pinned.")


def _carry_out(
    chosen: argparse.Namespace, make: MakeProgram, label: Callable[[Sessions, str, str], Awaitable[None]], told: str
) -> int:
    asyncio.run(_label(make(), chosen.session, label))
    Screen.of_process().say(f"Session {chosen.session} {told}")
    return 0


async def _label(program: Program, session_id: str, label: Callable[[Sessions, str, str], Awaitable[None]]) -> None:
    async def find_and_label() -> None:
        await found(program, session_id)
        await label(program.calls.desk.sessions, program.owner, session_id)

    await drained(program, find_and_label())
