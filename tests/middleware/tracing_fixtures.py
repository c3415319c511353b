"""A real exporter of spans that keeps them in memory, for tests that look at what is traced.

OpenTelemetry takes one provider for the whole process: it is set once, and every test sees its own spans alone. A test
module names this one in ``pytest_plugins`` and never imports it.
"""

import logging
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture(scope="session")
def _exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def quiet_fastmcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have FastMCP's own log go nowhere, as when serving: its handler looks files up, which an event loop must not."""
    monkeypatch.setattr(logging.getLogger("fastmcp"), "handlers", [])
    monkeypatch.setattr(logging.getLogger("fastmcp"), "propagate", False)


@pytest.fixture
def spans(_exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """The spans of this test, as they end."""
    _exporter.clear()
    yield _exporter
    _exporter.clear()
