"""What the loopback provider can answer: a text in pieces, a refusal, or one of the ways in which providers break.

A reply is a value; how it goes over the wire, in OpenAI's chat-completions format, is here too. Serving it is
``server``'s work.
"""

import json
import time
from asyncio import shield, sleep, wait_for, wrap_future
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

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
        finish: Why it stopped.
        usage: Token counts; None counts words.
        status: Of HTTP; other than 200, all above is void.
        headers: Of HTTP.
        fault: How it breaks, after the pieces if it has come so far.
        gate: Waited for after the first piece.
        seconds: How long a streamed answer takes, evenly over its pieces.
    """

    pieces: tuple[str, ...] = ()
    model: str | None = None
    finish: str | None = "stop"
    usage: Mapping[str, Any] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
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


def refusal(status: int, *, retry_after: str | None = None) -> Reply:
    """Refuse with a status."""
    return Reply(status=status, headers={} if retry_after is None else {"Retry-After": retry_after})


def broken(fault: Fault, *, words: str = "one two three", pieces: int = 2) -> Reply:
    """Begin to answer and break."""
    return text(words, pieces=pieces, fault=fault)


def error_body(reply: Reply, authorization: str) -> bytes:
    """Say what a provider says when it refuses; it is careless enough to repeat the key."""
    message = f"Refused with {reply.status} for {authorization}"
    return json.dumps({"error": {"message": message, "type": "refused", "code": None}}).encode()


def whole(reply: Reply, asked: Mapping[str, Any]) -> bytes:
    """Give the answer to a request without streaming."""
    if reply.fault == "broken_json":
        return b'{"choices": [{'
    message = {"role": "assistant", "content": reply.words}
    choices = [] if reply.fault == "no_choices" else [{"index": 0, "message": message, "finish_reason": reply.finish}]
    return json.dumps(_frame(reply, asked, "chat.completion", choices) | {"usage": _usage(reply, asked)}).encode()


async def events(reply: Reply, asked: Mapping[str, Any], closing: Signal) -> AsyncIterator[bytes]:
    """Give the events of a streamed answer; one that hangs ends when the server closes.

    Raises:
        ConnectionAbortedError: The connection is to be broken.
    """
    if reply.fault == "hang_after_headers":
        await closing.wait()
        return
    for number, piece in enumerate(reply.pieces):
        if number == 1 and reply.gate is not None:
            await reply.gate.wait()
        if reply.seconds:
            await sleep(reply.seconds / len(reply.pieces))
        yield _delta(reply, asked, piece)
    await _interrupt(reply.fault, closing, hang="hang_mid_stream", cut="cut")
    for event in _ending(reply, asked):
        yield event
    await _interrupt(reply.fault, closing, hang="hang_after_finish", cut="cut_after_finish")


async def _interrupt(fault: Fault | None, closing: Signal, *, hang: Fault, cut: Fault) -> None:
    """Hang or break the connection, if the fault is to strike here."""
    if fault == hang:
        await closing.wait()
    if fault == cut:
        raise ConnectionAbortedError


def _ending(reply: Reply, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Give what comes behind the pieces, or what breaks the stream there."""
    finish = _delta(reply, asked, "", finish=reply.finish)
    match reply.fault:
        case "broken_json":
            yield b'data: {"choices": [{\n\n'
        case "error_event":
            yield _event({"error": {"message": "overloaded", "type": "server_error"}})
        case "hang_mid_stream" | "ended_early":
            return
        case "hang_after_finish" | "cut_after_finish":
            yield finish
        case _:
            yield finish
            options: dict[str, Any] = asked.get("stream_options") or {}
            if options.get("include_usage"):
                yield _event(_frame(reply, asked, "chat.completion.chunk", []) | {"usage": _usage(reply, asked)})
            yield b"data: [DONE]\n\n"


def _delta(reply: Reply, asked: Mapping[str, Any], piece: str, *, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": finish}
    choices = [] if reply.fault == "no_choices" else [choice]
    return _event(_frame(reply, asked, "chat.completion.chunk", choices))


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _frame(reply: Reply, asked: Mapping[str, Any], kind: str, choices: list[Any]) -> dict[str, Any]:
    model = reply.model or asked.get("model")
    return {"id": "chatcmpl-loopback", "object": kind, "created": 1, "model": model, "choices": choices}


def _usage(reply: Reply, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    if reply.usage is not None:
        return reply.usage
    read = sum(len(str(message["content"]).split()) for message in asked["messages"])
    wrote = len(reply.words.split())
    return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
