"""The command ``report``: a session as one HTML file, to be sent to somebody who has neither the program nor the store.

What the page looks like is ``sessions.report``'s work; here a session is read, and a file comes into being as a whole.
"""

import argparse
import asyncio
import errno
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from companions.errors import CompanionsError, InputError
from sessions.report import SlotTold, report_html
from sessions.session import Session
from terminal.program import MakeProgram, Program, drained
from terminal.records import Body, chosen_of, entries_of, found
from terminal.screen import Screen

WITHOUT_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What file systems without hard links answer, such as those of memory cards and some network drives."""


def report(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Write a session's report; the file's name is the result."""
    path = Path(chosen.output)
    overview, companions = asyncio.run(_read(make(), chosen.session, chosen.companion))
    if path.exists() and not chosen.force:
        raise _taken(path)
    try:
        write_whole(path, report_html(overview, companions), force=chosen.force)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise CompanionsError(f"{path} cannot be written ({reason}).", "Choose another file with -o.") from None
    screen = Screen.of_process()
    screen.say(f"The report of session {chosen.session} is written.")
    screen.result(str(path))
    return 0


def _taken(path: Path) -> InputError:
    return InputError(f"{path} is there already.", "Choose another file with -o, or replace it with --force.")


async def _read(
    program: Program, session_id: str, companion_type: str | None
) -> tuple[Body, dict[str, list[SlotTold]]]:
    async def read() -> tuple[Body, dict[str, list[SlotTold]]]:
        session = await found(program, session_id)
        overview = await program.reading.overview(program.owner, session_id)
        names = chosen_of(list(overview["companions"]), companion_type)
        return overview, {name: await _slots(program, session, name) for name in names}

    return await drained(program, read())


async def _slots(program: Program, session: Session, name: str) -> list[SlotTold]:
    entries = sorted(await entries_of(session, name), key=lambda entry: entry.slot)
    newest = program.reading.newest_convergence
    return [
        SlotTold(entries=list(told), analysis=await newest(program.owner, session.session_id, name, slot=number))
        for number, told in groupby(entries, key=lambda entry: entry.slot)
    ]


def write_whole(path: Path, pieces: Iterable[str], *, force: bool) -> None:
    """Write a file that is there as a whole or not at all, and takes another's place only if it may.

    Raises:
        FileExistsError: It may not, and there is one.
        OSError: It cannot be written.
    """
    begun = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with begun.open("x", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        if force:
            begun.replace(path)
        else:
            _put(begun, path)
    finally:
        with suppress(FileNotFoundError):
            begun.unlink()


def _put(begun: Path, path: Path) -> None:
    """Give a file a name that is free: by a hard link, or, where the file system has none, by a copy."""
    try:
        path.hardlink_to(begun)
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        copy = path.open("xb")
        try:
            with copy, begun.open("rb") as made:
                shutil.copyfileobj(made, copy)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
