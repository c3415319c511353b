"""One Chromium and one store for all tests of the page that only look."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from fastmcp import FastMCP
from playwright.async_api import Browser, Page, expect

from tests.pages.browser import Seen, Tools, browsing, found_or_installed, looking
from tests.pages.thinking import Writer, inspecting, wired, writing


@pytest.fixture(scope="session")
def tools(pytestconfig: pytest.Config) -> Tools:
    assert pytestconfig.cache is not None
    return found_or_installed(pytestconfig.cache.mkdir("pages"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tools: Tools) -> AsyncGenerator[Browser]:
    async with browsing(tools) as browser:
        yield browser


@dataclass(frozen=True, slots=True)
class Shown:
    """A store with sessions, the page that shows it from another process, and who writes in it."""

    address: str
    writer: Writer
    week: str

    def of(self, fragment: str) -> str:
        return f"{self.address.partition('#')[0]}#{fragment}"

    async def open(self, seen: Seen, rest: str = "") -> Page:
        """Go to the session of the four-day week."""
        await seen.page.goto(self.of(f"/session/{self.week}{rest}"))
        await expect(seen.page.locator("main h1")).to_have_text("Should we move to a four-day week?")
        return seen.page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with inspecting(folder) as address:
        yield address


@pytest.fixture(scope="module")
def program(folder: Path) -> FastMCP:
    return wired(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(program: FastMCP, address: str) -> AsyncGenerator[Shown]:
    async with writing(program) as writer:
        for number in range(45):
            await writer.draft(f"Question {number} of many", "An answer.")
        yield Shown(address, writer, await writer.week())


@pytest_asyncio.fixture(loop_scope="module")
async def seen(browser: Browser, tools: Tools, shown: Shown) -> AsyncGenerator[Seen]:
    """A page on which the sessions are listed."""
    async with looking(browser, tools) as seen:
        await seen.page.goto(shown.address)
        await seen.page.wait_for_selector(".sessions a")
        yield seen
