"""Where spans go: over HTTP to the collector that OpenTelemetry's own variables name, if the extra ``otel`` is there.

It reads no variable itself, OpenTelemetry's library does, and makes no span: that is ``tracing``'s work.
"""

import asyncio
import logging
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from sessions.ending import End

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger("companions.tracing")

FLUSH_SECONDS = 1.0
"""The longest that the end of a process waits for its last spans to be sent."""
SERVICE = "persistent-companions"


def send_spans() -> None:
    """Have spans sent from now on, unless whoever started this process has seen to that already."""
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    try:
        provider = _provider()
    except ImportError:
        log.warning("no spans are sent: OpenTelemetry's SDK is missing; install persistent-companions[otel]")
    else:
        trace.set_tracer_provider(provider)


async def flush_spans(end: End) -> None:
    """Send what has not been sent yet, for as long as there is time; whoever else set spans up is served likewise."""
    flush: Any = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is None:
        return
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    seconds = end.share(FLUSH_SECONDS)

    def work() -> None:
        with suppress(Exception):
            flush(int(seconds * 1000))
        with suppress(RuntimeError):  # the loop is closed: the process has ended without it
            loop.call_soon_threadsafe(done.set)

    # Not a pool's thread, which the interpreter would wait for at its end.
    Thread(target=work, name="companions-spans", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()


def _provider() -> "TracerProvider":
    """Import the SDK, half a second's work, and wire it as its variables say."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- an extra
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415 -- likewise, as is what follows
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = Resource.create()
    if str(named.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        named = named.merge(Resource({SERVICE_NAME: SERVICE}))
    # The end of the process is ours to bound: at exit the SDK would wait for a collector that does not answer.
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
