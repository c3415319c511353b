"""The commands ``export`` and ``import``, as far as they are about archives and templates.

What an archive holds, and what of it may be brought, is decided elsewhere; a single session as JSON or Markdown is
``keeping``'s.
"""

import argparse
import asyncio
from pathlib import Path

from companions.errors import InputError, StoreError
from sessions.archives import writing
from sessions.archives.files import bring as bring_file
from sessions.archives.importing import Imported
from sessions.archives.templates import Begun
from sessions.archives.writing import Exported
from sessions.labels import MOST_PINNED
from sessions.opening import patient
from sessions.presence import is_there, nobody
from terminal import keeping
from terminal.jobs import going_on
from terminal.program import MakeProgram, Program, drained
from terminal.progress import telling
from terminal.records import found
from terminal.screen import Screen, fail
from terminal.storekeeping import NAMED, counted, named


def export(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Write one session out, a template of it, or all of an owner's as an archive.

    Raises:
        InputError: The options name none of these.
    """
    _check(chosen)
    if not _is_archive(chosen):
        return keeping.export(chosen, make)
    program, screen, target = make(), Screen.of_process(), Path(chosen.output).absolute()
    if chosen.all:
        exported = asyncio.run(drained(program, _export(program, chosen.owner, target)))
        counts = f"{counted(exported.sessions, 'session')}, {counted(exported.entries, 'entry')}"
        screen.say(f"{counts} are in {chosen.output}. What was learned from loops is nobody's, and not in it.")
        if exported.shared:
            names = ", ".join(exported.shared[:NAMED]) + (", ..." if len(exported.shared) > NAMED else "")
            count = counted(len(exported.shared), "session")
            screen.say(f"Shared by others, whose they are, and not in it: {count} ({names}).")
        return _tell_lacking(exported)
    asyncio.run(drained(program, _export_one(program, chosen.session, target, template=chosen.template)))
    what = "The settings and queries of session" if chosen.template else "All of session"
    screen.say(f"{what} {chosen.session} {'are' if chosen.template else 'is'} in {chosen.output}.")
    return 0


def _tell_lacking(exported: Exported) -> int:
    """Say what is not in the archive: 1 if anything is not."""
    if exported.lacking:
        fail(
            f"Entries that wait on this machine's disk are not in it, since they do not open with the keys at hand, or "
            f"nothing tells whose they are: of {named(exported.lacking)}. Put every key back and call this again."
        )
    return int(bool(exported.lacking))


def _check(chosen: argparse.Namespace) -> None:
    if bool(chosen.session) == chosen.all:
        raise InputError("An export is of one session or of all.", "Give an ID, or --all.")
    if chosen.owner and not chosen.all:
        raise InputError("--owner is for --all alone.", "Leave it out: a session has one owner.")
    if (chosen.all or chosen.template) and not chosen.output:
        raise InputError("An archive is a file.", "Name it with -o FILE.")
    if _is_archive(chosen) and (chosen.format or (chosen.all and chosen.template)):
        raise InputError(
            "An archive and a template have forms of their own.", "Give one of --all, --template, --format."
        )


def _is_archive(chosen: argparse.Namespace) -> bool:
    """Tell whether a zip file is asked for, also by its name."""
    return bool(chosen.all or chosen.template or Path(chosen.output or "").suffix.lower() == ".zip")


async def _export(program: Program, named: str | None, target: Path) -> Exported:
    """Export the sessions of whoever is named, who must be there, or of the person at the terminal."""
    sessions, owner = program.calls.desk.sessions, named or program.owner
    async with patient(sessions.store):
        if named is not None and not await is_there(sessions, owner):
            raise nobody(owner)
        return await writing.export(sessions, owner, target, telling(_done))


async def _export_one(program: Program, session_id: str, target: Path, *, template: bool) -> Exported:
    session, sessions = await found(program, session_id), program.calls.desk.sessions
    async with patient(sessions.store):
        if template:
            return await writing.export_template(session, target)
        return await writing.export_one(sessions, session, target)


def bring(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Bring the sessions of a file into the store."""
    program, screen = make(), Screen.of_process()
    brought = asyncio.run(drained(program, _bring(program, chosen.owner or program.owner, Path(chosen.file))))
    if isinstance(brought, Imported):
        _tell(screen, brought)
        return 0
    for begun in brought:
        _tell_begun(program, screen, begun)
    return 0


async def _bring(program: Program, owner: str, path: Path) -> Imported | list[Begun]:
    sessions = program.calls.desk.sessions
    async with patient(sessions.store):
        try:
            return await bring_file(sessions, owner, path, text_limit=program.text_limit, report=telling(_done))
        except StoreError as error:
            raise error.with_remedy(
                f"{error.remedy} What was imported stays; the same command goes on from there."
            ) from error


def _tell(screen: Screen, imported: Imported) -> None:
    screen.result(
        f"{counted(imported.sessions, 'session')} imported, {counted(imported.entries, 'entry')}; "
        f"{counted(imported.there, 'session')} there already."
    )
    if imported.unpinned:
        count = counted(imported.unpinned, "session")
        screen.result(f"{count} that the file has pinned: not pinned here, since an owner has {MOST_PINNED} at most.")
    renamed = [*imported.renamed.items()]
    for old, new in renamed[:NAMED]:
        erased = "it was erased here, and an id that was erased does not come back."
        screen.result(f"{old} is {new} here: {erased if old in imported.erased else 'its own id is taken.'}")
    if len(renamed) > NAMED:
        screen.result(f"And {len(renamed) - NAMED:,} more have other ids.")


def _tell_begun(program: Program, screen: Screen, begun: Begun) -> None:
    """Say which session was begun, and what is to be asked in it."""
    screen.result(begun.session_id)
    if begun.spooled:
        fail(
            "The store went away: the session waits in the spool on this machine's disk, and comes into the store with "
            "the next command or server that reaches it. Do not import the file again: that begins another one."
        )
    for name, query in begun.waiting.items():
        screen.say(f"Companion {name} waits for the draft of: {_short(query)}")
    for name, query in begun.later:
        screen.say(f"To be put to {name} later: {_short(query)}")
    screen.say(going_on(program, begun.session_id, waits=bool(begun.waiting)))


def _short(query: str) -> str:
    words = " ".join(query[:400].split())
    return words if len(words) <= keeping.SHOWN else f"{words[: keeping.SHOWN]}..."


def _done(done: int, of: int) -> str:
    return f"{done:,} of {counted(of, 'session')} done"
