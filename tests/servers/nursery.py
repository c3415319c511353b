"""Imports what the program imports, at once or later, then forks for each request and becomes the program in the child.

``preloaded.py`` starts it with the number of a socket. A request is a length (4 bytes), that many bytes of JSON
(``words``, ``cwd``, ``session``, ``environment``) and three streams. The answer is the child's pid (4 bytes), then a
byte once the process between has ended, by which the child has become the asking process's own.
"""

import gc
import io
import json
import os
import runpy
import signal
import socket
import sys
from importlib import import_module
from typing import Any

import server

DEFERRED = (
    "asyncpg",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "jsonschema",
    "langchain_openai",
    "langchain_openai.chat_models.base",
    "proselint.checks",
    "proselint.tools",
    "re2",
    "redis.asyncio.retry",
    "referencing.jsonschema",
    "rich.live",
    "rich.markdown",
    "sqlalchemy.ext.asyncio",
)
"""What the program imports when it first uses it: each takes longer than a fork, most longer than a test's own work."""
STREAMS = 3
ADOPTED = b"."


def serve(asked: socket.socket) -> dict[str, Any]:
    """Answer requests until nobody can make one; returns in each child, with its request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal, and this is no program
    while True:
        begun, streams, _, _ = socket.recv_fds(asked, 4, STREAMS)
        if not begun:
            sys.exit()
        request = _read(asked, int.from_bytes(begun))
        if _is_child(asked):
            asked.close()
            _take(streams)
            return json.loads(request)
        for stream in streams:
            os.close(stream)


def _is_child(asked: socket.socket) -> bool:
    """Fork twice, so that the child loses its parent and goes to the process that asked."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        asked.sendall(ADOPTED)
        return False
    child = os.fork()
    if child:
        asked.sendall(child.to_bytes(4))
        os._exit(0)
    return True


def _read(asked: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        read += asked.recv(size - len(read))
    return read


def _take(streams: list[int]) -> None:
    """Make the streams the standard ones, opened as Python does at its start, and forget all else that is open."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(STREAMS, 256)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8")
    unbuffered = os.fdopen(2, "wb", 0)
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(unbuffered, "utf-8", "backslashreplace", write_through=True)


if __name__ == "__main__":
    for name in DEFERRED:
        import_module(name)
    gc.freeze()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["words"]
    runpy.run_path(str(server.__file__), run_name="__main__")
