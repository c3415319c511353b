"""Spans of calls, steps, models and writes as an exporter gets them: how they hang together, and what is not there."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import server
from tests.provider import replies
from tests.provider.server import KEY, Provider

pytest_plugins = ("tests.middleware.tracing_fixtures", "tests.provider.fixtures")

QUERY = "a question that nobody but its owner reads"
WRITTEN = "an answer that nobody else reads either"
PROMPT = "gen_ai.input.messages"


def opened(provider: Provider, **settings: Any) -> FastMCP:
    asking: dict[str, Any] = {"model": "openai:loop:7b", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url}
    return server.Wired.of(server.Settings(store="memory://", **asking, **settings)).server()


def spans_named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def everything(spans: Sequence[ReadableSpan]) -> str:
    return " ".join(span.to_json() for span in spans)


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def linked(span: ReadableSpan) -> set[int]:
    return {link.context.span_id for link in span.links}


async def test_a_model_s_call_is_in_its_step_which_is_in_its_call_and_the_write_is_linked(
    provider: Provider, spans: InMemorySpanExporter
) -> None:
    provider.queue(replies.text(WRITTEN, model="loop-2026", usage={"prompt_tokens": 7, "completion_tokens": 5}))
    async with Client(await asyncio.to_thread(opened, provider)) as client:
        answer: Any = (await client.call_tool("draft", {"query": QUERY})).structured_content

    (call,) = [span for span in spans_named(spans, "tools/call draft") if span.kind is SpanKind.SERVER]
    (step,), (chat,) = spans_named(spans, "draft generic"), spans_named(spans, "chat loop:7b")
    assert (parent_of(step), parent_of(chat)) == (id_of(call), id_of(step))
    assert told(call)["companion.session_id"] == answer["session_id"]
    assert (
        told(step).items()
        >= {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "generic",
            "gen_ai.conversation.id": answer["session_id"],
            "companion.seq": answer["seq"],
            "companion.phase": "critique",
        }.items()
    )
    assert chat.kind is SpanKind.CLIENT
    assert (
        told(chat).items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "loop:7b",
            "gen_ai.response.model": "loop-2026",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.conversation.id": answer["session_id"],
        }.items()
    )
    writes = [span for span in spans.get_finished_spans() if told(span).get("db.operation.name") == "append"]
    assert sum(told(write)["db.operation.batch.size"] for write in writes) == answer["seq"]
    assert [(parent_of(write), linked(write)) for write in writes] == [(None, {id_of(step)})] * len(writes)
    assert QUERY not in everything(spans.get_finished_spans())
    assert WRITTEN not in everything(spans.get_finished_spans())


@pytest.mark.usefixtures("quiet_fastmcp")
async def test_a_fault_is_told_by_its_kind_and_neither_key_nor_text_is_in_any_span(
    provider: Provider, spans: InMemorySpanExporter
) -> None:
    provider.queue(replies.refusal(401))
    async with Client(await asyncio.to_thread(opened, provider)) as client:
        await client.call_tool("draft", {"query": QUERY}, raise_on_error=False)
        await client.call_tool("draft", {"query": {"not": QUERY}}, raise_on_error=False)

    assert KEY in str(provider.exchanges[0].headers)
    failed = [span for span in spans.get_finished_spans() if span.status.status_code is StatusCode.ERROR]
    ours = {span.name: told(span)["error.type"] for span in failed if span.kind is not SpanKind.CLIENT}
    assert ours == {"draft generic": "ModelError", "tools/call draft": "ValidationError"}
    assert [told(span)["error.type"] for span in spans_named(spans, "chat loop:7b")] == ["ModelError"]
    assert KEY not in everything(spans.get_finished_spans())
    assert QUERY not in everything(spans.get_finished_spans())


async def test_prompts_and_replies_are_in_spans_where_a_setting_asks_for_them(
    provider: Provider, spans: InMemorySpanExporter
) -> None:
    provider.queue(WRITTEN)
    async with Client(await asyncio.to_thread(opened, provider, trace_texts=True)) as client:
        await client.call_tool("draft", {"query": QUERY})

    (chat,) = spans_named(spans, "chat loop:7b")
    assert json.loads(told(chat)[PROMPT]) == [{"role": "user", "parts": [{"type": "text", "content": QUERY}]}]
    (said,) = json.loads(told(chat)["gen_ai.output.messages"])
    assert (said["parts"], said["finish_reason"]) == ([{"type": "text", "content": WRITTEN}], "stop")
    assert json.loads(told(chat)["gen_ai.system_instructions"])[0]["content"]


async def test_steps_of_a_job_behind_the_end_of_its_call_are_linked_to_it(
    provider: Provider, spans: InMemorySpanExporter
) -> None:
    gate = replies.Signal()
    provider.queue(replies.text("one two three", pieces=3, gate=gate))
    async with Client(await asyncio.to_thread(opened, provider, reply_seconds=0.5, max_iterations=1)) as client:
        running: Any = (await client.call_tool("refine", {"query": QUERY})).structured_content
        assert running["status"] == "running"
        gate.set()
        async with asyncio.timeout(60):
            while running["status"] == "running":
                asked = {"session_id": running["session_id"]}
                running = (await client.call_tool("refine", asked)).structured_content

    first = next(span for span in spans_named(spans, "tools/call refine") if span.kind is SpanKind.SERVER)
    (draft,), (revision,) = spans_named(spans, "draft generic"), spans_named(spans, "revise generic")
    assert parent_of(draft) == id_of(first)
    assert (parent_of(revision), linked(revision)) == (None, {id_of(first)})
    assert draft.end_time is not None
    assert first.end_time is not None
    assert draft.end_time > first.end_time
