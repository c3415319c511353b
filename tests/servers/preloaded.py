"""Starts the program from a process that has already imported what it needs: a fork, where imports take seconds.

What comes of it is a process like any other, a child of the one that asked, with its own pid, streams, folder,
environment and signals. How long a start takes and what it imports cannot be seen here: `tests/interop/test_start.py`,
the tests of packaging and those of the documents start the program in full.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SERVER = str(ROOT / "server.py")
NOTE_PID = 'echo $$ > "$0"; exec "$@"'
"""A script of the shell that writes its pid into a file and becomes a command; both are its arguments."""
SEAM = "_fork_exec"
"""Through this function ``subprocess``, and with it asyncio and the clients, makes each process; it gives the pid."""
SET_CHILD_SUBREAPER = 36
ORDINARY = (-1, None, None, None, -1, None)
"""How ``subprocess`` asks for a process without a group, user, mask or function of its own."""


class Preloaded:
    """The process that forks, and what stands in for ``subprocess``'s own way to make a process."""

    def __init__(self) -> None:
        self._start: Callable[..., int] = vars(subprocess)[SEAM]
        self._lock = threading.Lock()
        self._asked: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork_exec(self, args: Sequence[Any], executables: Any, close: bool, kept: Any, *rest: Any) -> int:
        """Make a process as ``subprocess`` asks for it; gives its pid."""
        words = [os.fsdecode(word) for word in args]
        note = words[3] if words[:3] == ["/bin/sh", "-c", NOTE_PID] else None
        command = words if note is None else words[4:]
        cwd, env, reading, _, _, writing, _, complaining, _, _, _, session, *how = rest
        if command[:2] != [sys.executable, SERVER] or tuple(how[:-1]) != ORDINARY:
            return self._start(args, executables, close, kept, *rest)
        streams = [number if given == -1 else given for number, given in enumerate((reading, writing, complaining))]
        names = os.environb.items() if env is None else (line.split(b"=", 1) for line in env)
        asked = {
            "words": command[1:],
            "cwd": os.fsdecode(cwd) if cwd else str(Path.cwd()),
            "session": session,
            "environment": {os.fsdecode(name): os.fsdecode(value) for name, value in names},
        }
        pid = self._fork(json.dumps(asked).encode(), streams)
        if note is not None:
            Path(note).write_text(f"{pid}\n")
        return pid

    def _fork(self, asked: bytes, streams: list[int]) -> int:
        with self._lock:
            nursery = self._asked or self._begin()
            with _adopting():
                socket.send_fds(nursery, [len(asked).to_bytes(4) + asked], streams)
                pid = int.from_bytes(nursery.recv(4))
                nursery.recv(1)  # the child is ours
                return pid

    def _begin(self) -> socket.socket:
        self._asked, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.servers.nursery", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        return self._asked

    def end(self) -> None:
        """End the process that forks; what it has started goes on."""
        if self._asked is not None and self._process is not None:
            self._asked.close()
            self._process.wait()


@contextmanager
def _adopting() -> Generator[None]:
    """Be the parent of what loses its own: the nursery's child ends as soon as it has a child itself."""
    prctl = ctypes.CDLL(None).prctl
    prctl(SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(SET_CHILD_SUBREAPER, 0)


@pytest.fixture(scope="session", autouse=True)
def preloaded_program() -> Generator[None]:
    """Fork the program wherever a test starts it, where the system lets a process adopt another's child."""
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 0) != 0:
        yield
        return
    preloaded = Preloaded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, SEAM, preloaded.fork_exec)
        yield
    preloaded.end()
