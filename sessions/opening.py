"""Which store a URL means. Of a URL only the driver's name is read here; all else is the driver's own."""

from pathlib import Path

from companions.errors import StoreError
from sessions.memory_store import MemoryStore
from sessions.sqlite_store import SQLiteStore
from sessions.store import Store

_SQLITE = "sqlite:///"


def open_store(url: str) -> Store:
    """Give the store that a URL means; it connects on first use.

    Args:
        url: ``sqlite:///PATH`` (four slashes for an absolute path, ``~`` is the home folder) or ``memory://``.

    Raises:
        StoreError: No store of that kind is known.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return SQLiteStore(Path(url.removeprefix(_SQLITE)).expanduser().absolute())
    if url == "memory://":
        return MemoryStore()
    driver = url.partition(":")[0][:40]
    raise StoreError(f"There is no store for {driver!r}.", "Set COMPANIONS_STORE to sqlite:///PATH or memory://.")
