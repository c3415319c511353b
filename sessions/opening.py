"""Which store a URL means, and the sessions in it. Of a URL only the driver's name is read here."""

from pathlib import Path

from companions.companion_types import Library
from companions.configuration import Defaults
from companions.errors import StoreError
from sessions.retention import Retention
from sessions.sessions import Sessions
from sessions.spool.spool import Spool
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore

_SQLITE = "sqlite:///"
POSTGRES = frozenset({"postgresql", "postgres"})
REDIS = frozenset({"redis", "rediss", "unix"})


def open_store(url: str) -> Store:
    """Give the store that a URL means; it connects on first use.

    Args:
        url: ``sqlite:///PATH`` (four slashes for an absolute path, ``~`` is the home folder), ``postgresql://...``,
            ``redis://...``, ``rediss://...``, ``unix://...`` (a Redis server's socket) or ``memory://``.

    Raises:
        StoreError: No store of that kind is known.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return SQLiteStore(Path(url.removeprefix(_SQLITE)).expanduser().absolute())
    if url == "memory://":
        return MemoryStore()
    driver = url.partition(":")[0][:40]
    if driver in POSTGRES:
        return PostgresStore(url)
    if driver in REDIS:
        return RedisStore(url)
    raise StoreError(
        f"There is no store for {driver!r}.",
        "Set COMPANIONS_STORE to sqlite:///PATH, postgresql://..., redis://..., rediss://... or memory://.",
    )


def open_sessions(
    url: str,
    defaults: Defaults,
    *,
    library: Path | None,
    spool: Path,
    spool_limit: int,
    early: bool,
    retention: str,
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

    Raises:
        CompanionsError: There is no such store, or a setting cannot be read.
    """
    store = open_store(url)
    return Sessions(
        store,
        Library.load(library and library.expanduser()),
        defaults,
        spool=Spool(spool.expanduser(), url, limit=spool_limit) if store.shared else None,
        early=early,
        retention=Retention.parse(retention),
    )
