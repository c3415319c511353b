"""What the loopback provider can answer: a text in pieces, a refusal, or one of the ways in which providers break.

A reply is a value, the same for every provider; how one writes it down is its wire's work, and serving it ``server``'s.
"""

import time
from asyncio import shield, sleep, wait_for, wrap_future
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Fault = Literal[
    "hang_before_headers",
    "hang_after_headers",
    "hang_mid_stream",
    "hang_after_finish",
    "cut",  # the connection breaks
    "cut_after_finish",
    "ended_early",  # the stream ends as if all were well, without a finish reason
    "broken_json",
    "error_event",
    "no_choices",
]
PATIENCE_SECONDS = 30


class Signal:
    """Something that happens once; set in one thread and waited for in the event loop of another."""

    def __init__(self) -> None:
        self._future: Future[float] = Future()

    @property
    def is_set(self) -> bool:
        return self._future.done()

    @property
    def at(self) -> float | None:
        """When it happened, by the monotonic clock; ``None`` before."""
        return self._future.result() if self._future.done() else None

    def set(self) -> None:
        if not self._future.done():
            self._future.set_result(time.monotonic())

    async def wait(self) -> None:
        """Wait for it; a wait that is cancelled leaves the signal to the others, and none is endless."""
        await wait_for(shield(wrap_future(self._future)), PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer.

    Attributes:
        pieces: The text as it is streamed; joined where no stream was asked for.
        model: The model that answered; None for the one that was asked.
        finish: Why it stopped: stop, length, content_filter or tool_calls, or a provider's own word.
        tool: The name of a tool that it calls behind its pieces.
        arguments: What it calls that with, as JSON: once for each.
        usage: Token counts, as the provider has them; None counts words.
        status: Of HTTP; other than 200, all above is void.
        headers: Of HTTP.
        details: What a refusal says beside its message, where the provider has a place for it.
        fault: How it breaks, after the pieces if it has come so far.
        gate: Waited for after the first piece.
        seconds: How long a streamed answer takes, evenly over its pieces.
    """

    pieces: tuple[str, ...] = ()
    model: str | None = None
    finish: str | None = "stop"
    tool: str | None = None
    arguments: tuple[str, ...] = ("{}",)
    usage: Mapping[str, Any] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    details: tuple[Mapping[str, Any], ...] = ()
    fault: Fault | None = None
    gate: Signal | None = None
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


def text(words: str, *, pieces: int = 1, **choices: Any) -> Reply:
    """Answer with words, cut into about as many pieces of equal length."""
    size = max(1, -(-len(words) // pieces))
    cut = tuple(words[start : start + size] for start in range(0, len(words), size))
    return Reply(pieces=cut, **choices)


def call(tool: str, *arguments: str, words: str = "", **choices: Any) -> Reply:
    """Call a tool, once with each of these arguments."""
    return text(words, tool=tool, arguments=arguments or ("{}",), finish="tool_calls", **choices)


def refusal(status: int, *, retry_after: str | None = None) -> Reply:
    """Refuse with a status."""
    return Reply(status=status, headers={} if retry_after is None else {"Retry-After": retry_after})


def broken(fault: Fault, *, words: str = "one two three", pieces: int = 2) -> Reply:
    """Begin to answer and break."""
    return text(words, pieces=pieces, fault=fault)


class Wire(Protocol):
    """How one provider asks and answers."""

    media: str
    """The type of a streamed answer."""

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Give a request as a JSON object with ``model`` and ``stream``, wherever the provider says so."""
        ...

    def prompt(self, asked: Mapping[str, Any]) -> list[str]:
        """Give the texts of a request's messages."""
        ...

    def whole(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        """Give the answer to a request without streaming."""
        ...

    def refused(self, reply: Reply, key: str) -> bytes:
        """Say what the provider says when it refuses; it is careless enough to repeat the key."""
        ...

    def begin(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        """Give what comes before the first piece."""
        ...

    def piece(self, reply: Reply, asked: Mapping[str, Any], words: str) -> bytes:
        """Give one piece."""
        ...

    def finish(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        """Give why it stopped, and the tool that it calls."""
        ...

    def end(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        """Give what comes behind that."""
        ...

    def fails(self) -> bytes:
        """Say in the middle of an answer that there will be no more of it."""
        ...

    def garbles(self) -> bytes:
        """Give an event that cannot be read."""
        ...


async def events(wire: Wire, reply: Reply, asked: Mapping[str, Any], closing: Signal) -> AsyncIterator[bytes]:
    """Give the events of a streamed answer; one that hangs ends when the server closes.

    Raises:
        ConnectionAbortedError: The connection is to be broken.
    """
    if reply.fault == "hang_after_headers":
        await closing.wait()
        return
    if begin := wire.begin(reply, asked):
        yield begin
    for number, words in enumerate(reply.pieces):
        if number == 1 and reply.gate is not None:
            await reply.gate.wait()
        if reply.seconds:
            await sleep(reply.seconds / len(reply.pieces))
        yield wire.piece(reply, asked, words)
    await _interrupt(reply.fault, closing, hang="hang_mid_stream", cut="cut")
    for event in _ending(wire, reply, asked):
        yield event
    await _interrupt(reply.fault, closing, hang="hang_after_finish", cut="cut_after_finish")


async def _interrupt(fault: Fault | None, closing: Signal, *, hang: Fault, cut: Fault) -> None:
    """Hang or break the connection, if the fault is to strike here."""
    if fault == hang:
        await closing.wait()
    if fault == cut:
        raise ConnectionAbortedError


def _ending(wire: Wire, reply: Reply, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Give what comes behind the pieces, or what breaks the stream there."""
    match reply.fault:
        case "broken_json":
            yield wire.garbles()
        case "error_event":
            yield wire.fails()
        case "hang_mid_stream" | "ended_early":
            return
        case "hang_after_finish" | "cut_after_finish":
            yield wire.finish(reply, asked)
        case _:
            yield wire.finish(reply, asked)
            if end := wire.end(reply, asked):
                yield end
