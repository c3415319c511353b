"""Spans of the tools that a critic calls: where they hang, and that no text is in them unless a setting asks for it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import server
from tests.middleware.test_tracing import everything, id_of, parent_of, spans_named, told
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.sessions.own_companions import SECTIONS

pytest_plugins = ("tests.middleware.tracing_fixtures", "tests.provider.fixtures")

PRIVATE = "what nobody but its owner reads"


@pytest.mark.parametrize("texts", [False, True])
async def test_each_call_of_a_tool_and_of_the_model_has_a_span_in_its_step(
    provider: Provider, spans: InMemorySpanExporter, tmp_path: Path, texts: bool
) -> None:
    (tmp_path / "own.md").write_text(
        f"---\nname: own\ndescription: Mine.\ncritic_tools: [read_version]\n---\n{SECTIONS}"
    )

    def opened() -> Any:
        asking: dict[str, Any] = {"model": "openai:loop", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url}
        asking |= {"library": tmp_path, "trace_texts": texts}
        return server.Wired.of(server.Settings(store="memory://", **asking)).server()

    provider.queue(replies.call("read_version", '{"version": 0}', '{"version": 9}'), replies.text("Say more."))
    async with Client(await asyncio.to_thread(opened)) as client:
        made: Any = await client.call_tool("draft", {"query": "Q?", "text": PRIVATE, "companion_type": "own"})
        await client.call_tool("critique", {"session_id": made.structured_content["session_id"]})

    (step,) = spans_named(spans, "critique own")
    tools, chats = spans_named(spans, "execute_tool read_version"), spans_named(spans, "chat loop")
    assert [parent_of(each) for each in (*tools, *chats)] == [id_of(step)] * 4
    assert (
        told(tools[0]).items()
        >= {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "read_version",
            "gen_ai.tool.call.id": "call_0",
        }.items()
    )
    assert [each.status.status_code for each in tools] == [StatusCode.UNSET, StatusCode.ERROR]
    assert (PRIVATE in everything(spans.get_finished_spans())) is texts
    assert ("tool_call_response" in everything(chats)) is texts
