"""The commands about keys: ``new-key`` makes one, ``rotate-keys`` seals a store with the newest of them.

What is sealed, and how, is said elsewhere. No key is shown but the one that was just made.
"""

import argparse
import asyncio
import contextlib

from companions.errors import InputError, StoreAwayError, UnopenedError
from sessions.erasure_store import Wiped
from sessions.opening import WIPE_SECONDS, open_store, reached
from sessions.sealing.keys import SETTING, Keyring, new_key
from sessions.sealing.rotating import Rotated, rotate
from sessions.spool.spool import all_spools
from terminal.program import MakeProgram, Program, drained
from terminal.progress import telling
from terminal.screen import Screen, fail
from terminal.storekeeping import named

TRIES = 5
"""How often it is waited for what is in a spool, when nothing of it came home meanwhile."""
STORE = "COMPANIONS_STORE"
NOBODY = ""
"""An owner who has nothing."""


def make_key(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Print a new key, as the setting takes it."""
    del chosen, make
    screen = Screen.of_process()
    screen.result(new_key())
    screen.say(f"Keep it where you keep secrets, apart from the store: without it nothing opens. Set it in {SETTING}.")
    return 0


def rotate_keys(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Seal everything with the newest key: 1 if something is left that is not.

    Raises:
        InputError: There is no key, or no store that stays.
    """
    if chosen.give_up is not None:
        return _give_up(make(), chosen.give_up)
    program = make()
    keyring = _keyring(program)
    asyncio.run(drained(program, _bring_home(program)))
    waiting = all_spools(program.spool, program.store)
    rotated = asyncio.run(_rotate(program.store, keyring, drop=not waiting))
    _tell(rotated, keyring.newest)
    # Told after it: what is sealed is sealed, also where the old bytes could not be wiped.
    _tell_wiped(asyncio.run(_wipe(program.store)))
    if waiting:
        files = "file" if len(waiting) == 1 else "files"
        fail(
            f"{len(waiting)} {files} in {program.spool} may still hold entries. When running servers have brought them "
            "into the store, end these servers and call this again; keep every key until then."
        )
    return int(bool(waiting) or not rotated.whole)


def _keyring(program: Program) -> Keyring:
    if program.store == "memory://":
        raise InputError("A store in memory ends with its process.", "Name one that stays in COMPANIONS_STORE.")
    if program.keyring is None:
        raise InputError(
            f"{SETTING} is not set.", "Set it to a key that `companions new-key` makes, before the old ones."
        )
    return program.keyring


async def _bring_home(program: Program) -> None:
    """Bring what ended processes kept for the store into it."""
    writer = program.calls.desk.sessions.writer
    await writer.keeper.store.head("-")
    await writer.read_in()
    spool, tries = writer.keeper.spool, 0
    while spool is not None and spool.entries and tries < TRIES:
        before = spool.entries
        # It waits no longer than a store may take; a full spool takes several calls.
        with contextlib.suppress(StoreAwayError):
            await writer.settled(next(iter(spool.waiting)))
        tries = 0 if spool.entries < before else tries + 1


async def _rotate(url: str, keyring: Keyring, *, drop: bool) -> Rotated:
    store = open_store(url)
    async with reached(store, STORE) as guarded:
        return await rotate(store, guarded, keyring, telling(_looked), drop=drop)


async def _wipe(url: str) -> Wiped:
    """Take out of the store's own files what stood there before it was sealed, also by a run that was cut short."""
    store = open_store(url)
    async with reached(store, STORE) as guarded:
        return await guarded.alone(lambda: store.wipe(NOBODY), WIPE_SECONDS)


def _give_up(program: Program, key_id: str) -> int:
    """Have the store forget a key that is lost, so that it can be used without."""
    if program.keyring is not None and key_id in program.keyring.keys:
        raise InputError(
            f"The key {key_id!r} is there.", "Without --give-up, `companions rotate-keys` makes it needless."
        )
    asyncio.run(_forget_key(program.store, key_id))
    Screen.of_process().say("The store opens without it. What it sealed does not: such sessions can only be forgotten.")
    if closed := asyncio.run(drained(program, _closed(program))):
        fail(
            f"On this machine's disk, entries do not open that wait to be stored: of {named(closed)}. They stay until "
            "their key is put back, or their session is erased by `companions forget` or `companions erase`."
        )
    return 0


async def _closed(program: Program) -> tuple[str, ...]:
    """Give the sessions of which something on this machine's disk does not open, if that can be told."""
    writer = program.calls.desk.sessions.writer
    with contextlib.suppress(UnopenedError):  # other keys are missing too
        await writer.keeper.store.head("-")
        await writer.read_in()
        spool = writer.keeper.spool
        return () if spool is None else tuple(sorted(await spool.unopened()))
    return ()


async def _forget_key(url: str, key_id: str) -> None:
    store = open_store(url)
    async with reached(store, STORE) as guarded:
        if key_id not in await guarded.alone(store.seals):
            raise InputError("The store knows of no key of that id.", "The error that it is refused with names them.")
        await guarded.alone(lambda: store.drop_seal(key_id))


def _looked(sessions: int, entries: int) -> str:
    return f"{sessions:,} sessions looked at, {entries:,} entries sealed"


def _tell(rotated: Rotated, newest: str) -> None:
    screen = Screen.of_process()
    screen.result(
        f"{rotated.entries:,} entries of {rotated.sessions:,} sessions are sealed with {newest!r} and open with it; "
        f"{rotated.resealed:,} were sealed now."
    )
    if rotated.dropped:
        keys = ", ".join(map(repr, rotated.dropped))
        screen.result(f"Nothing is sealed with {keys} any more: take it out of {SETTING}.")
    if rotated.left:
        fail(
            f"{rotated.left:,} texts were stored meanwhile that {newest!r} has not sealed. Start every server with it "
            "as the first key, and call this again."
        )
    if rotated.used:
        keys = ", ".join(map(repr, rotated.used))
        fail(
            f"A server still seals with {keys}. Start every server with {newest!r} as the first key, "
            "and call this again."
        )
    if rotated.unopened:
        fail(
            f"{len(rotated.unopened):,} sessions hold something that does not open, left as it is: "
            f"{named(tuple(sorted(rotated.unopened)))}. "
            "Restore them from a backup or forget them, and call this again; keep every key until then."
        )


def _tell_wiped(wiped: Wiped) -> None:
    screen = Screen.of_process()
    for sentence in wiped.done:
        screen.result(sentence)
    for sentence in wiped.left:
        screen.result(f"Left: {sentence}")
