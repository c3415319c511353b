"""The page as time goes by, in real Chromium: what others write, forget and share, what fails and is there again."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from fastmcp import Client
from playwright.async_api import Browser, Page, Route, expect

from tests.pages.browser import Seen, Tools, looking
from tests.pages.conftest import Shown
from tests.pages.thinking import CRITIQUE, EVIDENCE, Writer, looking_up, writing
from tests.provider import replies
from tests.provider.server import Provider
from tests.wire.processes import Served, serving_http

pytest_plugins = ("tests.provider.fixtures",)
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

IMAGE = '<img src=x onerror="window.struck = 1">'
PEOPLE = json.dumps({name: {"client_id": "test", "sub": name, "scopes": ["write"]} for name in ("ann", "bob")})
STARTS = """path =>
    performance.getEntriesByType("resource").filter(each => each.name.includes(path)).map(each => each.startTime)"""


def failing(status: int, seconds: int | None = None) -> Callable[[Route], Awaitable[None]]:
    """Answer in the server's place with an error, and when to ask again."""

    async def answer(route: Route) -> None:
        headers = {} if seconds is None else {"Retry-After": str(seconds)}
        await route.fulfill(status=status, headers=headers, json={"error": {"code": "failed", "what": "Not now."}})

    return answer


async def test_what_another_process_writes_appears_and_disturbs_nobody(seen: Seen, shown: Shown) -> None:
    page, writer = seen.page, shown.writer
    session_id = await writer.draft("Is it seen at once?", "So it should be.")
    await expect(page.locator(".sessions .title").first).to_have_text("Is it seen at once?")
    await page.locator(".sessions a").first.click()
    await page.locator(".of-draft .opener").click()
    await expect(page.locator(".of-draft .text")).to_have_text("So it should be.")
    await writer.critique(session_id)
    await expect(page.locator(".of-critique .preview")).to_have_text(CRITIQUE)
    await expect(page.locator("#spoken")).to_have_text("New: Critique 1")
    await expect(page.locator(".of-draft .text")).to_be_visible()
    await expect(page.locator(".of-draft .opener")).to_be_focused()
    await writer.revise(session_id, "It is.")
    await expect(page.locator(".chart .dot")).to_have_count(1)

    await page.locator(".convergence summary").click()
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('.of-draft .text'))")
    await writer.critique(session_id, "Is it?")
    await writer.revise(session_id, "It is so.")
    await expect(page.locator(".convergence tbody tr")).to_have_count(2)
    await expect(page.locator(".convergence tbody")).to_be_visible()
    await expect(page.locator(".convergence summary")).to_be_focused()
    assert await page.evaluate("getSelection().toString()") == "So it should be."
    starts: list[float] = await page.evaluate(STARTS, f"/data/changes/{session_id}")
    assert all(later - earlier >= 1_900 for earlier, later in pairwise(starts)), "it asked without a pause"

    await writer.draft("And the next one?", "That too.", session_id=session_id)
    await expect(page.locator(".questions summary")).to_have_text("Question 2 of 2")
    await writer.call("forget_session", session_id=session_id)
    await expect(page.locator("main h1")).to_have_text("This session is gone")
    await expect(page.locator("#found")).not_to_contain_text("Is it seen at once?")
    seen.wrong.clear()  # the browser notes the answer 404 as an error


async def test_a_comparison_stays_as_it_is_read_until_one_of_its_versions_is_written_again(
    seen: Seen, shown: Shown
) -> None:
    page, writer = seen.page, shown.writer
    session_id = await writer.draft("Which one?", "The first.")
    for text in ("The second.", "The third."):
        await writer.critique(session_id, "Is it?")
        await writer.revise(session_id, text)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(shown.of(f"/session/{session_id}/generic/0/changes/0/2"))
    await expect(page.locator("#diff ins")).to_have_text(["third."])
    await page.evaluate("document.getElementById('diff').dataset.own = 'kept'")
    await page.locator("#before").fill("1")
    before = len(asked)
    await writer.critique(session_id, "Is it?")
    await writer.revise(session_id, "The fourth.")
    await expect(page.locator(".chart .dot")).to_have_count(3)
    await expect(page.locator("#diff")).to_have_attribute("data-own", "kept")
    await expect(page.locator("#before")).to_have_value("1")
    await expect(page.locator("#before")).to_be_focused()
    await expect(page.locator("#after")).to_have_attribute("max", "3")
    offsets = [int(url.rpartition("=")[2]) for url in asked[before:] if "/convergence" in url]
    assert offsets
    assert min(offsets) >= 7, "the analysis was read from its beginning"
    await page.get_by_role("button", name="Compare").click()
    await expect(page.locator("#diff del")).to_have_text(["second."])
    await page.goto(shown.of(f"/session/{session_id}/generic/0/changes/0/3"))
    await expect(page.locator("#diff ins")).to_have_text(["fourth."])
    await writer.revise(session_id, "The last.", redo=True)
    await expect(page.locator("#diff ins")).to_have_text(["last."])


async def test_a_session_that_was_forgotten_leaves_a_list_of_several_pages(seen: Seen, shown: Shown) -> None:
    page, writer = seen.page, shown.writer
    session_id = await writer.draft("To be forgotten", "Soon.")
    await expect(page.locator(".sessions .title").first).to_have_text("To be forgotten")
    await page.get_by_role("button", name="More sessions").click()
    await expect(page.get_by_role("button", name="More sessions")).to_have_count(0)
    listed = await page.locator(".sessions li").count()
    assert listed > 40
    await writer.call("forget_session", session_id=session_id)
    await writer.draft("Written later", "Then.")
    await expect(page.locator(".sessions .title").first).to_have_text("Written later")
    await expect(page.locator("#found")).not_to_contain_text("To be forgotten")
    await expect(page.locator(".sessions li")).to_have_count(listed)


async def test_what_failed_to_load_is_tried_again(seen: Seen, shown: Shown) -> None:
    page = seen.page
    overview, entries, evidence = (
        f"**/data/sessions/{shown.week}{rest}" for rest in ("", "/*/entries/*", "/*/entries/*evidence")
    )
    await page.route(overview, failing(503, 1))
    await page.goto(shown.of(f"/session/{shown.week}"))
    await expect(page.locator("main h1")).to_have_text("This cannot be shown")
    await page.unroute(overview)
    await expect(page.locator("main h1")).to_have_text("Should we move to a four-day week?")

    await page.route(entries, failing(500))
    opener = page.locator(".of-critique .opener").first
    await opener.click()
    await expect(page.locator(".of-critique .fault")).to_have_text("Not now.")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await opener.click()
    await expect(opener).to_have_attribute("aria-expanded", "false")
    await page.unroute(entries)
    await page.route(evidence, failing(500))
    await opener.click()
    await expect(page.locator(".of-critique .opened").first).to_contain_text("Only its beginning is shown. Not now.")
    await page.unroute(evidence)
    await page.get_by_role("button", name="Only its beginning").click()
    await expect(page.get_by_role("button", name="Only its beginning")).to_have_count(0)
    await expect(page.locator(".of-critique .opened").first).to_contain_text(EVIDENCE)

    await page.route(overview, failing(500))
    await page.reload()
    await expect(page.locator("main h1")).to_have_text("This cannot be shown")
    await page.unroute(overview)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("main h1")).to_have_text("Should we move to a four-day week?")
    seen.wrong.clear()  # the browser notes the failures as errors


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving_http(tmp_path, {"COMPANIONS_AUTH_TOKENS": PEOPLE}) as served:
        yield served


async def enter(page: Page, address: str, name: str) -> None:
    """Open the page as somebody."""
    await page.goto(address)
    await page.get_by_label("Access token").fill(name)
    await page.keyboard.press("Enter")
    await expect(page.locator(".sessions a").first).to_be_visible()


async def test_it_is_told_whose_a_shared_session_is_and_who_asked_for_a_step(
    browser: Browser, tools: Tools, served: Served
) -> None:
    url = served.url
    async with Client(url, auth="ann") as ann, Client(url, auth="bob") as bob, looking(browser, tools) as seen:
        page = seen.page
        session_id = await Writer(ann).draft("Ours?", "Yes.")
        given = {"session_id": session_id, "role": "author", "person": "bob"}
        await Writer(bob).call(
            "share_session", invitation=(await Writer(ann).call("share_session", **given))["invitation"]
        )
        await Writer(bob).critique(session_id)
        await enter(page, url.removesuffix("mcp"), "bob")
        await expect(page.locator(".sessions .state")).to_contain_text("shared by ann")
        await page.locator(".sessions a").click()
        await expect(page.locator(".about")).to_contain_text("shared by ann")
        await expect(page.locator(".of-critique .measured")).to_contain_text("for bob")
        await expect(page.locator(".of-draft .author")).to_contain_text("for ann")
        await page.locator(".of-critique .opener").click()
        await expect(page.locator(".of-critique .beside")).to_contain_text("Asked for bybob")
        seen.wrong.clear()  # the browser notes the answers 401 as errors


async def test_what_a_critic_looked_up_is_named_and_shown_as_plain_text(
    seen: Seen, shown: Shown, folder: Path, provider: Provider
) -> None:
    page = seen.page
    provider.queue(replies.call("read_version", '{"version": 0}', '{"version": 9}'), replies.text("Say more."))
    async with writing(await asyncio.to_thread(looking_up, folder, provider)) as writer:
        session_id = await writer.draft("Q?", IMAGE, companion_type="own")
        await writer.call("critique", session_id=session_id)
    await page.goto(shown.of(f"/session/{session_id}"))
    await expect(page.locator(".of-critique .badges")).to_contain_text("looked up: read_version")
    await page.locator(".of-critique .opener").click()
    said = ['Looked up: read_version {"version": 0}', 'Looked up in vain: read_version {"version": 9}', "Critique 1"]
    await expect(page.locator(".of-critique h3")).to_have_text(said)
    await expect(page.locator(".of-critique .text").first).to_have_text(IMAGE)
    assert await page.evaluate("window.struck") is None
