"""The command ``erase``: all that an owner has is deleted for good, and what is not in reach is told.

What is deleted, and in which order, is decided elsewhere.
"""

import argparse
import asyncio
import sys

from companions.errors import InputError, StoreError
from sessions import erasing
from sessions.erasure_store import Wiped
from sessions.erasures import Erased
from sessions.opening import patient
from sessions.presence import is_there, nobody
from terminal.program import MakeProgram, Program, drained
from terminal.screen import Screen, fail, harmless
from terminal.storekeeping import NAMED, counted, named


def erase(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Delete all sessions of an owner, once the person has said so, or say what that would be."""
    screen = Screen.of_process()
    if chosen.dry_run:
        _tell(screen, asyncio.run(_would_erase(make(), chosen.owner)), "would be erased")
        return 0
    if not chosen.yes and not _agreed(make(), chosen.owner, screen):
        screen.say("Nothing was erased.")
        return 1
    known, erased = asyncio.run(_erase(make(), chosen.owner))
    if not known:
        _tell_wiped(screen, erased)
        raise nobody(chosen.owner)
    _tell(screen, erased, "erased")
    return 0


async def _would_erase(program: Program, owner: str) -> Erased:
    async def look() -> Erased:
        sessions = program.calls.desk.sessions
        async with patient(sessions.store):
            if not await is_there(sessions, owner):
                raise nobody(owner)
            return await erasing.would_erase(sessions, owner)

    return await drained(program, look())


async def _erase(program: Program, owner: str) -> tuple[bool, Erased]:
    """Erase; tells too whether there was anything: if not, an earlier erasure may still have to be finished."""

    async def go() -> tuple[bool, Erased]:
        sessions = program.calls.desk.sessions
        async with patient(sessions.store, wiping=True):
            known = await is_there(sessions, owner)
            return known, await erasing.erase(sessions, owner)

    try:
        return await drained(program, go())
    except StoreError as error:
        remedy = f"{error.remedy} What was erased stays erased; the same command erases the rest."
        raise error.with_remedy(remedy) from error


def _agreed(program: Program, owner: str, screen: Screen) -> bool:
    """Ask; the event loop is not running meanwhile, so that Ctrl-C ends the question at once."""
    if not (sys.stdin.isatty() and screen.terminal):
        raise InputError("Sessions are erased for good, and there is nobody to ask.", "Add --yes to erase them.")
    found = asyncio.run(_would_erase(program, owner))
    shown = f"Erase {_counts(found)} of owner {owner} for good? [y/N] "
    screen.people.print(harmless(shown), end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _tell(screen: Screen, erased: Erased, done: str) -> None:
    screen.result(f"{_counts(erased)} {done}.")
    for kept in erased.kept[:NAMED]:
        entries = counted(kept.entries, "entry")
        screen.result(f"Of session {kept.session_id}, fork {kept.fork} of another owner keeps the first {entries}.")
    if len(erased.kept) > NAMED:
        screen.result(f"And so do forks of {counted(len(erased.kept) - NAMED, 'more session')}.")
    if erased.nobodys:
        fail(
            f"Entries that wait on this machine's disk stay, since nothing tells whose they are: of "
            f"{named(erased.nobodys)}."
        )
    if erased.left:
        others = counted(erased.left, "session")
        screen.result(f"Their part in {others} of others {done} too; what they wrote there stays, as its owner's.")
    _tell_wiped(screen, erased)


def _tell_wiped(screen: Screen, erased: Erased) -> None:
    wiped = erased.wiped or Wiped()
    for sentence in wiped.done:
        screen.result(sentence)
    for sentence in (*wiped.left, *erased.elsewhere):
        screen.result(f"Left: {sentence}")


def _counts(erased: Erased) -> str:
    spooled = f" and {counted(erased.spooled, 'entry')} on this machine's disk" if erased.spooled else ""
    return f"{counted(erased.sessions, 'session')}, {counted(erased.entries, 'entry')}{spooled}"
