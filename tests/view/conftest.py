"""One Chromium, and one program in this process, for all tests of the view."""

import logging
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from fastmcp import Client, FastMCP
from playwright.async_api import Browser

import server
from tests.pages.browser import Seen, Tools, browsing, found_or_installed, looking
from tests.wire.processes import Connection


@pytest.fixture(scope="session")
def tools(pytestconfig: pytest.Config) -> Tools:
    assert pytestconfig.cache is not None
    return found_or_installed(pytestconfig.cache.mkdir("pages"))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="fastmcp")  # as the program does


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tools: Tools) -> AsyncGenerator[Browser]:
    async with browsing(tools) as browser:
        yield browser


@pytest.fixture(scope="module")
def wired() -> server.Wired:
    """Not in an event loop, since it reads files."""
    return server.Wired.of(server.Settings(store="memory://", model="host"))


@pytest.fixture(scope="module")
def program(wired: server.Wired) -> FastMCP:
    return wired.server()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(program: FastMCP) -> AsyncGenerator[Connection]:
    async with Client(program) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def seen(browser: Browser, tools: Tools) -> AsyncGenerator[Seen]:
    async with looking(browser, tools, width=480, height=900) as seen:
        yield seen
