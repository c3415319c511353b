"""langchain-postgres: its chat message history."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# (The packages are installed for a comparison only, from rivals.txt.)

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from langchain_core.messages import AIMessage
from langchain_postgres import PostgresChatMessageHistory
from psycopg_pool import AsyncConnectionPool

from benchmarks.persistence.workload import Session

POOL = 16
TABLE = "history"


@dataclass(frozen=True, slots=True)
class _Session(Session):
    pool: Any
    name: str

    async def step(self, text: str) -> None:
        await self.grow([text])

    async def grow(self, texts: Sequence[str]) -> None:
        async with self.pool.connection() as connection:
            await self._history(connection).aadd_messages([AIMessage(content=text) for text in texts])

    async def load(self) -> None:
        await self.everything()

    async def everything(self) -> list[str]:
        async with self.pool.connection() as connection:
            return [message.content for message in await self._history(connection).aget_messages()]

    def _history(self, connection: Any) -> Any:
        return PostgresChatMessageHistory(TABLE, str(uuid5(NAMESPACE_OID, self.name)), async_connection=connection)


@dataclass(frozen=True, slots=True)
class _Histories:
    pool: Any

    async def session(self, name: str) -> _Session:
        return _Session(self.pool, name)


@asynccontextmanager
async def postgres(url: str) -> AsyncGenerator[_Histories]:
    """Open a pool of connections."""
    async with AsyncConnectionPool(url, min_size=1, max_size=POOL, open=False) as pool:
        async with pool.connection() as connection:
            await PostgresChatMessageHistory.acreate_tables(connection, TABLE)
        yield _Histories(pool)
