"""openai-agents: its sessions over SQLAlchemy, SQLite and Redis."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (The packages are installed for a comparison only, from rivals.txt.)

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import sqlalchemy
from agents import SQLiteSession
from agents.extensions.memory.async_sqlite_session import AsyncSQLiteSession
from agents.extensions.memory.redis_session import RedisSession
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.persistence.workload import Session

POOL = 16
NEWEST = 2


@dataclass(frozen=True, slots=True)
class _Session(Session):
    kept: Any
    owned: bool = False

    async def step(self, text: str) -> None:
        await self.grow([text])

    async def grow(self, texts: Sequence[str]) -> None:
        await self.kept.add_items([{"role": "assistant", "content": text} for text in texts])

    async def load(self) -> None:
        await self.kept.get_items(limit=NEWEST)

    async def everything(self) -> list[str]:
        return [item["content"] for item in await self.kept.get_items()]

    async def close(self) -> None:
        if self.owned:
            closed = self.kept.close()
            if closed is not None:
                await closed


@dataclass(frozen=True, slots=True)
class _Sessions:
    made: Callable[[str], Any]
    owned: bool = False

    async def session(self, name: str) -> _Session:
        return _Session(self.made(name), self.owned)


@asynccontextmanager
async def sqlalchemy_sessions(url: str) -> AsyncGenerator[_Sessions]:
    """Open a pool of connections that all sessions share."""
    engine = create_async_engine(
        sqlalchemy.make_url(url).set(drivername="postgresql+asyncpg"), pool_size=POOL, max_overflow=0
    )
    try:
        yield _Sessions(lambda name: SQLAlchemySession(name, engine=engine, create_tables=True))
    finally:
        await engine.dispose()


@asynccontextmanager
async def sqlite_sessions(url: str) -> AsyncGenerator[_Sessions]:
    """Open a file; each session brings its connections, used from threads."""
    yield _Sessions(lambda name: SQLiteSession(name, url.removeprefix("sqlite:///")), owned=True)


@asynccontextmanager
async def async_sqlite_sessions(url: str) -> AsyncGenerator[_Sessions]:
    """Open a file; each session brings a connection with a thread."""
    yield _Sessions(lambda name: AsyncSQLiteSession(name, url.removeprefix("sqlite:///")), owned=True)


@asynccontextmanager
async def redis_sessions(url: str) -> AsyncGenerator[_Sessions]:
    """Open a client that all sessions share."""
    client: Any = redis.asyncio.Redis.from_url(url)
    try:
        yield _Sessions(lambda name: RedisSession(name, redis_client=client))
    finally:
        await client.aclose()
