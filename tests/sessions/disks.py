"""Stores with the files that they lie in, to be searched for a text: as it stands there, also in compressed parts.

It knows where bytes are, and what a store must say of them is each test's own.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sessions.store import Store
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.servers.postgres_server import PostgresServer, run
from tests.servers.redis_server import RedisServer
from tests.sessions.redis_looking import ask, dumped

TABLES = ("entries", "sessions", "attachments", "leases", "shares", "schema")
ELSEWHERE = {"pg_wal", "1", "4", "5"}
"""Folders of PostgreSQL's data that are not looked into: its log, and the databases that every server has."""
WINDOW = 8
"""Letters of a marker that stay together, however PostgreSQL or Redis compress what is around them."""


def new_marker() -> str:
    """Give a text that compresses to nothing shorter and stands nowhere else."""
    return secrets.token_hex(20)


def found_in(content: bytes, marker: str) -> bool:
    """Tell whether some part of a marker stands in bytes."""
    return any(marker[at : at + WINDOW].encode() in content for at in range(len(marker) - WINDOW + 1))


class Disk(Protocol):
    """A store and its files."""

    @property
    def store(self) -> Store: ...

    async def files(self) -> Iterable[Path]:
        """Give all files in which a text of the store can stand, once what is in memory is in them."""
        ...

    async def served(self) -> bytes:
        """Read all that the server gives to somebody who asks for everything."""
        ...


@dataclass(frozen=True, slots=True)
class SQLiteDisk:
    """A file with its log and its index."""

    store: SQLiteStore
    folder: Path

    async def files(self) -> Iterable[Path]:
        return [*self.folder.iterdir()]

    async def served(self) -> bytes:
        return b"".join([await asyncio.to_thread(path.read_bytes) for path in await self.files()])


@dataclass(frozen=True, slots=True)
class PostgresDisk:
    """A server's whole data, but for its write-ahead log, of which is documented that it keeps what was written."""

    store: PostgresStore
    server: PostgresServer
    url: str

    async def files(self) -> Iterable[Path]:
        await asyncio.to_thread(run, self.url, "CHECKPOINT")
        return [path for path in self.server.data.rglob("*") if path.is_file() and path.parent.name not in ELSEWHERE]

    async def served(self) -> bytes:
        told = await asyncio.to_thread(lambda: [*self._told()])
        # Columns of bytes are shown as hexadecimal digits.
        return "".join(told).encode() + b"".join(
            bytes.fromhex(word) for rows in told for part in rows.split("\\\\x")[1:] if (word := _digits(part))
        )

    def _told(self) -> Iterator[str]:
        for name in TABLES:
            yield run(self.url, f"SELECT t::text FROM companions_{name} AS t")  # noqa: S608 (our own names)
        yield run(self.url, "SELECT s::text FROM pg_statistic AS s")


@dataclass(frozen=True, slots=True)
class RedisDisk:
    """A server's append-only file and snapshot."""

    store: RedisStore
    server: RedisServer

    async def files(self) -> Iterable[Path]:
        return [path for path in self.server.socket.parent.rglob("*") if path.is_file()]

    async def served(self) -> bytes:
        return await dumped(self.store)

    async def save(self) -> None:
        """Save a snapshot now, and from then on by itself, as a server does that was given no settings."""
        await ask(self.store, "CONFIG", "SET", "save", "3600 1")
        for client in await (await self.store.link.nodes()).clients():
            await client.save()


def _digits(part: str) -> str:
    digits = part[: next((at for at, letter in enumerate(part) if letter not in "0123456789abcdef"), len(part))]
    return digits[: len(digits) // 2 * 2]


async def holds(disk: Disk, marker: str) -> dict[str, bool]:
    """Say where a marker is found: in which files, by their names, and in what the server tells."""
    held = {"served": found_in(await disk.served(), marker)}
    for path in await disk.files():
        content = await asyncio.to_thread(_content, path)
        held[path.name] = held.get(path.name, False) or found_in(content, marker)
    return held


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # a server's socket, or a file that it has just removed
        return b""
