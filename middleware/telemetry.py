"""What is said of each call to those who run the server: a span, and one line on standard error.

Texts are never told: ids, names, counts and times only. What a call has made is ``tracing``'s to tell.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

import fastmcp
import mcp_types as mt
from fastmcp.resources.base import ResourceResult
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from opentelemetry import trace

from middleware.spans import span

log = logging.getLogger("companions.calls")

_TOLD = ("session_id", "companion_type", "status", "step", "slot", "iteration", "phase", "stop_reason", "already_done")
_LONGEST = 80
LONGEST_URI = 300
NAMED = {"tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}
"""By method, what the name in a request is."""


class Telemetry(Middleware):
    """Tells each call's companion, outcome and duration."""

    def __init__(self) -> None:
        """Take the place of FastMCP's own spans, which hold the wording of errors, and so what a library said."""
        if fastmcp.settings.telemetry_mode == "native":
            fastmcp.settings.telemetry_mode = "propagation_only"

    async def on_request(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        """Make the span of a request, as OpenTelemetry's conventions for MCP have it."""
        message, method = context.message, context.method or "request"
        tool, uri = (getattr(message, name, None) for name in ("name", "uri"))
        named = tool if method in NAMED else None
        about = {
            "mcp.method.name": method,
            "mcp.resource.uri": None if uri is None else str(uri)[:LONGEST_URI],
            NAMED.get(method, ""): named and named[:_LONGEST],
        }
        title = method if named is None else f"{method} {named[:_LONGEST]}"
        with span(title, about, kind=trace.SpanKind.SERVER):
            return await call_next(context)

    async def on_call_tool(
        self, context: MiddlewareContext[mt.CallToolRequestParams], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """Tell a tool call."""
        started = time.perf_counter()
        told: dict[str, Any] = _brief(context.message.arguments or {})
        outcome = "cancelled"
        try:
            result = await call_next(context)
        except Exception as error:
            outcome = type(error.__cause__ or error).__name__
            raise
        else:
            told |= _brief(result.structured_content or {})
            outcome = "ok"
            return result
        finally:
            _tell("tool", context.message.name, outcome, started, told)

    async def on_read_resource(
        self, context: MiddlewareContext[mt.ReadResourceRequestParams], call_next: CallNext[Any, ResourceResult]
    ) -> ResourceResult:
        """Tell a resource read."""
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            result = await call_next(context)
        except Exception as error:
            outcome = type(error.__cause__ or error).__name__
            raise
        else:
            outcome = "ok"
            return result
        finally:
            _tell("resource", str(context.message.uri), outcome, started, {})


def _brief(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _TOLD if isinstance(values.get(name), str | int | bool)}


def _tell(kind: str, name: str, outcome: str, started: float, told: Mapping[str, Any]) -> None:
    seconds = time.perf_counter() - started
    present = trace.get_current_span()
    for key, value in told.items():
        present.set_attribute(f"companion.{key}", value)
    values = " ".join(f"{key}={_one_word(value)}" for key, value in told.items())
    log.info("%s=%s outcome=%s ms=%.1f %s", kind, _one_word(name), outcome, seconds * 1000, values)


def _one_word(value: Any) -> str:
    """Keep a value that a caller chose on its own place in the line."""
    return "".join(letter if letter.isprintable() and letter != " " else "_" for letter in str(value)[:_LONGEST])
