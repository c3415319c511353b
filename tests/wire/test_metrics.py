"""Metrics and budgets through a client, against a provider that counts for itself."""

import json
import logging
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError

import server
from tests.provider import writer
from tests.provider.server import KEY, Provider
from tests.wire.reading import resource

pytest_plugins = ("tests.provider.fixtures",)

MODEL = "openai:loopback"
PRICES = json.dumps({MODEL: {"input": 1, "output": 2}})


def counted(provider: Provider) -> dict[str, int]:
    """Count words as the provider does."""
    prompts = [[str(message["content"]) for message in body["messages"]] for body in provider.bodies]
    return {
        "calls": len(prompts),
        "input_tokens": sum(len(text.split()) for prompt in prompts for text in prompt),
        "output_tokens": sum(len(writer.write(prompt).split()) for prompt in prompts),
    }


@pytest.fixture
def mcp(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> FastMCP:
    # It tells each refusal with a traceback, for which it reads files.
    monkeypatch.setattr(logging.getLogger("fastmcp"), "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logging.getLogger("fastmcp"), "propagate", False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    settings = server.Settings(store="memory://", model=MODEL, session_tokens=900, prices=PRICES)
    return server.Wired.of(settings).server()


async def thought(client: Client[Any], query: str) -> None:
    """Go on until something ends it."""
    drafted = await client.call_tool("draft", {"query": query})
    session = {"session_id": (drafted.structured_content or {})["session_id"]}
    for step in ("critique", "revise") * 9:
        await client.call_tool(step, session)


async def refined(client: Client[Any], query: str) -> str:
    """Have a loop of one iteration made to its end; gives its session."""
    asked: dict[str, Any] = {"query": query, "max_iterations": 1}
    while (done := (await client.call_tool("refine", asked)).structured_content or {})["status"] == "running":
        asked = {"session_id": done["session_id"]}
    return done["session_id"]


async def test_a_run_stops_before_the_call_that_would_exceed_and_its_numbers_are_the_provider_s(
    provider: Provider, mcp: FastMCP
) -> None:
    async with Client(mcp) as client:
        with pytest.raises(ToolError, match="This session is limited to 900 tokens") as refusal:
            await thought(client, "What may it cost?")
        told, truth = (await resource(client, "resource://metrics"))["usage"], counted(provider)
    assert truth["calls"] > 1
    assert {name: told[name] for name in truth} == truth
    assert told["cost"] == pytest.approx((truth["input_tokens"] + 2 * truth["output_tokens"]) / 1e6, abs=1e-6)
    assert f"{truth['input_tokens'] + truth['output_tokens']:,} are spent" in str(refusal.value)


async def test_a_loop_is_told_with_its_time_and_tokens_by_kind_and_by_provider(
    provider: Provider, mcp: FastMCP
) -> None:
    async with Client(mcp) as client:
        session = await refined(client, "What takes how long?")
        body, truth = await resource(client, "resource://metrics"), counted(provider)
        overview = await resource(client, f"resource://sessions/{session}")
    (newest,) = overview["workflows"]["newest"]
    sums, used = body["workflows"]["refine"], body["providers"]["openai"]
    assert (newest["workflow"], newest["orchestrator"], newest["state"]) == ("refine", "generic", "done")
    assert (sums["begun"], sums["ended"]) == (1, {newest["stop_reason"]: 1})
    assert overview["workflows"]["by_kind"]["refine"] == sums
    assert sums["usage"]["output_tokens"] == used["output_tokens"] == truth["output_tokens"]
    assert sums["model_seconds"] == used["model_seconds"] > 0
    assert body["process"]["providers"]["openai"]["calls"] == used["calls"] == truth["calls"]
