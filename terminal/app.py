"""The command line: which command, with which arguments. What a command does stands in the modules beside this one."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastmcp import FastMCP

from sessions.calls import Calls
from sessions.reading import Reading
from terminal.serving import serve_http, serve_stdio


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What commands work with; the program hands it over, so that nothing here reads the environment.

    Attributes:
        owner: Whose sessions a person at this terminal works on.
        server: Makes the MCP server.
        drain: Stores what was handed over and lets go of everything.
        store: The store's URL, for people to see.
    """

    calls: Calls
    reading: Reading
    owner: str
    server: Callable[[], FastMCP]
    drain: Callable[[], Awaitable[None]]
    store: str
    text_limit: int
    http_stateless: bool


def run(arguments: Sequence[str], *, program: Callable[[], Program], settings: Sequence[str]) -> int:
    """Read the command line and carry it out; returns the exit status."""
    chosen = _parser(settings).parse_args(arguments)
    made = program()
    mcp = made.server()
    if chosen.http:
        serve_http(mcp, made.drain, host=chosen.host, port=chosen.port, stateless=made.http_stateless)
    else:
        serve_stdio(mcp, made.drain)
    return 0


def _parser(settings: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="companions")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve", epilog="\n".join(settings), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    serve.add_argument("--http", action="store_true")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    return parser
