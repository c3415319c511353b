"""The commands about a store as a whole: ``prune``, ``copy`` and ``backup``.

They decide nothing about sessions: which are too old, what is copied and when two are the same is said elsewhere, and
how long a store may take for an answer too. A store's URL is never shown, since it can hold a password.
"""

import argparse
import asyncio
import secrets
import time
from pathlib import Path

from companions.errors import InputError, StoreError
from sessions import copying, retention
from sessions.copying import Copied
from sessions.opening import open_store, reached
from sessions.retention import Pruned, Retention
from sessions.seal_store import SealableStore
from sessions.sealing.refusals import copy_seals
from sessions.store import Size
from sessions.stores.sqlite.store import SQLiteStore
from terminal.program import MakeProgram, Program, drained
from terminal.progress import telling
from terminal.screen import Screen, fail

SQLITE = "sqlite:///"
WRONG_USE = 2
NAMED = 20
"""Sessions that a message names."""


def prune(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Delete sessions that were not used for long, or say which ones would be."""
    program, screen = make(), Screen.of_process()
    kept: Retention = chosen.delete or Retention.parse(program.retention)
    if kept.delete is None:
        screen.say("Nothing was deleted: COMPANIONS_RETENTION says that sessions are kept. Give --delete, like 90d.")
        return 0
    try:
        before, pruned, after, left = asyncio.run(drained(program, _prune(program, kept, dry_run=chosen.dry_run)))
    except StoreError as error:
        done = "" if chosen.dry_run else " What was deleted stays deleted; the same command deletes the rest."
        fail(f"{error}{done}")
        return 1
    if pruned.elsewhere:
        fail("Another process prunes this store. Try again when it is done.")
        return 1
    done = "would be deleted" if chosen.dry_run else "deleted"
    archived = "" if kept.archive is None else f" Archived: {pruned.archived:,}."
    screen.result(f"{pruned.deleted:,} of {counted(pruned.sessions, 'session')} {done}.{archived}")
    screen.result(f"Before: {in_words(before)}.")
    if not chosen.dry_run:
        screen.result(f"Now: {in_words(after)}.")
    for sentence in left:
        screen.result(f"Left: {sentence}")
    return 0


async def _prune(program: Program, kept: Retention, *, dry_run: bool) -> tuple[Size, Pruned, Size, tuple[str, ...]]:
    async with (
        reached(open_store(program.store), "COMPANIONS_STORE") as store,
        program.calls.desk.sessions.copies.gathered() as copies,
    ):
        before, holder = await store.size(), secrets.token_hex(8)
        pruned = await retention.prune(store, kept, time.time(), dry_run=dry_run, holder=holder, leaving=copies.leave)
        return before, pruned, await store.size(), await copies.delete()


def copy(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Copy a store into another: 1 if they are not the same then, 2 if they are no two stores."""
    del make
    try:
        source, target = _two_stores(chosen.source, chosen.target)
    except InputError as error:
        fail(str(error))
        return WRONG_USE
    try:
        copied = asyncio.run(_copy(source, target))
    except StoreError as error:
        fail(f"{error} What was copied stays; the same command goes on from there.")
        return 1
    _tell_copied(copied)
    return int(bool(copied.differing))


def _two_stores(source: str, target: str) -> tuple[SealableStore, SealableStore]:
    """Give the stores of two URLs.

    Raises:
        InputError: They are no two stores that one could be copied to the other.
    """
    if source == target:
        raise InputError("--from and --to name the same store.", "Name two.")
    if "memory://" in {source, target}:
        raise InputError("A store in memory ends with its process.", "Name one that stays.")
    file = file_of(source)
    if file is not None and not file.exists():
        raise InputError(f"There is no file {file}.", "Check the path given by --from.")
    try:
        return open_store(source), open_store(target)
    except StoreError as error:
        raise InputError(error.what, "Give URLs as COMPANIONS_STORE takes them.") from None


async def _copy(source: SealableStore, target: SealableStore) -> Copied:
    async with reached(source, "--from") as read, reached(target, "--to") as written:
        total = (await read.size()).sessions
        await copy_seals(source, target)
        return await copying.copy(
            read,
            written,
            telling(
                lambda done, copied: f"{done:,} of {counted(total, 'session')} done, {counted(copied, 'entry')} copied",
                at_once=True,
            ),
        )


def _tell_copied(copied: Copied) -> None:
    screen = Screen.of_process()
    compared = counted(copied.sessions, "session")
    screen.result(f"{counted(copied.entries, 'entry')} copied; {compared} compared, the same in both stores.")
    screen.result(f"sha256 {copied.digest}")
    if copied.forgotten:
        screen.say(f"Forgotten in one of the stores, and left so: {named(copied.forgotten)}.")
    if copied.differing:
        fail(
            f"{counted(len(copied.differing), 'session')} not the same in both stores: {named(copied.differing)}. "
            "The target's were left as they are; forget them there, or copy to another store."
        )


def backup(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Write an SQLite store to a file of its own, also while it is in use.

    Raises:
        InputError: The store is no SQLite file.
        StoreError: FILE is there already, or cannot be written.
    """
    program, screen = make(), Screen.of_process()
    source, target = file_of(program.store), Path(chosen.file).absolute()
    if source is None:
        raise InputError(
            "Only SQLite stores are backed up to a file.", "Use `companions copy --from URL --to sqlite:///FILE`."
        )
    if not source.exists():
        raise InputError(f"There is no store {source} yet.", "Check COMPANIONS_STORE.")
    asyncio.run(drained(program, _backup(source, target)))
    screen.say(f"The store is in {chosen.file}; `COMPANIONS_STORE=sqlite:///{target}` uses it.")
    return 0


async def _backup(source: Path, target: Path) -> None:
    store = SQLiteStore(source)
    try:
        await store.backup(target)
    finally:
        await store.close()


def file_of(url: str) -> Path | None:
    """Give the file of an SQLite store; ``None`` for every other store."""
    return Path(url.removeprefix(SQLITE)).expanduser().absolute() if url.startswith(SQLITE) else None


def in_words(size: Size) -> str:
    """Say how large a store is."""
    return f"{counted(size.sessions, 'session')}, {counted(size.entries, 'entry')}, {size.bytes / 1000:,.0f} kB"


def counted(count: int, name: str) -> str:
    """Count things: their name is given for one of them."""
    several = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return f"{count:,} {name if count == 1 else several}"


def named(ids: tuple[str, ...]) -> str:
    """Name sessions, as many as a message holds."""
    more = "" if len(ids) <= NAMED else f" and {len(ids) - NAMED:,} more"
    return f"{', '.join(ids[:NAMED])}{more}"
