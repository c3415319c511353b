"""py-key-value, as FastMCP keeps state in it: a session is one value, written whole."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# (The packages are installed for a comparison only, from rivals.txt.)

import warnings
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.stores.postgresql import PostgreSQLStore
from key_value.aio.stores.redis import RedisStore
from pydantic import BaseModel

from benchmarks.persistence.workload import Session


class StateValue(BaseModel):
    """What a state's value is wrapped in."""

    value: Any


@dataclass(slots=True)
class _Session(Session):
    state: Any
    name: str
    texts: list[str] = field(default_factory=list[str])

    async def step(self, text: str) -> None:
        await self.grow([text])

    async def grow(self, texts: Sequence[str]) -> None:
        self.texts = [*self.texts, *texts]
        await self.state.put(key=f"{self.name}:run_log", value=StateValue(value=self.texts))

    async def load(self) -> None:
        self.texts = await self.everything()

    async def everything(self) -> list[str]:
        found = await self.state.get(key=f"{self.name}:run_log")
        return found.value if found is not None else []


@dataclass(frozen=True, slots=True)
class _State:
    state: Any

    async def session(self, name: str) -> _Session:
        return _Session(self.state, name)


@asynccontextmanager
async def postgres(url: str) -> AsyncGenerator[_State]:
    """Open the store's own pool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it calls itself unstable
        made = PostgreSQLStore(url=url)
    async with made as store:
        yield _state(store)


@asynccontextmanager
async def redis(url: str) -> AsyncGenerator[_State]:
    """Open the store's own client."""
    async with RedisStore(url=url) as store:
        yield _state(store)


def _state(store: Any) -> _State:
    return _State(PydanticAdapter(key_value=store, pydantic_model=StateValue, default_collection="fastmcp_state"))
