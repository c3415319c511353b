"""A provider on the loopback: it speaks every provider's protocol over real HTTP, with replies that a test queues.

It records what it was asked and stands for every provider with one of its wires; it never decides what a test expects.
Without a queued reply its author answers: ``writer``, unless a test names another. As a process of its own:
``python tests/provider/server.py --port-file FILE``.
"""

import argparse
import asyncio
import socket
import sys
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

if __name__ == "__main__":  # run as a script, from anywhere: only its own folder is on the path
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.provider import replies, writer
from tests.provider.anthropic_wire import AnthropicWire
from tests.provider.exchange import Exchange
from tests.provider.google_wire import GoogleWire
from tests.provider.ollama_wire import OllamaWire
from tests.provider.openai_wire import OpenAIWire
from tests.provider.replies import Reply, Signal, Wire
from tests.provider.responses import Responses

KEY = "sk-loopback-0123456789"
"""A key that looks like one, to be found again where it does not belong."""
COMPLETIONS = "/v1/chat/completions"
WIRES: dict[str, Wire] = {
    COMPLETIONS: OpenAIWire(),
    "/v1/messages": AnthropicWire(),
    "/v1beta/models/{call}": GoogleWire(),
    "/api/chat": OllamaWire(),
}
"""By path, what is spoken there."""
KEYS = ("authorization", "x-api-key", "x-goog-api-key")
"""The headers that a key may come in."""
Author = Callable[[list[str]], Reply]
"""Answers a prompt, given as the texts of its messages; called in the provider's own thread."""


class Provider:
    """What a test holds: it queues replies and reads what was asked.

    Attributes:
        root: The server.
        url: The base URL for clients of OpenAI's.
        exchanges: The requests so far, in order of arrival.
        author: Answers what no reply was queued for.
        by_model: What is answered to every request for a model, whatever was queued.
        responses: What is kept by the Responses API.
    """

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"
        self.exchanges: list[Exchange] = []
        self.author: Author = _written
        self.by_model: dict[str, Reply] = {}
        self.responses = Responses(partial(self._take, WIRES[COMPLETIONS]))
        self._queued: deque[Reply] = deque()
        self._arrivals: list[tuple[int, Signal]] = []
        self._closing = Signal()
        self._lock = Lock()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The JSON of each request."""
        return [exchange.body for exchange in self.exchanges]

    def queue(self, *answers: Reply | str) -> None:
        """Queue replies for the next requests; a string is streamed in three pieces."""
        self._queued.extend(replies.text(each, pieces=3) if isinstance(each, str) else each for each in answers)

    async def asked(self, times: int) -> None:
        """Wait until so many requests have arrived."""
        arrival = Signal()
        with self._lock:
            self._arrivals.append((times, arrival))
            self._ring()
        await arrival.wait()

    def reset(self) -> None:
        """Forget requests and replies, and end those that hang."""
        with self._lock:
            self._closing.set()
            self._closing = Signal()
            self.exchanges = []
            self.author = _written
            self.by_model = {}
            self.responses.reset()
            self._queued.clear()

    async def answer(self, wire: Wire, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, until the caller goes away."""
        request = Request(scope, receive)
        body = wire.asked(request.url.path, await request.json())
        exchange, closing = self._take(wire, body, dict(request.headers), scope["client"])
        answering = asyncio.create_task(_answer(exchange, closing, send))
        leaving = asyncio.create_task(_left(receive))
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            exchange.left.set()
            answering.cancel()
        leaving.cancel()
        failures = await asyncio.gather(answering, leaving, return_exceptions=True)
        if isinstance(failures[0], ConnectionAbortedError):
            raise failures[0]  # the server breaks the connection of an application that fails

    def _take(
        self, wire: Wire, body: dict[str, Any], headers: dict[str, str], peer: tuple[str, int]
    ) -> tuple[Exchange, Signal]:
        prompt = wire.prompt(body)
        with self._lock:
            named = self.by_model.get(str(body.get("model")))
            reply = named or (self._queued.popleft() if self._queued else self.author(prompt))
            exchange = Exchange(wire=wire, body=body, prompt=prompt, headers=headers, peer=peer, reply=reply)
            self.exchanges.append(exchange)
            self._ring()
            return exchange, self._closing

    def _ring(self) -> None:
        for times, arrival in self._arrivals:
            if len(self.exchanges) >= times:
                arrival.set()


@dataclass(frozen=True, slots=True)
class _Answering:
    """A provider on one wire, as an application."""

    provider: Provider
    wire: Wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.provider.answer(self.wire, scope, receive, send)


def _written(prompt: list[str]) -> Reply:
    return replies.text(writer.write(prompt), pieces=3)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(exchange: Exchange, closing: Signal, send: Send) -> None:
    reply, wire = exchange.reply, exchange.wire
    if reply.fault == "hang_before_headers":
        await closing.wait()
    streamed = bool(exchange.body.get("stream")) and reply.status == 200
    kind = wire.media if streamed else "application/json"
    headers = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
    headers.append((b"content-type", kind.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if streamed:
        async for event in replies.events(wire, reply, exchange.body, closing):
            await send({"type": "http.response.body", "body": event, "more_body": True})
        body = b""
    elif reply.status == 200:
        body = wire.whole(reply, exchange.body)
    else:
        body = wire.refused(reply, "".join(exchange.headers.get(name, "") for name in KEYS))
    await send({"type": "http.response.body", "body": body})
    exchange.answered.set()


def _listening() -> socket.socket:
    """Listen on a free port; naming the protocol is what makes asyncio send each piece at once (no Nagle, 40 ms)."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def _server(provider: Provider) -> uvicorn.Server:
    routes = [Route(path, _Answering(provider, wire), methods=["POST"]) for path, wire in WIRES.items()]
    routes += [
        Route("/v1/responses", provider.responses, methods=["POST"]),
        Route("/v1/responses/{response}", provider.responses, methods=["GET", "DELETE"]),
    ]
    app = Starlette(routes=routes)
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, log_level="critical", loop="asyncio")
    return uvicorn.Server(config)


@contextmanager
def serving() -> Generator[Provider]:
    """Serve in a thread of its own, so that a test's blocked event loop does not block its provider."""
    listening = _listening()
    provider = Provider(listening.getsockname()[1])
    server = _server(provider)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="loopback provider")
    thread.start()
    try:
        yield provider
    finally:
        provider.reset()
        server.should_exit = True
        thread.join()


def main() -> None:
    """Serve until a signal ends the process; the port is in the file, and on stdout, once requests are taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port")
    port_file: Path = parser.parse_args().port_file
    listening = _listening()
    port = listening.getsockname()[1]
    unfinished = port_file.with_suffix(".unfinished")
    unfinished.write_text(str(port))
    unfinished.rename(port_file)  # whoever waits for the file never reads half of it
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    _server(Provider(port)).run(sockets=[listening])


if __name__ == "__main__":
    main()
