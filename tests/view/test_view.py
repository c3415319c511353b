"""The view in the chat, in real Chromium: with a host that can do all, and with each that can do less."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import expect

from resources.view import PAGE
from server import Wired
from tests.pages.browser import Seen
from tests.view.hosting import SECOND, Host, host, think, think_long
from tests.wire.processes import Connection

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PAGE_TEXT = PAGE.read_text()
WAIT = 20_000
HOSTILE = "<script>document.title='struck'</script><img src=x onerror=\"document.title='struck'\"> {0} %s"


async def steps_are_shown(shown: Host) -> None:
    """Look for the whole timeline, newest first, the chart and the next step."""
    lines = shown.view.locator("#timeline li")
    await expect(lines.first).to_contain_text("critique 3", timeout=WAIT)
    await expect(lines.last).to_contain_text("query")
    await expect(shown.view.locator("svg")).to_have_attribute(
        "aria-label", "Similarity of revisions 1 to 2 to the version before: 0.909 at last."
    )
    await expect(shown.view.get_by_role("button", name="Next: revise")).to_be_visible()
    await expect(shown.view.locator("h1")).to_have_text("Should we move?")
    await expect(shown.view.locator("#said")).to_be_empty()


async def test_the_page_is_small_and_names_nothing_from_elsewhere() -> None:
    assert len(PAGE_TEXT.encode()) < 20_000
    assert "://" not in PAGE_TEXT.replace("http://www.w3.org/2000/svg", "")
    assert "innerHTML" not in PAGE_TEXT


@pytest.mark.parametrize("strips", [False, True])
async def test_a_session_is_shown_whether_or_not_structured_content_arrives(
    seen: Seen, client: Connection, *, strips: bool
) -> None:
    session_id = await think(client)
    await steps_are_shown(await host(seen.page, client, given={"session_id": session_id}, strips=strips))


@pytest.mark.parametrize("strips", [False, True])
async def test_without_server_tools_what_the_call_brought_is_shown(
    seen: Seen, client: Connection, *, strips: bool
) -> None:
    session_id = await think(client)
    given = {"session_id": session_id, "part": "convergence_analysis"}
    shown = await host(seen.page, client, given=given, strips=strips, tools=False)
    await expect(shown.view.locator("svg")).to_be_visible(timeout=WAIT)
    await expect(shown.view.locator("h1")).to_have_text("Should we move?")
    given = {"session_id": session_id, "part": "answer"}
    await expect(shown.view.get_by_role("button", name="Refresh")).to_have_count(0)
    assert await shown.noted("calls") == []


async def test_prose_alone_is_shown_as_it_is(seen: Seen, client: Connection) -> None:
    session_id = await think(client)
    given = {"session_id": session_id, "part": "answer"}
    shown = await host(seen.page, client, given=given, strips=True, tools=False)
    await expect(shown.view.locator("#text")).to_contain_text(SECOND, timeout=WAIT)
    await expect(shown.view.locator("#state")).to_contain_text("generic")


async def test_a_loop_s_prose_leads_to_its_session(seen: Seen, client: Connection) -> None:
    given = {"query": "Should we move?", "text": "We should."}
    shown = await host(seen.page, client, "refine", given, strips=True)
    await expect(shown.view.locator("#timeline li").first).to_contain_text("draft", timeout=WAIT)
    await expect(shown.view.get_by_role("button", name="Next: critique")).to_be_visible()
    await expect(shown.view.locator("#text")).to_contain_text("Please write this critique yourself.")


async def test_errors_are_shown_in_the_server_s_words(seen: Seen, client: Connection) -> None:
    shown = await host(seen.page, client, given={"session_id": "of-an-old-chat"})
    said = shown.view.get_by_role("alert")
    await expect(said).to_contain_text("There is no session", timeout=WAIT)
    await shown.tell("ui/notifications/tool-cancelled", {"reason": "user"})
    await expect(said).to_contain_text("cancelled")


async def test_a_session_that_is_gone_by_now_keeps_what_the_call_brought(seen: Seen, client: Connection) -> None:
    session_id = await think(client)
    kept = (await client.call_tool_mcp("show_thinking", {"session_id": session_id})).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    await client.call_tool("forget_session", {"session_id": session_id})
    shown = await host(seen.page, client, given={"session_id": session_id}, result=kept)
    await expect(shown.view.locator("#said")).to_contain_text("More cannot be read: There is no session", timeout=WAIT)
    await expect(shown.view.locator("#timeline li").first).to_contain_text("critique 3")


async def test_the_next_step_is_asked_for_in_the_chat(seen: Seen, client: Connection) -> None:
    session_id = await think(client)
    shown = await host(seen.page, client, given={"session_id": session_id})
    await shown.view.get_by_role("button", name="Next: revise").click(timeout=WAIT)
    await expect(shown.view.locator("#said")).to_have_text("Asked for in the chat.", timeout=WAIT)
    words = f"Please call revise with session_id {session_id}, companion_type generic."
    assert await shown.noted("messages") == [{"role": "user", "content": [{"type": "text", "text": words}]}]
    await shown.view.get_by_role("button", name="Answer").click()
    await expect(shown.view.locator("#text")).to_have_text(SECOND, timeout=WAIT)


async def test_where_views_may_not_write_into_the_chat_the_step_is_called_or_named(
    seen: Seen, client: Connection
) -> None:
    session_id = await think(client)
    shown = await host(seen.page, client, given={"session_id": session_id}, messages=False)
    await shown.view.get_by_role("button", name="Next: revise").click(timeout=WAIT)
    await expect(shown.view.locator("#said")).to_contain_text("Say in the chat: Please call revise", timeout=WAIT)
    assert "revise" in await shown.noted("calls")
    await client.call_tool("revise", {"session_id": session_id, "text": f"{SECOND} On Fridays, Ines."})
    await shown.view.get_by_role("button", name="Refresh").click()
    await expect(shown.view.get_by_role("button", name="One more critique")).to_be_visible(timeout=WAIT)
    await expect(shown.view.locator("#state")).to_contain_text("ended: max iterations")
    await expect(shown.view.locator("#timeline li").first).to_contain_text("revision 3")


async def test_where_a_view_may_do_nothing_it_says_what_to_say(seen: Seen, client: Connection) -> None:
    session_id = await think(client)
    given = {"session_id": session_id, "part": "phase"}
    shown = await host(seen.page, client, given=given, messages=False, tools=False)
    await shown.view.get_by_role("button", name="Next: revise").click(timeout=WAIT)
    words = f"Say in the chat: Please call revise with session_id {session_id}, companion_type generic."
    await expect(shown.view.locator("#said")).to_have_text(words, timeout=WAIT)
    assert await shown.noted("calls") == []


async def test_hostile_texts_are_shown_as_text(seen: Seen, client: Connection) -> None:
    session_id = await think(client, HOSTILE, f"{HOSTILE} {'word ' * 30_000}")
    shown = await host(seen.page, client, given={"session_id": session_id})
    await expect(shown.view.locator("h1")).to_have_text(HOSTILE, timeout=WAIT)
    await expect(shown.view.locator("#timeline li").last).to_contain_text("onerror")
    assert await seen.page.frames[1].evaluate("document.title") == "Thinking"


async def test_the_frame_is_as_high_as_its_content_and_the_host_s_colours_are_taken(
    seen: Seen, client: Connection
) -> None:
    session_id = await think(client)
    variables = {"--color-background-primary": "rgb(10, 20, 30)", "--color-text-primary": "rgb(250, 250, 250)"}
    shown = await host(seen.page, client, given={"session_id": session_id}, theme="dark", variables=variables)
    await steps_are_shown(shown)
    style = "name => getComputedStyle(document.body)[name]"
    frame = seen.page.frames[1]
    assert await frame.evaluate(style, "backgroundColor") == "rgb(10, 20, 30)"
    assert await frame.evaluate("document.documentElement.style.colorScheme") == "dark"
    await frame.wait_for_function("innerHeight === Math.ceil(document.body.getBoundingClientRect().height)")
    assert (await shown.noted("sizes"))[-1]["height"] > 300
    await shown.tell("ui/notifications/host-context-changed", {"theme": "light"})
    await frame.wait_for_function("document.documentElement.style.colorScheme === 'light'")
    await shown.tell("ui/resource-teardown", {"reason": "over"}, id=77)
    await seen.page.wait_for_function("seen.answered.some(each => each.id === 77 && each.result)")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_view_is_for_everybody(seen: Seen, client: Connection, theme: str) -> None:
    session_id = await think(client)
    shown = await host(seen.page, client, given={"session_id": session_id, "part": "answer"}, theme=theme)
    await steps_are_shown(shown)
    frame = seen.page.frames[1]
    await frame.evaluate(seen.axe)
    found: dict[str, Any] = await frame.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(rule["id"], json.dumps(rule["nodes"])[:600]) for rule in found["violations"]] == []
    assert await frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_without_a_host_it_says_so(seen: Seen) -> None:
    await seen.page.set_content(PAGE_TEXT)
    await expect(seen.page.locator("#said")).to_contain_text("Here is none", timeout=WAIT)


async def test_of_a_long_query_the_newest_steps_and_revisions_are_shown(
    seen: Seen, wired: Wired, client: Connection
) -> None:
    given = {"session_id": await think_long(wired, rounds=300)}
    shown = await host(seen.page, client, given=given)
    lines = shown.view.locator("#timeline li")
    await expect(lines.first).to_contain_text("revision 300", timeout=WAIT)
    await expect(lines).to_have_count(101)
    await expect(lines.last).to_contain_text("more steps than are shown")
    await expect(shown.view.locator("svg")).to_have_attribute(
        "aria-label", re.compile("^Similarity of revisions 201 to 300 ")
    )
    assert len(await shown.noted("calls")) == 3
    await seen.page.evaluate("() => { frame.remove(); begin(frame.srcdoc, { ...chosen, tools: false }) }")
    await expect(lines.first).to_contain_text("Newer steps are left out here", timeout=WAIT)
