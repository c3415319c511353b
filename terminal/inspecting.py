"""The ``inspect`` command: serves the page with the person's sessions to this machine, and opens it.

What the page shows, and to whom, is ``pages``' work. The address carries a token of this run behind its ``#``, which no
browser sends and no log holds; it is handed to the browser in a file of the person's own, since other users of the
machine can read a process's command line. (An address that answers once would stand there too, and be a race.) Some
browsers may not read that file, such as those in a sandbox: so the address can be opened by hand.
"""

import argparse
import os
import secrets
import socket
import sys
import tempfile
import threading
import webbrowser
from contextlib import suppress
from html import escape
from pathlib import Path

from companions.errors import CompanionsError
from terminal.arguments import HOST
from terminal.program import MakeProgram
from terminal.serving import log_to_stderr, serve_app

BACKLOG = 64
OPENING = '<!doctype html><title>companions</title><meta http-equiv="refresh" content="0; url={}">'


def inspect(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Serve the page until Ctrl-C or a signal ends it.

    Raises:
        CompanionsError: The port cannot be had.
    """
    program = make()
    log_to_stderr(program.log_level)
    token = secrets.token_urlsafe(32)
    with _listening(chosen.port or 0) as listening, tempfile.TemporaryDirectory(prefix="companions-") as folder:
        port = listening.getsockname()[1]
        address = f"http://{HOST}:{port}/#token={token}"
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stderr.write("companions: your sessions are at this address; Ctrl-C ends it.\n")
        if sys.stdout.isatty() and not chosen.no_open:
            sys.stderr.write("companions: it opens in your browser; if it does not, open the address yourself.\n")
            _open(address, Path(folder))
        with suppress(KeyboardInterrupt):  # how a person ends it
            serve_app(program.inspector(token), program.drain, host=HOST, port=port, listening=listening)
    return 0


def _listening(port: int) -> socket.socket:
    """Listen before the address is told, so that it is there when the browser asks."""
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()  # its own text names the address again
        raise CompanionsError(
            f"Port {port} cannot be had ({reason}).", "End what uses it, or choose another with --port."
        ) from None


def _open(address: str, folder: Path) -> None:
    page = folder / "inspect.html"
    page.write_text(OPENING.format(escape(address)), encoding="utf-8")
    # In a thread: some browsers come back only when they are closed.
    threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()
