"""Programs with native sessions, as a fixture: a test module names it in ``pytest_plugins`` and never imports it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from tests.provider.server import KEY, Provider
from tests.tools.native_programs import Body, Program, Start


@pytest.fixture
async def start(provider: Provider, tmp_path: Path) -> AsyncIterator[Start]:
    """Start programs on one store, with native sessions unless a setting says otherwise."""
    async with AsyncExitStack() as stack:

        async def started(**chosen: Any) -> Program:
            usual: Body = {
                "store": f"sqlite:///{tmp_path / 'sessions.db'}",
                "spool": tmp_path / "spool",
                "model": "openai:gpt-4.1-mini",
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": provider.url,
                "native_sessions": True,
            }
            wired, made = await asyncio.to_thread(_made, usual | chosen)
            return Program(wired, await stack.enter_async_context(Client(made)))

        yield started


def _made(settings: Body) -> tuple[server.Wired, FastMCP]:
    wired = server.Wired.of(server.Settings(**settings))
    return wired, wired.server()
