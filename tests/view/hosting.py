"""A chat host of the test's own that shows the view, and calls tools of a real server for it.

What the view must show is each test's own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import FrameLocator, Page

from companions.requests import Request
from server import Wired
from sessions.principals import LOCAL
from sessions.steps import Caller
from tests.wire.processes import Connection

HOST = Path(__file__).with_name("host.html")
ADDRESS = "http://127.0.0.1/host"
URI = "ui://thinking"

DRAFT = "We should move to four days. Pay stays as it is."
FIRST = "We should move to four days in May. Pay stays as it is."
SECOND = "We should move to four days in May. Pay stays as it is, for all."


async def think(client: Connection, query: str = "Should we move?", draft: str = DRAFT) -> str:
    """Think something through by two revisions, and leave a critique to be answered."""
    opened = await client.call_tool("draft", {"query": query, "text": draft})
    session_id = opened.structured_content["session_id"]
    for critique, revision in (("Say when.", FIRST), ("Say for whom.", SECOND)):
        await client.call_tool("critique", {"session_id": session_id, "text": critique})
        await client.call_tool("revise", {"session_id": session_id, "text": revision})
    await client.call_tool("critique", {"session_id": session_id, "text": "Say who answers on Fridays."})
    return session_id


async def think_long(wired: Wired, rounds: int) -> str:
    """Go round so often in one query, without the protocol, which takes longer."""
    desk = wired.calls.desk
    session = desk.sessions.mint(LOCAL)
    for number in range(rounds):
        if not number:
            await desk.step(session, "generic", Request(step="draft", query="How long?", text="So long."), Caller())
        await desk.step(session, "generic", Request(step="critique", text="Longer."), Caller())
        await desk.step(session, "generic", Request(step="revise", text=f"So long, {number} times."), Caller())
    return session.session_id


async def called(client: Connection, tool: str, given: dict[str, Any]) -> dict[str, Any]:
    """Call a tool, and give its result or its error as hosts hand it on."""
    result = await client.call_tool_mcp(tool, given)
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Host:
    """The host, as a page in the browser.

    Attributes:
        view: The frame that the view stands in.
    """

    page: Page
    view: FrameLocator

    async def noted(self, what: str) -> list[Any]:
        """Give what the view sent: ``messages``, ``sizes``, ``calls`` or ``answered``."""
        return await self.page.evaluate(f"seen.{what}")

    async def tell(self, method: str, params: dict[str, Any], **more: Any) -> None:
        """Send the view a message."""
        await self.page.evaluate("message => send(message)", {"method": method, "params": params, **more})


async def host(
    page: Page, client: Connection, tool: str = "show_thinking", given: dict[str, Any] | None = None, **options: Any
) -> Host:
    """Call a tool and show the view of what it answered.

    Args:
        page: An empty one.
        client: The server's.
        tool: What is called.
        given: Its arguments.
        options: What the host is: ``tools``, ``messages`` (what views may ask for), ``strips`` (structured content),
            ``theme``, ``variables``, and ``result`` instead of what the tool answers.
    """

    async def body(route: Any) -> None:
        await route.fulfill(body=text, content_type="text/html")

    async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await called(client, name, arguments)

    text = HOST_PAGE
    (content,) = (await client.read_resource_mcp(URI)).contents
    result = options.pop("result", ...)
    chosen = {"tools": True, "messages": True, "theme": "light", "given": given or {}} | options
    chosen["result"] = await called(client, tool, given or {}) if result is ... else result
    await page.route(ADDRESS, body)
    await page.expose_function("callTool", call_tool)  # pyright: ignore[reportUnknownMemberType] (not typed)
    await page.goto(ADDRESS)
    await page.evaluate("([html, options]) => begin(html, options)", [content.text, chosen])
    return Host(page, page.frame_locator("iframe"))


HOST_PAGE = HOST.read_text()
