"""Makes pictures of the page and of the view from real runs: ``uv run python docs/make_screenshots.py [FOLDER]``.

The sessions are made through the program's own tools: a caller that writes thinks a question through, and the offline
editor refines the memo of the examples. Chromium then opens ``companions inspect``, and the view in the tests' own chat
host. Without a folder, the two pictures that the documents show are written beside them. Ids and times differ from run
to run.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.pages.browser import Colours, Tools, browsing, found_or_installed
from tests.pages.thinking import Writer, inspecting, wired, writing
from tests.view.hosting import host

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
THOUGHT = DOCS / "screenshots.json"
"""What the caller writes, step by step."""
QUESTIONS = (
    "Which database for the audit log?",
    "How do we tell customers about the price change?",
    "Is the March outage likely to happen again?",
)
VIEW_WIDTH, VIEW_HEIGHT = 640, 1400
SHOWN = 400
"""Milliseconds that a picture waits for fonts and layout."""


async def think(writer: Writer) -> str:
    """Make the sessions; gives the one that is shown."""
    for number, question in enumerate(QUESTIONS):
        session = await writer.draft(question, f"A first answer to it, from {number + 1} sources.")
        await writer.critique(session, "Nothing speaks against it.", satisfied=True)
    thought: dict[str, Any] = json.loads(THOUGHT.read_text(encoding="utf-8"))
    session = await writer.draft(thought["query"], thought["draft"], companion_type="strategy")
    for step in thought["steps"]:
        await writer.critique(session, step["critique"], evidence=step.get("evidence"), satisfied=step.get("satisfied"))
        if "revision" in step:
            await writer.revise(session, step["revision"], score=step.get("score"))
    return session


async def shoot(page: Page, path: Path, *, whole: bool = False) -> None:
    """Take a picture."""
    await page.wait_for_timeout(SHOWN)
    await page.screenshot(path=path, full_page=whole)


async def views(browser: Browser, address: str, session: str, folder: Path) -> None:
    """Take a picture of each view, in both colours and on a phone."""
    own = address.partition("#")[0]
    sizes: tuple[tuple[str, int, int, Colours], ...] = (
        ("light", 1280, 860, "light"),
        ("dark", 1280, 860, "dark"),
        ("phone", 360, 740, "light"),
    )
    for name, width, height, colours in sizes:
        context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
        page = await context.new_page()
        await page.goto(address)
        await page.wait_for_selector(".sessions a")
        await shoot(page, folder / f"{name}-list.png")
        await page.goto(f"{own}#/session/{session}")
        await page.wait_for_selector(".steps")
        await shoot(page, folder / f"{name}-session.png")
        await page.locator(".of-critique .opener").first.click()
        await page.locator(".of-revision .opener").first.click()
        await page.wait_for_selector(".of-revision .text")
        await shoot(page, folder / f"{name}-steps.png", whole=True)
        for view in ("changes/0/2", "figures"):
            await page.goto(f"{own}#/session/{session}/strategy/0/{view}")
            await page.wait_for_selector("#panel *")
            await shoot(page, folder / f"{name}-{view.partition('/')[0]}.png")
        await page.goto(f"{own}#/learned/strategy")
        await page.wait_for_selector(".lead")
        await shoot(page, folder / f"{name}-learned.png")
        await context.close()


async def chat_views(browser: Browser, writer: Writer, session: str, folder: Path) -> None:
    """Take a picture of the view in the chat, in both colours and on a phone."""
    await view(browser, writer, session, folder / "light-view.png")
    await view(browser, writer, session, folder / "dark-view.png", colours="dark")
    await view(browser, writer, session, folder / "phone-view.png", width=360)


async def view(
    browser: Browser, writer: Writer, session: str, path: Path, *, width: int = VIEW_WIDTH, colours: Colours = "light"
) -> None:
    """Take a picture of the view in the chat."""
    context = await browser.new_context(viewport={"width": width, "height": VIEW_HEIGHT}, color_scheme=colours)
    page = await context.new_page()
    shown = await host(page, writer.client, given={"session_id": session}, theme=colours)
    await shown.view.locator("svg").wait_for()
    await shown.view.locator("#timeline li").last.wait_for()
    await page.wait_for_timeout(SHOWN)
    await page.locator("iframe").screenshot(path=path)
    await context.close()


async def picture(browser: Browser, address: str, session: str, path: Path) -> None:
    """Take the picture of the page that the documents show."""
    context = await browser.new_context(viewport={"width": 1200, "height": 800}, color_scheme="light")
    page = await context.new_page()
    await page.goto(address)
    await page.goto(f"{address.partition('#')[0]}#/session/{session}")
    await page.wait_for_selector(".steps")
    await shoot(page, path)
    await context.close()


def refine_memo(folder: Path) -> None:
    """Let the offline editor refine the memo, as the README's first command does."""
    command = [sys.executable, str(ROOT / "server.py"), "refine", "--file", "examples/memo.md"]
    settings = {"COMPANIONS_STORE": f"sqlite:///{folder / 'sessions.db'}", "HOME": str(folder)}
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=True, capture_output=True)  # noqa: S603 (our own command)


async def _look(tools: Tools, address: str, writer: Writer, target: Path | None) -> None:
    session = await think(writer)
    async with browsing(tools) as browser:
        if target is None:
            await picture(browser, address, session, DOCS / "inspector.png")
            await view(browser, writer, session, DOCS / "view.png")
        else:
            await views(browser, address, session, target)
            await chat_views(browser, writer, session, target)


def main() -> None:
    """Make the pictures."""
    target = Path(sys.argv[1]) if sys.argv[1:] else None
    if target is not None:
        target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        tools = found_or_installed(folder)
        refine_memo(folder)
        program = wired(folder)

        async def look(address: str) -> None:
            async with writing(program) as writer:
                await _look(tools, address, writer, target)

        with inspecting(folder) as address:
            asyncio.run(look(address))


if __name__ == "__main__":
    main()
