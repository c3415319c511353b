"""The ``doctor`` command: looks at everything that can be wrong with an installation, and says what to fix.

It asks no model unless told to, since a look must not cost anything, and makes no file for a store; in a database
server the tables that are missing are made, as by any command. Keys are never shown.
"""

import argparse
import asyncio
import json
import os
import platform
from collections.abc import Iterator
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, version
from urllib.request import urlopen

from rich.text import Text

from companions.errors import CompanionsError
from sessions.sessions import Sessions
from sessions.spool.spool import can_be_written, orphans
from sessions.store import Size
from terminal.arguments import DISTRIBUTION
from terminal.findings import Finding
from terminal.model_check import asked, configured, without_password
from terminal.program import MakeProgram, Program, drained
from terminal.screen import Screen, harmless
from terminal.storekeeping import file_of, in_words

PACKAGES = (DISTRIBUTION, "fastmcp", "langchain-core", "langchain-openai", "proselint", "rapidfuzz")
KEYS_SECONDS, KEYS_BYTES = 5.0, 1_000_000

STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


def doctor(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Check everything; 1 if something is broken."""
    findings = list(_packages())
    try:
        program = make()
    except CompanionsError as error:
        findings.append(Finding("wrong", str(error)))
    else:
        findings += [_store(program), *_spool(program), *configured(program), *_library(program)]
        findings += [*_authentication(program), *_settings(program)]
        if chosen.model is not None:
            findings.append(asked(make(), chosen.model))
    screen = Screen.of_process()
    for finding in findings:
        _tell(screen, finding)
    return int(any(finding.state == "wrong" for finding in findings))


def _tell(screen: Screen, finding: Finding) -> None:
    line = f"{finding.state:<5}  {harmless(finding.what)}"
    if screen.piped:
        screen.result(line)
        return
    told = Text(line)
    told.stylize(STYLES[finding.state], 0, len(finding.state))
    screen.say(told)


def _packages() -> Iterator[Finding]:
    found: list[str] = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("wrong", f"The package {name} is missing. Install {DISTRIBUTION} again.")
    yield Finding("ok", ", ".join(found))


def _store(program: Program) -> Finding:
    shown, file = without_password(program.store), file_of(program.store)
    if file is not None and not os.access(file, os.F_OK):
        if not can_be_written(file.parent):
            return Finding("wrong", f"Store {shown}: it cannot be made. Name a folder of yours in COMPANIONS_STORE.")
        return Finding("ok", f"Store {shown}: not there yet; it will be made at {file}")
    try:
        size, schema = asyncio.run(drained(program, _look(program.calls.desk.sessions)))
    except CompanionsError as error:
        return Finding("wrong", f"Store {shown}: {error}")
    told = "" if schema is None else f", schema version {schema}"
    return Finding("ok", f"Store {shown}: {in_words(size)}{told}")


async def _look(sessions: Sessions) -> tuple[Size, int | None]:
    # A store that is away says so sooner than it would when it is told to count.
    await sessions.store.head("-")
    versioned = sessions.versioned
    return await sessions.store.size(), None if versioned is None else await sessions.store.within(versioned.schema)


def _spool(program: Program) -> Iterator[Finding]:
    """Tell what ended processes left for the store: a server that runs takes its own along."""
    if program.calls.desk.sessions.spool is not None and not can_be_written(program.spool):
        yield Finding("wrong", f"Spool: {program.spool} cannot be written. Name a folder of yours in COMPANIONS_SPOOL.")
        return
    try:
        left = orphans(program.spool, program.store)
        size = sum(path.stat().st_size for path in left)
    except FileNotFoundError:
        return  # a server has just taken it over
    except CompanionsError as error:
        yield Finding("wrong", f"Spool: {error}")
        return
    if left:
        yield Finding(
            "note",
            f"Spool {program.spool}: {size / 1000:,.0f} kB from processes that have ended wait for the store, in "
            f"{', '.join(path.name for path in left)}. A server on this store takes them in while it can be "
            "reached.",
        )


def _library(program: Program) -> Iterator[Finding]:
    library = program.calls.desk.sessions.library
    names = ", ".join(known.name for known in library.types)
    folder = "" if library.folder is None else f" (yours from {library.folder})"
    yield Finding("ok", f"Companion types{folder}: {names}")
    for problem in library.problems:
        yield Finding("wrong", f"Companion type: {problem}. Mend the file, or take it out of the folder.")


def _authentication(program: Program) -> Iterator[Finding]:
    """Tell whether an issuer's keys can be read from here: to a server that cannot, every token looks forged."""
    url = program.settings.get("COMPANIONS_AUTH_JWKS_URL")
    if url is None:
        return
    try:
        with urlopen(url, timeout=KEYS_SECONDS) as answer:  # noqa: S310 (https, or this machine: the settings ask for it)
            keys = json.loads(answer.read(KEYS_BYTES))["keys"]
            yield Finding("ok", f"Authentication: keys are read from {url} ({len(keys)})")
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        yield Finding(
            "wrong",
            f"Authentication: no keys can be read from {url}, so every token is refused. "
            "Mend COMPANIONS_AUTH_JWKS_URL, or the way there.",
        )


def _settings(program: Program) -> Iterator[Finding]:
    given = ", ".join(f"{name}={without_password(value)}" for name, value in program.settings.items())
    yield Finding("ok", f"Settings: {given or 'all at their defaults'}")
    for name in program.unknown_settings:
        yield Finding("note", f"{name} is no setting. `companions serve --help` lists those there are.")
