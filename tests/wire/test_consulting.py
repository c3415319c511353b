"""``consult`` as a host sees it: each channel by itself leads a caller that writes to the end."""

import json
from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from tests.wire.scripted_caller import Channel, Result, assert_sized, prose, prose_of, structured, write

LONG = "A paragraph that says something about {it}.\n\n" * 2_000


@pytest.fixture
def mcp() -> FastMCP:
    return server.Wired.of(server.Settings(store="memory://", model="host")).server()


async def call(client: Client[Any], tool: str, **given: Any) -> Result:
    result = await client.call_tool(tool, given)
    if tool == "consult":
        assert_sized(result)
    return result


@pytest.mark.parametrize("channel", [structured, prose])
async def test_a_host_s_model_is_led_through_a_consultation_by_either_channel(mcp: FastMCP, channel: Channel) -> None:
    async with Client(mcp) as client:
        result = await call(client, "consult", query="What is {this}?", companion_types='["generic","guide"]')
        told, texts = channel(result), list[str]()
        while told.tool is not None:
            assert (told.tool, told.writing) == ("consult", True)
            texts.append(write(told.prompt, len(texts)))
            result = await call(client, "consult", **told.arguments, text=texts[-1])
            told = channel(result)
        assert len(texts) == 3
        body = result.structured_content
        assert body["text"] == texts[-1]
        assert body["companions"] == {"generic": "done", "guide": "done"}
        shown = await call(client, "show_thinking", session_id=body["session_id"], part="workflows")
        (resource,) = await client.read_resource(f"resource://sessions/{body['session_id']}/workflows")
        (workflow,) = json.loads(getattr(resource, "text", ""))["workflows"]
        assert shown.structured_content["workflows"] == [workflow]
        assert (workflow["workflow_id"], workflow["state"]) == (body["workflow_id"], "done")


async def test_a_prompt_that_is_too_long_for_a_reply_is_cut_and_can_be_read_on(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        result = await call(client, "consult", query=LONG, companion_types=["generic"], text=LONG)
        body = result.structured_content
        assert body["companion_type"] == "strategy"
        assert "Of companion strategy: Cut here" in prose_of(result)
        place = {"session_id": body["session_id"], "companion_type": "strategy", **body["more"]}
        rest = await call(client, "show_thinking", **place)
        whole = body["instructions"]["user"] + rest.structured_content["text"]
        assert whole.count("<contribution>") == 1
        assert f"<query>\n{LONG}\n</query>" in whole
