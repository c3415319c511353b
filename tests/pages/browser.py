"""Real Chromium for tests of the page: where it is found, how it is started, and what is noted of each of its pages.

What a page must show is each test's own.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, async_playwright, expect

from tests.interop.clients import install_packages

HERE = Path(__file__).parent
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Root has no sandbox; the others keep it from asking the network for what no test wants.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
INSTALL_SECONDS = 240
SHOWN_MILLISECONDS = 20_000
"""How long a test waits for what is to be seen: machines of tests are slow at times."""

expect.set_options(timeout=SHOWN_MILLISECONDS)
Colours = Literal["light", "dark"]
Violations = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the tests look with.

    Attributes:
        chromium: The program.
        axe: The source of axe-core.
    """

    chromium: str
    axe: str


def found_or_installed(folder: Path) -> Tools:
    """Give the tools; Debian's is installed where there is none, which takes root: it draws at half the cost."""
    with (folder / "lock-chromium").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _chromium() is None:
            for words in (("update",), ("install", "--yes", "--no-install-recommends", NAMES[0])):
                command = ["apt-get", "--quiet=2", "-o", "DPkg::Lock::Timeout=120", *words]
                quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
                subprocess.run(command, check=True, env=quiet, timeout=INSTALL_SECONDS)
    chromium = _chromium()
    assert chromium, "The tests of the page need Chromium on the PATH. Install it, on Debian by apt-get as root."
    packages = folder / "axe"
    packages.mkdir(exist_ok=True)
    install_packages(HERE, packages)
    return Tools(chromium, (packages / "node_modules/axe-core/axe.min.js").read_text())


def _chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Seen:
    """A page, and what went wrong on it: whatever its console complains of, and requests to anybody else.

    Without slots: Playwright notes something on the owner of each listener.
    """

    page: Page
    axe: str
    wrong: list[str] = field(default_factory=list[str])
    own: str = "http://127.0.0.1"

    def watch(self) -> None:
        self.page.set_default_timeout(SHOWN_MILLISECONDS)
        self.page.on("console", self._console)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._asked)

    def _console(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.wrong.append(f"{said.type}: {said.text}")

    def _failed(self, error: Error) -> None:
        self.wrong.append(f"uncaught: {error.message}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.own, "data:", "blob:")):
            self.wrong.append(f"asked {request.url}")

    async def violations(self) -> Violations:
        """Give what axe-core finds; it is run from outside, since the page's policy lets no other script in."""
        await self.page.evaluate(self.axe)
        found: dict[str, Any] = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            {"rule": rule["id"], "nodes": [(node["html"][:200], node["failureSummary"]) for node in rule["nodes"]]}
            for rule in found["violations"]
        ]

    async def wider_than_its_window(self) -> bool:
        return await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@asynccontextmanager
async def browsing(tools: Tools) -> AsyncGenerator[Browser]:
    """Start Chromium; it ends with the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=tools.chromium, args=[*SWITCHES])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def looking(
    browser: Browser, tools: Tools, *, width: int = 1280, height: int = 900, colours: Colours = "light"
) -> AsyncGenerator[Seen]:
    """Open an empty page in a context of its own; at the end nothing must have gone wrong on it."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce"
    )
    seen = Seen(await context.new_page(), tools.axe)
    seen.watch()
    try:
        yield seen
        assert not seen.wrong, "\n".join(seen.wrong)
    finally:
        await context.close()
