"""Which store a URL means, and the sessions in it.

Of a URL the driver's name is read here, and the number of a Redis database, which the driver passes over where it is
none; all else is the driver's.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from companions.companion_types import Library
from companions.configuration import Defaults
from companions.errors import StoreAwayError, StoreError
from sessions.news import Channel
from sessions.retention import Retention
from sessions.seal_store import SealableStore
from sessions.sealing.keys import Keyring
from sessions.sealing.store import SealedStore
from sessions.sessions import Sessions
from sessions.spool.spool import Spool
from sessions.store import Store
from sessions.stores.guarded import DEADLINE, GuardedStore
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres.news import PostgresNews
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.news import RedisNews
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from sessions.versioned_store import VersionedStore

_SQLITE = "sqlite:///"
POSTGRES = frozenset({"postgresql", "postgres"})
REDIS = frozenset({"redis", "rediss", "unix"})
_DATABASE = re.compile(r"/?[0-9]*/?", re.ASCII)
_LOOK = "Look whether it runs, whether it can be reached, and whether another program holds it."
CALL_SECONDS = 30.0
"""How long one call of a command may take: a copy's pages are megabytes, and a line may be slow."""
WORK_SECONDS = 120.0
"""The same for counts and erasures."""
WIPE_SECONDS = 3_600.0
"""The same where files are written anew, however large they are."""


def open_store(url: str) -> SealableStore:
    """Give the store that a URL means; it connects on first use.

    Args:
        url: ``sqlite:///PATH`` (four slashes for an absolute path, ``~`` is the home folder), ``postgresql://...``,
            ``redis://...``, ``rediss://...``, ``unix://...`` (a Redis server's socket) or ``memory://``.

    Raises:
        StoreError: No store of that kind is known, or the URL's database is no number.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return SQLiteStore(Path(url.removeprefix(_SQLITE)).expanduser().absolute())
    if url == "memory://":
        return MemoryStore()
    driver = url.partition(":")[0][:40]
    if driver in POSTGRES:
        return PostgresStore(url)
    if driver in REDIS:
        _check_database(url, driver)
        return RedisStore(url)
    raise StoreError(
        f"There is no store for {driver!r}.",
        "Set COMPANIONS_STORE to sqlite:///PATH, postgresql://..., redis://..., rediss://... or memory://.",
    )


def kind_of(url: str) -> str:
    """Name the kind of store that a URL means: ``sqlite``, ``postgresql``, ``redis`` or ``memory``."""
    driver = url.partition(":")[0]
    return "postgresql" if driver in POSTGRES else "redis" if driver in REDIS else driver


def open_channel(url: str) -> Channel | None:
    """Give the way in which processes on a store tell each other news; it connects on first use.

    Returns:
        ``None`` for a store without one: news then stay in their process.
    """
    driver = url.partition(":")[0]
    if driver in POSTGRES:
        return PostgresNews(url)
    return RedisNews(url) if driver in REDIS else None


def _check_database(url: str, driver: str) -> None:
    """Refuse what redis-py would take for another database than it seems to name."""
    try:
        path = "" if driver == "unix" else urlsplit(url).path
    except ValueError:
        return  # the driver says so itself
    if not _DATABASE.fullmatch(path):
        # What stands there is not shown: it can be the rest of a password.
        raise StoreError(
            "The URL of the Redis store ends in something else than the number of a database.",
            "Write redis://HOST:PORT/0 or another number; a / in a password is written %2F.",
        )


@asynccontextmanager
async def reached(store: Store, name: str) -> AsyncGenerator[GuardedStore]:
    """Give a store for work on all of it, however long that takes as a whole, and close it.

    Whether it is there is found out as soon as a server would; after that each call may take longer.

    Args:
        store: The store as it was opened.
        name: How its user named it, for errors.

    Raises:
        StoreAwayError: It does not answer, at first or any more; the message begins with the name.
        StoreError: It refuses.
    """
    guarded = GuardedStore(store, seconds=DEADLINE)
    try:
        await guarded.head("-")
        guarded.seconds, guarded.patience = CALL_SECONDS, WORK_SECONDS
        yield guarded
    except StoreAwayError as error:
        if await _silent(guarded):
            raise StoreAwayError(f"{name}: {error.what}", _LOOK) from error
        raise
    finally:
        guarded.seconds = DEADLINE
        await guarded.close()


@asynccontextmanager
async def patient(store: GuardedStore, *, wiping: bool = False) -> AsyncGenerator[None]:
    """Give a program's own store the time that work on much of it takes; whether it is there is found out at once.

    Raises:
        StoreAwayError: It does not answer.
        StoreError: It refuses.
    """
    await store.head("-")
    seconds, patience = store.seconds, store.patience
    store.seconds, store.patience = CALL_SECONDS, WIPE_SECONDS if wiping else WORK_SECONDS
    try:
        yield
    finally:
        store.seconds, store.patience = seconds, patience


async def _silent(store: GuardedStore) -> bool:
    """Tell whether a store does not answer, also where so far only one call did not."""
    store.seconds = DEADLINE
    try:
        await store.head("-")
    except StoreError:
        return True
    return False


def open_sessions(
    url: str,
    defaults: Defaults,
    *,
    library: Path | None,
    spool: Path,
    spool_limit: int,
    early: bool,
    retention: str,
    keyring: Keyring | None = None,
) -> Sessions:
    """Give the sessions of a store; nothing is read or written before they are used.

    Args:
        url: The store.
        defaults: What holds where a companion's file and a call say nothing.
        library: A folder of the user's own companion types.
        spool: Where entries wait while the store is away.
        spool_limit: The most bytes of them.
        early: Whether a step is answered before it is stored.
        retention: How long sessions are kept, as the setting has it.
        keyring: What texts are sealed with, if they are.

    Raises:
        CompanionsError: There is no such store, or a setting cannot be read.
    """
    store = open_store(url)
    return Sessions(
        SealedStore(store, keyring),
        Library.load(library and library.expanduser()),
        defaults,
        spool=Spool(spool.expanduser(), url, limit=spool_limit, keyring=keyring) if store.shared else None,
        early=early,
        sealed=keyring is not None,
        retention=Retention.parse(retention),
        versioned=store if isinstance(store, VersionedStore) else None,
    )
