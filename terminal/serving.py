"""Serving over stdio and HTTP, and every way out of it.

Whatever ends the process, a signal, a closed standard input or an HTTP shutdown: calls that wait are answered, what was
handed over is stored, and the end comes in time, whatever still hangs. ``mcp.run`` alone does none of that.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from types import FrameType

import uvicorn
from fastmcp import FastMCP
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from companions.errors import CompanionsError
from terminal.body_limit import BodyLimit
from terminal.program import Drain, Http
from terminal.refused_bodies import RefusedBodies

END_SECONDS = 1.5
"""From the signal to the end: a host kills after 2 s."""
FLUSH_SECONDS = 0.1
"""For replies on their way to the client: a transport does not tell when the last one is written."""
DRAIN_SECONDS = END_SECONDS - 2 * FLUSH_SECONDS
"""From the signal until everything else is done: it ends by itself unless something holds up the event loop."""
PREFLIGHT_SECONDS = 600
OWN_PAGES = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"


def log_to_stderr(level: str) -> None:
    """Send our lines to standard error, plainly; FastMCP's own are told by ours already, in one line a call."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("fastmcp").setLevel(logging.CRITICAL)


def end_in_time(status: int, seconds: float = END_SECONDS) -> None:
    """End the process when the deadline passes, also if a thread or a connection hangs."""
    watchdog = threading.Timer(seconds, os._exit, (status,))
    watchdog.daemon = True
    watchdog.start()


def end_refused(error: CompanionsError) -> None:
    """End a process whose keys do not fit its store: it has taken no step, and could take none."""
    sys.stderr.write(f"companions: {error}\n")
    sys.stderr.flush()
    os._exit(1)


def serve_stdio(mcp: FastMCP, drain: Drain) -> None:
    """Serve one host over standard input and output until it closes them or sends a signal."""
    asyncio.run(_stdio(mcp, drain))


async def _stdio(mcp: FastMCP, drain: Drain) -> None:
    loop = asyncio.get_running_loop()
    leaving: list[asyncio.Task[None]] = []

    def leave(number: signal.Signals) -> None:
        if not leaving:
            end_in_time(128 + number)
            leaving.append(loop.create_task(_leave(number, drain, loop.time()), name="companions-leave"))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave, number)
    await mcp.run_stdio_async(show_banner=False)
    await drain()
    sys.stderr.flush()
    os._exit(0)  # without the interpreter's teardown: it takes half a second, and no watchdog runs in it


async def _leave(number: signal.Signals, drain: Drain, since: float) -> None:
    """Drain, then end by the same signal, as whoever sent it expects."""
    await drain(since)
    await asyncio.sleep(FLUSH_SECONDS)
    _end_by(number)


def _end_by(number: signal.Signals) -> None:
    """End by a signal's own action: at once, without the interpreter's teardown, in which no watchdog runs."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


class _Server(uvicorn.Server):
    """uvicorn, told to drain at the signal itself: in the lifespan's exit it is too late for calls that wait."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, then let uvicorn close its connections."""
        if self._draining is None:
            end_in_time(128 + sig)
            loop = asyncio.get_running_loop()
            loop.call_soon_threadsafe(self._begin, loop.time())
        super().handle_exit(sig, frame)

    def _begin(self, since: float) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain(since))


def _pages(how: Http) -> Middleware:
    """Let pages of this machine and of the named origins read the answers, with whatever headers their clients send."""
    return Middleware(
        CORSMiddleware,
        allow_origins=how.origins,
        allow_origin_regex=OWN_PAGES,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("mcp-session-id", "mcp-protocol-version", "www-authenticate"),
        max_age=PREFLIGHT_SECONDS,
    )


def serve_http(mcp: FastMCP, drain: Drain, *, host: str, port: int, how: Http) -> None:
    """Serve over HTTP at ``/mcp``; Host and Origin are checked before all else."""
    app = mcp.http_app(
        path="/mcp",
        allowed_hosts=list(how.hosts),
        allowed_origins=list(how.origins) or None,
        stateless_http=how.stateless,
        middleware=[_pages(how), Middleware(BodyLimit, most=how.body_limit), Middleware(RefusedBodies), *how.paced],
    )
    try:
        serve_app(app, drain, host=host, port=port)
    except KeyboardInterrupt:
        _end_by(signal.SIGINT)


def serve_app(app: Starlette, drain: Drain, *, host: str, port: int, listening: socket.socket | None = None) -> None:
    """Serve an application until a signal ends it, which is raised again once all is let go of.

    Args:
        app: The application.
        drain: Begun at the signal.
        host: The address.
        port: Its port.
        listening: A socket that has both already.
    """
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1, lifespan="on")
    asyncio.run(_Server(config, drain).serve(None if listening is None else [listening]))
