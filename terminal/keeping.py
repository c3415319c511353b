"""The commands about sessions that are kept: ``sessions``, ``export``, ``fork`` and ``forget``."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from companions.errors import CompanionsError, InputError, SessionNotFoundError, StoreError
from sessions import erasing
from sessions.calls import DEFAULT_TYPE
from sessions.erasures import Forgotten
from sessions.forking import fork as begin_fork
from sessions.session import Session
from terminal.jobs import going_on
from terminal.program import MakeProgram, Program, drained
from terminal.records import Record, found, gather
from terminal.screen import Screen, harmless
from terminal.tables import tell_table

Body = dict[str, Any]

SHOWN = 80
"""Characters of a query that a line shows."""
HEADING = ("SESSION", "LAST USED", "COMPANIONS", "TITLE")


def sessions(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """List the person's sessions, pinned ones before the others, newest first."""
    program, screen = make(), Screen.of_process()
    listing = program.reading.listing(program.owner, search=chosen.search, limit=chosen.limit)
    body = asyncio.run(drained(program, listing))
    if chosen.json:
        screen.result(json.dumps(body, ensure_ascii=False, indent=2))
    elif not body["sessions"]:
        screen.say("No session matches." if chosen.search else "No sessions yet. `companions refine` opens one.")
    else:
        tell_table(screen, HEADING, [_row(session) for session in body["sessions"]], rest=len(HEADING) - 1)
    if not chosen.json and "searched" in body:
        screen.say(body["searched"])
    return 0


def export(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Write a whole session out."""
    record = _gathered(make(), chosen.session)
    screen = Screen.of_process()
    by_name = "markdown" if Path(chosen.output or "").suffix.lower() == ".md" else "json"
    text = record.as_markdown() if (chosen.format or by_name) == "markdown" else record.as_json()
    if chosen.output is None:
        screen.result(text)
        return 0
    try:
        _write_for_its_owner(Path(chosen.output), text)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise CompanionsError(
            f"{chosen.output} cannot be written ({reason}).", "Choose another file with -o."
        ) from None
    screen.say(f"Session {chosen.session} is in {chosen.output}.")
    return 0


def _write_for_its_owner(path: Path, text: str) -> None:
    """Write a file that nobody else may read, unless it was there already and says otherwise."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 (a descriptor)
        file.write(text.encode())


def fork(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Begin a session from where another one is, or was at an entry; its id is the result."""
    screen = Screen.of_process()
    program = make()
    made, waits = asyncio.run(drained(program, _fork(program, chosen.session, chosen.at)))
    screen.result(made.session_id)
    screen.say(
        f"It begins as session {chosen.session} was at entry {made.opening.base}. "
        f"{going_on(program, made.session_id, waits=waits)}"
    )
    return 0


async def _fork(program: Program, session_id: str, at: int | None) -> tuple[Session, bool]:
    """Fork a session; tells too whether the fork waits for a draft, as far as it can be read."""
    await found(program, session_id)
    try:
        made = await begin_fork(program.calls.desk.sessions, program.owner, session_id, at)
    except SessionNotFoundError:
        raise
    except InputError as error:
        raise error.with_remedy(f"`companions show {session_id}` tells the number of each.") from error
    with contextlib.suppress(StoreError):
        slot = (await made.look(made.last_type or DEFAULT_TYPE)).slot
        return made, slot is None or slot.draft is None
    return made, False


def forget(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Delete a session for good, once the person has said so."""
    screen = Screen.of_process()
    if not chosen.yes and not _agreed(make(), chosen.session, screen):
        screen.say("Nothing was deleted.")
        return 1
    forgotten = asyncio.run(_forget(make(), chosen.session))
    screen.say(" ".join([f"Session {chosen.session} is deleted.", *forgotten.told]))
    return 0


async def _forget(program: Program, session_id: str) -> Forgotten:
    async def erase() -> Forgotten:
        await found(program, session_id)
        return await erasing.forget(program.calls.desk.sessions, program.owner, session_id)

    return await drained(program, erase())


def _agreed(program: Program, session_id: str, screen: Screen) -> bool:
    """Ask; the event loop is not running meanwhile, so that Ctrl-C ends the question at once."""
    if not (sys.stdin.isatty() and screen.terminal):
        raise InputError("A session is deleted for good, and there is nobody to ask.", "Add --yes to delete it.")
    told = _gathered(program, session_id).overview
    shown = f"Delete session {session_id} ({told['title']}; {told['versions']} versions) for good? [y/N] "
    screen.people.print(harmless(shown), end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _gathered(program: Program, session_id: str) -> Record:
    return asyncio.run(drained(program, gather(program, session_id)))


def _row(session: Body) -> tuple[str, ...]:
    used = datetime.fromisoformat(session["last_used"]).astimezone()
    companions = ", ".join(f"{name} {_state(values)}" for name, values in session["companions"].items())
    title = f"[pinned] {session['title']}" if session.get("pinned") else session["title"]
    return session["session_id"], f"{used:%Y-%m-%d %H:%M}", companions, title


def _state(values: Body) -> str:
    """Say in a word where a companion stands: why it ended, or what comes next."""
    return str(values.get("stop_reason") or f"to {values['phase']}").replace("_", " ")
