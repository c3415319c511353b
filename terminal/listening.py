"""The ``serve`` command: where the server may listen, said before anything is opened.

How it serves, and every way out of that, is ``serving``'s work. Standard output belongs to the protocol: nothing here
prints there.
"""

import argparse
import socket
import sys

from companions.errors import CompanionsError, InputError
from terminal.arguments import HOST, PORT
from terminal.program import MakeProgram
from terminal.serving import log_to_stderr, serve_http, serve_stdio


def serve(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Serve until a client or a signal ends it.

    Raises:
        InputError: The address or the port cannot be had.
    """
    if not chosen.http:
        return _serve_stdio(chosen, make)
    host, port = chosen.host or HOST, chosen.port or PORT
    program = make()
    program.http.check_address(host)
    _check_port(host, port)
    log_to_stderr(program.log_level)
    mcp = program.server(metrics=chosen.metrics)
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"companions: serving MCP at http://{shown}:{port}/mcp; Ctrl-C ends it.\n")
    serve_http(mcp, program.drain, host=host, port=port, how=program.http)
    return 0


def _serve_stdio(chosen: argparse.Namespace, make: MakeProgram) -> int:
    if chosen.host or chosen.port or chosen.metrics:
        raise InputError("--host, --port and --metrics are for HTTP.", "Add --http, or leave them out.")
    program = make()
    log_to_stderr(program.log_level)
    if sys.stdin.isatty():
        sys.stderr.write("companions: waiting for an MCP client on standard input; Ctrl-C ends it.\n")
    serve_stdio(program.server(), program.drain)
    return 0


def _check_port(host: str, port: int) -> None:
    """Try the port: uvicorn would say less clearly that it cannot have it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # as the server will: a port in TIME_WAIT is free
            tried.bind(address)
    except PermissionError:
        raise InputError(f"Port {port} is not for ordinary users.", "Choose one above 1023 with --port.") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise CompanionsError(
            f"Port {port} on {host} cannot be had ({reason}).", "End what uses it, or choose another with --port."
        ) from None
