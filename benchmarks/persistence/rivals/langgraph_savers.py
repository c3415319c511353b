"""LangGraph: its checkpointers, without a graph around them: a step is one checkpoint, with the list of messages."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# (The packages are installed for a comparison only, from rivals.txt.)

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.redis.aio import AsyncRedisSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.persistence.workload import Session

CHANNEL = "messages"
POOL = 4
"""Connections; the saver uses one at a time."""


@dataclass(slots=True)
class _Session(Session):
    saver: Any
    name: str
    messages: list[Any] = field(default_factory=list[Any])
    version: Any = None
    config: Any = None

    async def step(self, text: str) -> None:
        await self.grow([text])

    async def grow(self, texts: Sequence[str]) -> None:
        self.messages = [*self.messages, *(AIMessage(content=text) for text in texts)]
        self.version = self.saver.get_next_version(self.version, None)
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = {CHANNEL: self.messages}
        checkpoint["channel_versions"] = {CHANNEL: self.version}
        metadata = {"source": "loop", "step": len(self.messages), "parents": {}}
        behind = self.config or self._anywhere()
        self.config = await self.saver.aput(behind, checkpoint, metadata, {CHANNEL: self.version})

    async def load(self) -> None:
        found = await self.saver.aget_tuple(self._anywhere())
        if found is not None:
            self.config = found.config
            self.messages = found.checkpoint["channel_values"][CHANNEL]
            self.version = found.checkpoint["channel_versions"][CHANNEL]

    async def everything(self) -> list[str]:
        found = await self.saver.aget_tuple(self._anywhere())
        return [message.content for message in found.checkpoint["channel_values"][CHANNEL]] if found else []

    def _anywhere(self) -> Any:
        return {"configurable": {"thread_id": self.name, "checkpoint_ns": ""}}


@dataclass(frozen=True, slots=True)
class _Saver:
    saver: Any

    async def session(self, name: str) -> _Session:
        return _Session(self.saver, name)


@asynccontextmanager
async def postgres(url: str) -> AsyncGenerator[_Saver]:
    """Open a pool of connections with the settings that the saver asks for."""
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, min_size=1, max_size=POOL, kwargs=settings, open=False) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        yield _Saver(saver)


@asynccontextmanager
async def sqlite(url: str) -> AsyncGenerator[_Saver]:
    """Open the saver's one connection."""
    async with AsyncSqliteSaver.from_conn_string(url.removeprefix("sqlite:///")) as saver:
        await saver.setup()
        yield _Saver(saver)


@asynccontextmanager
async def redis(url: str) -> AsyncGenerator[_Saver]:
    """Open the saver, which makes search indexes; a plain server has none."""
    async with AsyncRedisSaver.from_conn_string(url) as saver:
        await saver.asetup()
        yield _Saver(saver)
