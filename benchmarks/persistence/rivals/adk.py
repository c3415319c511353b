"""google-adk: its database session service."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# (The packages are installed for a comparison only, from rivals.txt.)

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from google.adk.events.event import Event
from google.adk.sessions.base_session_service import GetSessionConfig
from google.adk.sessions.database_session_service import DatabaseSessionService
from google.genai import types

from benchmarks.persistence.workload import OWNER, Session

APP = "benchmark"
POOL = 16
NEWEST = 2


@dataclass(slots=True)
class _Session(Session):
    service: Any
    name: str
    kept: Any

    async def step(self, text: str) -> None:
        content = types.Content(role="model", parts=[types.Part(text=text)])
        await self.service.append_event(self.kept, Event(author="critic", content=content))

    async def load(self) -> None:
        self.kept = await self._read(GetSessionConfig(num_recent_events=NEWEST))

    async def everything(self) -> list[str]:
        return [event.content.parts[0].text for event in (await self._read(None)).events]

    async def _read(self, config: Any) -> Any:
        return await self.service.get_session(app_name=APP, user_id=OWNER, session_id=self.name, config=config)


@dataclass(frozen=True, slots=True)
class _Service:
    service: Any

    async def session(self, name: str) -> _Session:
        place = {"app_name": APP, "user_id": OWNER, "session_id": name}
        kept = await self.service.get_session(**place) or await self.service.create_session(**place)
        return _Session(self.service, name, kept)


@asynccontextmanager
async def postgres(url: str) -> AsyncGenerator[_Service]:
    """Open a pool of connections."""
    address = sqlalchemy.make_url(url).set(drivername="postgresql+asyncpg")
    async with _opened(address.render_as_string(hide_password=False), pool_size=POOL, max_overflow=0) as service:
        yield service


@asynccontextmanager
async def sqlite(url: str) -> AsyncGenerator[_Service]:
    """Open a file."""
    async with _opened(url.replace("sqlite://", "sqlite+aiosqlite://", 1)) as service:
        yield service


@asynccontextmanager
async def _opened(url: str, **settings: int) -> AsyncGenerator[_Service]:
    service: Any = DatabaseSessionService(db_url=url, **settings)
    try:
        await service.prepare_tables()
        yield _Service(service)
    finally:
        await service.close()
