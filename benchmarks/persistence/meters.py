"""How many bytes a store has written so far, by the store's own account."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import redis.asyncio

WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"


class Meter(Protocol):
    """Reads a count of bytes that only grows."""

    async def read(self) -> int | None:
        """Give the bytes written since some moment; ``None`` if the store keeps no such account."""
        ...


class _Log:
    """SQLite's write-ahead log; a reader that stays in an old snapshot keeps it from being begun anew."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        self._log = Path(f"{path}-wal")
        self._reader = sqlite3.connect(path, isolation_level=None)
        # Of a file with another kind of journal a reader would keep the writers out.
        self._kept = self._reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        if self._kept:
            self._reader.execute("BEGIN")
            self._reader.execute("SELECT count(*) FROM sqlite_master").fetchone()

    async def read(self) -> int | None:
        return self._log.stat().st_size if self._kept else None

    def close(self) -> None:
        self._reader.close()


class _Postgres:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def read(self) -> int | None:
        return await self._connection.fetchval(WRITTEN)


class _Redis:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def read(self) -> int | None:
        told = await self._client.info("persistence")
        return told.get("aof_current_size")


@asynccontextmanager
async def meter(store: str, url: str) -> AsyncGenerator[Meter]:
    """Open the meter of a database; those of a server count for all of its databases together."""
    # Any: the drivers' types are partly unknown.
    if store == "sqlite":
        log = _Log(url)
        try:
            yield log
        finally:
            log.close()
    elif store == "postgres":
        driver: Any = asyncpg
        connection = await driver.connect(url)
        try:
            yield _Postgres(connection)
        finally:
            await connection.close()
    else:
        library: Any = redis.asyncio
        async with library.Redis.from_url(url) as client:
            await client.config_set("auto-aof-rewrite-percentage", 0)  # a rewrite would take back what was counted
            yield _Redis(client)
