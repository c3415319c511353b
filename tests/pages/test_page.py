"""The page in real Chromium, on a store that another process writes: found, read and compared, by anybody."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.pages.browser import Colours, Seen, Tools, looking
from tests.pages.conftest import Shown
from tests.pages.thinking import CRITIQUE, EVIDENCE

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

STRIKE = '<script>window.struck = 1</script><img src=x onerror="window.struck = 1">{not} a %s "format" string'


async def test_a_session_is_found_and_read_with_the_keyboard_alone(seen: Seen) -> None:
    page = seen.page
    await page.keyboard.press("Tab")
    await expect(page.locator("#skip")).to_be_focused()
    await page.locator("#sought").focus()
    await page.keyboard.type("four-day WEEK")
    await expect(page.locator(".sessions li")).to_have_count(1)
    await expect(page.locator("#spoken")).to_have_text("1 session found")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("main h1")).to_have_text("Should we move to a four-day week?")
    await expect(page.locator("main")).to_be_focused()
    await page.locator(".of-draft .opener").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".of-draft .text")).to_contain_text("Customers will alot of notice.")
    await page.keyboard.press("Space")
    await expect(page.locator(".of-draft .text")).to_be_hidden()


async def test_a_search_that_finds_nothing_says_so_and_an_empty_one_lists_all_by_pages(seen: Seen) -> None:
    page = seen.page
    await expect(page.locator(".sessions li")).to_have_count(40)
    await page.get_by_role("button", name="More sessions").click()
    await expect(page.locator(".sessions li")).not_to_have_count(40)
    await expect(page.get_by_role("button", name="More sessions")).to_have_count(0)
    await page.locator(".sessions a").first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".sessions a").nth(1)).to_be_focused()
    await page.locator("#sought").fill("zebra")
    await expect(page.locator("#found")).to_have_text("No session holds all these words.")


async def test_the_steps_say_what_was_guarded_what_came_with_them_and_which_is_the_answer(
    seen: Seen, shown: Shown
) -> None:
    page = await shown.open(seen)
    kinds = await page.locator(".step .kind").all_text_contents()
    assert kinds == [
        "Question",
        "Draft",
        *(name for number in (1, 2, 3) for name in (f"Critique {number}", f"Revision {number}")),
        "Revision 3",
    ]
    await expect(page.locator(".step.replaced .badges")).to_contain_text("written again later")
    await expect(page.locator(".step.guarded")).to_have_count(1)
    await expect(page.locator(".step.guarded .badges")).to_contain_text("not taken: unrelated")
    await expect(page.locator(".answer .kind")).to_have_text("Revision 3")
    await page.locator(".of-critique .opener").first.click()
    await expect(page.locator(".of-critique .opened").first).to_contain_text(EVIDENCE)
    await expect(page.locator(".of-critique .opened").first).to_contain_text(CRITIQUE)
    assert "tokens" not in " ".join(await page.locator(".measured").all_text_contents())  # no model was asked
    await page.get_by_role("tab", name="Figures").click()
    await expect(page.locator("#panel")).to_contain_text("No model of the server was asked")


async def test_any_two_versions_are_compared_word_by_word_and_the_address_says_which(seen: Seen, shown: Shown) -> None:
    page = await shown.open(seen)
    await page.get_by_role("link", name="what changed in Revision 1").click()
    await expect(page.locator("#diff del").first).to_have_text(re.compile("will alot of notice"))
    await expect(page.locator("#diff ins").first).to_have_text(re.compile("hear it in March"))
    await page.locator("#before").fill("1")
    await page.locator("#after").fill("3")
    await page.locator("#after").press("Enter")
    await expect(page.locator("#diff ins")).to_have_text(["June."])
    await expect(page.locator("#diff del")).to_have_text(["May."])
    assert page.url.endswith(f"/session/{shown.week}/generic/0/changes/1/3")
    await page.go_back()
    await expect(page.locator("#diff ins").first).to_have_text(re.compile("hear it in March"))
    await page.locator("#before").fill("3")
    await page.locator("#after").fill("0")
    await page.locator("#after").press("Enter")
    await expect(page.locator(".compared-head")).to_contain_text("From the version 3 to the draft")
    await expect(page.locator("#after")).to_have_value("0")
    await page.go_back()
    await expect(page.locator("#diff ins").first).to_have_text(re.compile("hear it in March"))
    await page.reload()
    await expect(page.locator("#diff ins").first).to_have_text(re.compile("hear it in March"))


async def test_the_chart_shows_each_version_the_threshold_and_why_it_ended(seen: Seen, shown: Shown) -> None:
    page = await shown.open(seen)
    await expect(page.locator(".chart .dot")).to_have_count(3)
    await expect(page.locator(".chart .dot.guarded")).to_have_count(1)
    await expect(page.locator(".chart .threshold")).to_have_count(1)
    name = await page.locator(".chart").get_attribute("aria-label")
    assert name is not None
    assert "versions 1 to 3" in name
    await page.locator(".convergence summary").click()
    await expect(page.locator(".convergence tbody tr")).to_have_count(3)
    await expect(page.locator(".outcome")).to_contain_text("Ended at the maximum")
    await expect(page.locator(".outcome")).to_contain_text("1.000 (the default)")


async def test_views_are_tabs_that_arrow_keys_turn(seen: Seen, shown: Shown) -> None:
    page = await shown.open(seen)
    await page.get_by_role("tab", name="Steps").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Changes")).to_be_focused()
    await expect(page.get_by_role("tab", name="Changes")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("End")
    await expect(page.get_by_role("tab", name="Figures")).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_role("tab", name="Figures")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Steps")).to_be_focused()
    await expect(page.locator(".steps")).to_be_visible()


async def test_a_fork_and_its_parent_name_each_other(seen: Seen, shown: Shown) -> None:
    fork = (await shown.writer.call("fork_session", session_id=shown.week, at=6))["session_id"]
    page = await shown.open(seen)
    await page.locator(".forks summary").click()
    await page.locator(".forks a").first.click()
    await expect(page.locator(".about .id")).to_have_text(fork)
    await page.get_by_role("link", name="its parent").click()
    await expect(page.locator(".about .id")).to_have_text(shown.week)


async def test_markup_and_long_texts_are_shown_as_texts_in_every_place(seen: Seen, shown: Shown) -> None:
    page, writer = seen.page, shown.writer
    long = STRIKE + " and so on" * 18_000
    session_id = await writer.draft(STRIKE, long)
    await writer.critique(session_id, f"{STRIKE} of it", evidence=long)
    await writer.revise(session_id, f"{long} to the end")
    await page.goto(shown.of(f"/session/{session_id}"))
    await expect(page.locator("main h1")).to_have_text(STRIKE[:80])
    for kind in ("query", "draft", "critique", "revision"):
        await page.locator(f".of-{kind} .opener").click()
        await expect(page.locator(f".of-{kind} .text").first).to_contain_text(STRIKE)
    while await page.locator(".of-revision .more").count():
        await page.locator(".of-revision .more").first.click()
        await expect(page.locator(".of-revision .more:disabled")).to_have_count(0)
    assert await page.locator(".of-revision .text").text_content() == f"{long} to the end"
    await page.goto(shown.of(f"/session/{session_id}/generic/0/changes/0/1"))
    await expect(page.locator("#diff")).to_contain_text("window.struck")
    await page.locator("#sought").fill(STRIKE)
    await expect(page.locator(".sessions li")).to_have_count(1)
    await expect(page.locator("#found .excerpt")).to_contain_text("onerror")
    await page.goto(shown.of(f"/session/{STRIKE}"))
    await expect(page.locator("main h1")).to_have_text("This cannot be shown")
    assert await page.evaluate("window.struck") is None
    seen.wrong.clear()  # likewise 404


async def test_a_phone_s_width_shows_one_pane_at_a_time_and_nothing_wider(
    browser: Browser, tools: Tools, shown: Shown
) -> None:
    async with looking(browser, tools, width=360, height=720) as seen:
        page = seen.page
        await page.goto(shown.address)
        await page.get_by_text("Should we move to a four-day week?").first.click()
        await expect(page.locator(".steps")).to_be_visible()
        await expect(page.locator("#list")).to_be_hidden()
        assert not await seen.wider_than_its_window()
        for view in ("Changes", "Figures"):
            await page.get_by_role("tab", name=view).click()
            await expect(page.get_by_role("tab", name=view)).to_have_attribute("aria-selected", "true")
            assert not await seen.wider_than_its_window()
        await page.get_by_role("link", name="All sessions").click()
        await expect(page.locator("#list")).to_be_visible()
        await expect(page.locator("main")).to_be_hidden()


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_no_view_has_a_barrier_that_axe_knows(
    browser: Browser, tools: Tools, shown: Shown, colours: Colours
) -> None:
    async with looking(browser, tools, colours=colours) as seen:
        page = seen.page
        await page.goto(shown.address)
        await page.wait_for_selector(".sessions a")
        assert await seen.violations() == []
        await shown.open(seen)
        await page.locator(".of-critique .opener").first.click()
        await expect(page.locator(".of-critique .text").first).to_be_visible()
        await page.locator(".convergence summary").click()
        assert await seen.violations() == []
        for view in ("changes", "figures"):
            await shown.open(seen, f"/generic/0/{view}")
            await expect(page.locator("#panel > *").first).to_be_visible()
            assert await seen.violations() == []
        await page.goto(shown.of("/learned"))
        await expect(page.locator("main h1")).to_have_text("What was learned: generic")
        assert await seen.violations() == []


async def test_the_colours_are_the_system_s_until_somebody_chooses(
    browser: Browser, tools: Tools, shown: Shown
) -> None:
    async with looking(browser, tools, colours="dark") as seen:
        page = seen.page
        await page.goto(shown.address)
        dark = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        await page.get_by_role("button", name="Colours: as the system").click()
        light = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert light != dark
        await page.reload()
        await expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
        assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == light


async def test_without_the_token_of_its_address_the_page_asks_for_it_and_keeps_it_to_the_tab(
    browser: Browser, tools: Tools, shown: Shown
) -> None:
    address, _, token = shown.address.partition("#token=")
    async with looking(browser, tools) as seen:
        page = seen.page
        await page.goto(address)
        await expect(page.locator("main h1")).to_have_text("Who are you?")
        assert await seen.violations() == []
        await page.get_by_label("Access token").fill("not it")
        await page.keyboard.press("Enter")
        await expect(page.locator("#token-fault")).to_contain_text("none that is valid")
        await page.get_by_label("Access token").fill(token)
        await page.get_by_role("button", name="Look at my sessions").click()
        await expect(page.locator(".sessions a").first).to_be_visible()
        assert token not in page.url
        await page.reload()
        await expect(page.locator(".sessions a").first).to_be_visible()
        seen.wrong.clear()  # the browser notes the answers 401 as errors
