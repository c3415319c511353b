"""Running the real commands: in this process through ``server.main``, or as processes of their own.

It knows how to start a command and read what it said; what a command must say is each test's own.
"""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import server

ROOT = Path(__file__).parents[2]
MEMO = ROOT / "examples" / "memo.md"
SESSION = re.compile(r"companions show ([a-z0-9]{20})")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, as bytes: what it writes must be exact."""

    status: int
    out: bytes
    err: str

    @property
    def session_id(self) -> str:
        """The id in the command that shows the session again."""
        found = SESSION.search(self.err)
        assert found is not None, self.err
        return found[1]


class Terminal:
    """Commands in this process, with a store of the test's own."""

    def __init__(self, capture: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capture

    def __call__(self, *words: str) -> Said:
        try:
            status = server.main(words)
        except SystemExit as left:
            status = int(left.code or 0)
        said = self._capture.readouterr()
        return Said(status, said.out, said.err.decode())

    def json(self, *words: str) -> Any:
        """Run a command that must succeed, and read its JSON."""
        said = self(*words)
        assert said.status == 0, said.err
        return json.loads(said.out)


def start(*words: str, environment: Mapping[str, str] | None = None, **options: Any) -> "subprocess.Popen[bytes]":
    """Start a command as a process of its own."""
    command = [sys.executable, str(ROOT / "server.py"), *words]
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    streams |= options
    return subprocess.Popen[bytes](command, env={**os.environ, **(environment or {})}, **streams)


def run(*words: str, environment: Mapping[str, str] | None = None, **options: Any) -> Said:
    """Run a command as a process of its own, to its end."""
    with start(*words, environment=environment, **options) as process:
        out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err.decode())


def on_a_terminal(*words: str, seen: Callable[[bytes], None] = lambda _: None) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; gives its status and all that the terminal received.

    Args:
        words: The command line.
        seen: Shown all that has come so far, whenever more has.
    """
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with start(*words, environment={"TERM": "xterm-256color"}, **streams) as process:
        os.close(theirs)
        received = b""
        while piece := _read(ours):
            received += piece
            seen(received)
    os.close(ours)
    return process.returncode, received.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that the last writer is gone
        return b""
