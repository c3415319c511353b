"""What clients are shown beside texts: the convergence as a picture, and the view that hosts with MCP Apps open."""

import json
from collections.abc import AsyncGenerator
from xml.etree.ElementTree import fromstring

import pytest
import pytest_asyncio
from fastmcp import Client, FastMCP

import server
from resources.view import URI
from tests.wire.processes import ERAS, Connection


@pytest.fixture(scope="module")
def program() -> FastMCP:
    """Not in an event loop, since it reads files."""
    return server.Wired.of(server.Settings(store="memory://", model="host")).server()


@pytest_asyncio.fixture(params=ERAS, scope="module", loop_scope="module")
async def client(program: FastMCP, request: pytest.FixtureRequest) -> AsyncGenerator[Connection]:
    async with Client(program, mode=request.param) as client:
        yield client


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_analysis_names_its_picture_in_both_channels_and_it_can_be_read(client: Connection) -> None:
    session_id = (await client.call_tool("draft", {"query": "When?", "text": "On Friday."})).structured_content[
        "session_id"
    ]
    await client.call_tool("critique", {"session_id": session_id, "text": "No hour."})
    await client.call_tool("revise", {"session_id": session_id, "text": "On Friday at nine."})
    shown = await client.call_tool("show_thinking", {"session_id": session_id, "part": "convergence_analysis"})
    uri = f"resource://sessions/{session_id}/generic/convergence.svg"
    assert shown.structured_content["picture"] == json.loads(shown.content[0].text)["picture"] == uri
    (content,) = await client.read_resource(uri)
    assert content.mime_type == "image/svg+xml"
    told = " ".join(fromstring(content.text).itertext())  # noqa: S314 (our own picture)
    assert f"Revision 1: similarity {shown.structured_content['similarities'][0]['similarity']:.3f} to" in told


async def test_hosts_find_the_view_and_that_it_reaches_nothing(client: Connection) -> None:
    tools = [tool.model_dump(by_alias=True) for tool in await client.list_tools()]
    shown = {tool["name"]: tool["_meta"]["ui"] for tool in tools if "ui" in tool["_meta"]}
    assert shown == {"show_thinking": {"resourceUri": URI}, "refine": {"resourceUri": URI}}
    (content,) = (await client.read_resource_mcp(URI)).contents
    assert content.mime_type == "text/html;profile=mcp-app"
    kinds = ("connectDomains", "resourceDomains", "frameDomains", "baseUriDomains")
    assert content.meta["ui"]["csp"] == {kind: [] for kind in kinds}
    assert content.text.startswith("<!doctype html>")
