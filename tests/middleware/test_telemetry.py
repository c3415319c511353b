"""What is told of each call: span attributes for those who trace, one line on standard error, and never a text."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import server

pytest_plugins = ("tests.middleware.tracing_fixtures",)

PRIVATE = "a text that nobody but its owner reads"


@pytest.fixture
def mcp() -> FastMCP:
    return server.Wired.of(server.Settings(store="memory://")).server()


async def test_a_call_s_span_names_its_session_and_companion(mcp: FastMCP, spans: InMemorySpanExporter) -> None:
    async with Client(mcp) as client:
        answer = await client.call_tool("draft", {"query": "Why?", "text": PRIVATE})

    told = [dict(span.attributes or {}) for span in spans.get_finished_spans()]
    (ours,) = [attributes for attributes in told if {"mcp.method.name", "companion.session_id"} <= attributes.keys()]
    assert ours["companion.session_id"] == (answer.structured_content or {})["session_id"]
    assert ours["companion.companion_type"] == "generic"
    assert ours["companion.phase"] == "critique"
    assert PRIVATE not in str(told)


@pytest.fixture
def reader() -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    return reader


async def test_sessions_and_entries_are_counted_by_kind_and_type_for_who_set_up_metrics(
    reader: InMemoryMetricReader, mcp: FastMCP
) -> None:
    async with Client(mcp) as client:
        answer = await client.call_tool("draft", {"query": "Why?", "text": PRIVATE})
        await client.call_tool("forget_session", {"session_id": (answer.structured_content or {})["session_id"]})
    told: Any = reader.get_metrics_data()
    counted = {
        (metric.name, *point.attributes.values()): point.value
        for resource in told.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name.startswith("companions.")
        for point in metric.data.data_points
    }
    kinds = {("companions.entries", kind, "generic"): 1 for kind in ("configure", "query", "draft")}
    assert counted == kinds | {("companions.sessions.created", False): 1, ("companions.sessions.deleted",): 1}


class Heard(logging.Handler):
    """Keeps lines in memory; pytest's own handlers write files, which an event loop must not."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    heard, log = Heard(), logging.getLogger("companions.calls")
    monkeypatch.setattr(log, "handlers", [heard])
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(logging.getLogger("fastmcp"), "handlers", [])
    monkeypatch.setattr(logging.getLogger("fastmcp"), "propagate", False)
    log.setLevel(logging.INFO)
    yield heard.lines
    log.setLevel(logging.NOTSET)


async def test_a_call_is_one_line_without_its_texts(mcp: FastMCP, lines: list[str]) -> None:
    async with Client(mcp) as client:
        await client.call_tool("draft", {"query": "Why?", "text": PRIVATE})
        await client.call_tool("critique", {"session_id": "no such\nsession"}, raise_on_error=False)

    assert [line.split()[:2] for line in lines] == [
        ["tool=draft", "outcome=ok"],
        ["tool=critique", "outcome=SessionNotFoundError"],
    ]
    assert not [line for line in lines if "\n" in line or PRIVATE in line or "Why?" in line]
