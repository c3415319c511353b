"""The floors: what anybody writes first, one plain insert per step with the same driver, acknowledged when it is done.

The content is an entry's, the durability the store's own; there is no writer, no mark, no reading back before a step.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import redis.asyncio
import sqlalchemy
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.persistence.workload import CONCURRENT, Session, columns

POOL = 16
"""PostgreSQL connections."""
NEWEST = 8
"""Entries that are read before a next step."""

T = TypeVar("T")

_SCHEMA = """
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS entries (session TEXT, seq INTEGER, id TEXT, companion_type TEXT, kind TEXT,
        slot INTEGER, place INTEGER, author TEXT, at REAL, meta TEXT, text TEXT, PRIMARY KEY (session, seq))"""
_INSERT = """INSERT INTO entries VALUES
    (:session, :seq, :id, :companion_type, :kind, :slot, :place, :author, :at, :meta, :text)"""
_ALL = "SELECT text FROM entries WHERE session = ? ORDER BY seq"
_NEWEST = "SELECT seq, text FROM entries WHERE session = ? ORDER BY seq DESC LIMIT ?"

_TEXTS = ("session", "id", "companion_type", "kind", "author", "meta", "text")
TABLE = sqlalchemy.Table(
    "entries",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("session", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("seq", sqlalchemy.Integer, primary_key=True),
    *(sqlalchemy.Column(name, sqlalchemy.Text) for name in _TEXTS if name != "session"),
    sqlalchemy.Column("slot", sqlalchemy.Integer),
    sqlalchemy.Column("place", sqlalchemy.Integer),
    sqlalchemy.Column("at", DOUBLE_PRECISION),
)


class _Thread:
    """One connection on a thread of its own."""

    def __init__(self, path: str) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._connection = sqlite3.connect(path, check_same_thread=False)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, self._connection)

    async def session(self, name: str) -> "_SQLiteSession":
        return _SQLiteSession(self, name)

    def close(self) -> None:
        self._pool.shutdown()
        self._connection.close()


@dataclass(slots=True)
class _SQLiteSession(Session):
    thread: _Thread
    name: str
    head: int = 0

    async def step(self, text: str) -> None:
        self.head += 1
        row = columns(self.name, self.head, text)
        await self.thread.run(lambda connection: _insert(connection, row))

    async def load(self) -> None:
        await self.thread.run(lambda connection: connection.execute(_NEWEST, (self.name, NEWEST)).fetchall())

    async def everything(self) -> list[str]:
        rows = await self.thread.run(lambda connection: connection.execute(_ALL, (self.name,)).fetchall())
        return [text for (text,) in rows]


def _insert(connection: sqlite3.Connection, row: dict[str, Any]) -> None:
    connection.execute(_INSERT, row)
    connection.commit()


@asynccontextmanager
async def sqlite(url: str) -> AsyncGenerator[_Thread]:
    """Open a SQLite file on a thread."""
    thread = _Thread(url.removeprefix("sqlite:///"))
    await thread.run(lambda connection: connection.executescript(_SCHEMA))
    try:
        yield thread
    finally:
        thread.close()


@dataclass(frozen=True, slots=True)
class _Pool:
    engine: AsyncEngine

    async def session(self, name: str) -> "_PostgresSession":
        return _PostgresSession(self.engine, name)


@dataclass(slots=True)
class _PostgresSession(Session):
    engine: AsyncEngine
    name: str
    head: int = 0

    async def step(self, text: str) -> None:
        self.head += 1
        async with self.engine.connect() as connection:
            await connection.execute(sqlalchemy.insert(TABLE), columns(self.name, self.head, text))

    async def load(self) -> None:
        newest = sqlalchemy.select(TABLE.c.seq, TABLE.c.text).where(TABLE.c.session == self.name)
        async with self.engine.connect() as connection:
            (await connection.execute(newest.order_by(TABLE.c.seq.desc()).limit(NEWEST))).fetchall()

    async def everything(self) -> list[str]:
        texts = sqlalchemy.select(TABLE.c.text).where(TABLE.c.session == self.name).order_by(TABLE.c.seq)
        async with self.engine.connect() as connection:
            return list((await connection.execute(texts)).scalars())


@asynccontextmanager
async def postgres(url: str) -> AsyncGenerator[_Pool]:
    """Open a pool of connections that commit each statement."""
    address = sqlalchemy.make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(address, pool_size=POOL, max_overflow=0, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.run_sync(TABLE.metadata.create_all)
        yield _Pool(engine)
    finally:
        await engine.dispose()


@dataclass(frozen=True, slots=True)
class _Client:
    client: Any  # the driver's types are partly unknown

    async def session(self, name: str) -> "_RedisSession":
        return _RedisSession(self.client, name)


@dataclass(slots=True)
class _RedisSession(Session):
    client: Any
    name: str
    head: int = 0

    async def step(self, text: str) -> None:
        self.head += 1
        entry = json.dumps(columns(self.name, self.head, text))
        await self.client.xadd(self.name, {"entry": entry}, id=f"{self.head}-0")

    async def load(self) -> None:
        await self.client.xrevrange(self.name, count=NEWEST)

    async def everything(self) -> list[str]:
        return [json.loads(entry[b"entry"])["text"] for _, entry in await self.client.xrange(self.name)]


@asynccontextmanager
async def redis_streams(url: str) -> AsyncGenerator[_Client]:
    """Open as many connections as there are sessions at once."""
    client: Any = redis.asyncio.Redis.from_url(url, max_connections=CONCURRENT)  # pyright: ignore[reportUnknownMemberType]
    try:
        yield _Client(client)
    finally:
        await client.aclose()
