"""How long the page takes until it can be used: in real Chromium, on a large store with two long sessions.

One of them has its steps in many slots, the other in a single one. Each sample begins with an empty browser context, so
that nothing is cached, and ends when what was asked for can be seen and used. Opening the browser is not counted.
"""

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from playwright.async_api import Browser, Page

from benchmarks.figures import row, table, timed, verdict
from benchmarks.filling import RARE, Filling
from sessions.opening import open_store
from tests.pages.browser import browsing, found_or_installed
from tests.pages.thinking import inspecting

BAR = 1.0
"""Seconds, at the median."""
IN_SLOTS, IN_ONE = "long-in-slots", "long-in-one"

Look = Callable[[Page, str], Awaitable[object]]


async def fill(folder: Path, sessions: int, steps: int) -> None:
    """Make the store."""
    store = open_store(f"sqlite:///{folder / 'sessions.db'}")
    filling = await Filling.of(store)
    await filling.many(sessions)
    await filling.long(IN_SLOTS, steps)
    await filling.long(IN_ONE, steps, slot=steps)
    await store.close()


async def see_list(page: Page, address: str) -> None:
    """Open the page, until the newest sessions can be chosen."""
    await page.goto(address)
    await page.wait_for_selector(".sessions a >> nth=39")


async def see_steps(page: Page, address: str, session_id: str) -> None:
    """Open the page at a session, until its newest steps can be read."""
    await page.goto(f"{address.partition('#')[0]}#/session/{session_id}")
    await page.wait_for_selector(".steps .opener")


async def search(page: Page, _: str) -> None:
    """Search for a word of the oldest session's title, until it is found."""
    await page.fill("#sought", RARE)
    await page.wait_for_selector(".sessions li:only-child")


async def look(browser: Browser, address: str, samples: dict[str, list[float]]) -> None:
    """Take one sample of each."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    with timed(samples["the list of sessions, from nothing"]):
        await see_list(page, address)
    for session_id, name in ((IN_SLOTS, "in many slots"), (IN_ONE, "in one slot")):
        fresh = await context.new_page()
        token = address.partition("#")[2]
        with timed(samples["a file of 300 bytes from the same server (no bar)"]):
            await fresh.goto(f"{address.partition('#')[0]}static/icon.svg")
        await fresh.evaluate("token => sessionStorage.setItem('companions-token', token)", token.removeprefix("token="))
        with timed(samples[f"list and long session, {name}"]):
            await see_steps(fresh, address, session_id)
        with timed(samples[f"its earlier steps, {name}"]):
            if await fresh.locator("#panel > .more").count():
                await fresh.click("#panel > .more")
                await fresh.wait_for_selector(".steps .opener >> nth=150")
        with timed(samples[f"a text, {name}"]):
            await fresh.click(".steps .opener >> nth=-1")
            await fresh.wait_for_selector(".steps .text")
        await fresh.close()
    with timed(samples["a search to the oldest session (no bar)"]):
        await search(page, address)
    await context.close()


async def measure(folder: Path, address: str, rounds: int) -> dict[str, list[float]]:
    """Take all samples."""
    samples = defaultdict[str, list[float]](list)
    async with browsing(found_or_installed(folder)) as browser:
        for _ in range(rounds):
            await look(browser, address, samples)
    return samples


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=100_000, help="sessions of the store (100000)")
    parser.add_argument("--steps", type=int, default=5_000, help="steps of the long sessions (5000)")
    parser.add_argument("--rounds", type=int, default=10, help="samples of each (10)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        print("Filling the store", flush=True)
        asyncio.run(fill(folder, asked.sessions, asked.steps))
        with inspecting(folder) as address:
            samples = asyncio.run(measure(folder, address, asked.rounds))
    table("ms")
    for name, seconds in samples.items():
        middle = row(name, seconds)
        if "no bar" not in name:
            verdict(name, middle, BAR, " s")


if __name__ == "__main__":
    main()
