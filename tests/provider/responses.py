"""The loopback provider's Responses API: it keeps what it wrote, goes on from there, gives it back and deletes it.

Which replies it gives, and the record of what it was asked, are ``server``'s; here is how they go over this wire, with
the events and errors that OpenAI's reference documents.
"""

import json
from asyncio import FIRST_COMPLETED, create_task, gather, wait
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.provider.exchange import Exchange
from tests.provider.replies import Reply, Signal

Message = dict[str, Any]
Body = dict[str, Any]
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Responses:
    """What the API has and does.

    Attributes:
        kept: By id, the whole conversation that a response ends, its answer included.
        deleted: The ids of those that were deleted, in order.
        deletions: The ids that were to be deleted, in order, whatever came of it.
        there: Whether the server has the API at all.
        keeps: Whether it keeps anything; one that does not ignores what it is to go on from.
        deleting: The status of its answer to a deletion; ``None`` if it hangs.
        asked_to_delete: Set once it was asked to delete anything.
    """

    def __init__(self, take: Callable[[Body, dict[str, str], tuple[str, int]], tuple[Exchange, Signal]]) -> None:
        self._take = take
        self.kept: dict[str, list[Message]] = {}
        self._count = 0
        self.reset()

    def reset(self) -> None:
        """Begin anew; ids go on, so that none ever means two responses."""
        self.forget()
        self.deleted: list[str] = []
        self.deletions: list[str] = []
        self.there = self.keeps = True
        self.deleting: int | None = 200
        self.asked_to_delete = Signal()

    def forget(self) -> None:
        """Lose everything, as a provider does after its time."""
        self.kept.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a question, or what is asked of a response."""
        answer = self._one if scope["path_params"] else self._create
        await answer(scope, receive, send)

    async def _create(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a question, until the caller goes away."""
        request = Request(scope, receive)
        asked: Body = await request.json()
        refused = self._refused(asked)
        if refused is not None:
            await refused(scope, receive, send)
            return
        before = self.kept.get(asked.get("previous_response_id") or "", [])
        messages = [*before, *asked["input"]]
        instructions = [{"role": "system", "content": asked["instructions"]}] if asked.get("instructions") else []
        exchange, closing = self._take(
            asked | {"messages": [*instructions, *messages]}, dict(request.headers), scope["client"]
        )
        answering = create_task(self._answer(exchange, messages, closing, send))
        leaving = create_task(_left(receive))
        await wait({answering, leaving}, return_when=FIRST_COMPLETED)
        if not answering.done():
            exchange.left.set()
            answering.cancel()
        leaving.cancel()
        failures = await gather(answering, leaving, return_exceptions=True)
        if isinstance(failures[0], ConnectionAbortedError):
            raise failures[0]

    async def _one(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a response that is kept, or delete it."""
        request = Request(scope, receive)
        response = request.path_params["response"]
        if request.method == "DELETE":
            self.deletions.append(response)
            self.asked_to_delete.set()
            if self.deleting is None:
                await _left(receive)
                return
            if self.deleting != 200:
                await _error(self.deleting, "server_error", None)(scope, receive, send)
                return
        if response not in self.kept:
            await _error(404, None, None)(scope, receive, send)
            return
        body: Body = {"id": response, "object": "response", "output": [], "status": "completed"}
        if request.method == "DELETE":
            self.deleted.append(response)
            del self.kept[response]
            body = {"id": response, "object": "response", "deleted": True}
        await JSONResponse(body)(scope, receive, send)

    def _refused(self, asked: Body) -> JSONResponse | None:
        if not self.there:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        before = asked.get("previous_response_id")
        if before is not None and self.keeps and before not in self.kept:
            return _error(400, "previous_response_not_found", "previous_response_id")
        return None

    async def _answer(self, exchange: Exchange, messages: list[Message], closing: Signal, send: Send) -> None:
        reply = exchange.reply
        if reply.fault == "hang_before_headers":
            await closing.wait()
        kind = b"text/event-stream" if reply.status == 200 else b"application/json"
        headers = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        headers.append((b"content-type", kind))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.status != 200:
            body = exchange.wire.refused(reply, exchange.headers.get("authorization", ""))
            await send({"type": "http.response.body", "body": body})
        else:
            self._count += 1
            response = f"resp_{self._count:04d}loopback"
            if self.keeps and exchange.body.get("store", True):  # before its end is told: the next question may be fast
                self.kept[response] = [*messages, {"role": "assistant", "content": reply.words}]
            async for event in self._events(reply, exchange.body, response, closing):
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        exchange.answered.set()

    async def _events(self, reply: Reply, asked: Body, response: str, closing: Signal) -> AsyncIterator[bytes]:
        about = _response(reply, asked, response) | {"status": "in_progress"}
        if not self.keeps:
            about |= {"previous_response_id": None, "store": False}
        yield _event("response.created", response=about)
        async for event in _pieces(reply):
            yield event
        match reply.fault:
            case "hang_mid_stream":
                await closing.wait()
            case "cut":
                raise ConnectionAbortedError
            case "broken_json":
                yield b'event: response.completed\ndata: {"type": \n\n'
            case "error_event":
                yield _event("error", code="server_error", message="overloaded", param=None)
            case "ended_early":
                pass
            case _:
                yield _end(reply, about, [str(message["content"]) for message in asked["messages"]])


async def _pieces(reply: Reply) -> AsyncIterator[bytes]:
    place: Body = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    part = "refusal" if reply.finish == "refusal" else "output_text"
    for number, piece in enumerate(reply.pieces):
        if number == 1 and reply.gate is not None:
            await reply.gate.wait()
        yield _event(f"response.{part}.delta", delta=piece, **place)
    if part == "refusal":
        yield _event("response.refusal.done", refusal=reply.words, **place)


def _end(reply: Reply, about: Body, prompt: list[str]) -> bytes:
    if reply.finish == "failed":
        error = {"code": "rate_limit_exceeded", "message": "too many"}
        return _event("response.failed", response=about | {"status": "failed", "error": error})
    read = sum(len(text.split()) for text in prompt)
    wrote = len(reply.words.split())
    counted: Mapping[str, Any] = {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + wrote,
    }
    about |= {"usage": reply.usage or counted}
    reason = INCOMPLETE.get(reply.finish or "")
    if reason or reply.finish == "stopped_somehow":
        details = {"reason": reason} if reason else None
        return _event("response.incomplete", response=about | {"status": "incomplete", "incomplete_details": details})
    content: Body = {"type": "output_text", "text": reply.words, "annotations": []}
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [content]}]
    return _event("response.completed", response=about | {"status": "completed", "output": output})


def _response(reply: Reply, asked: Body, response: str) -> Body:
    return {
        "id": response,
        "object": "response",
        "created_at": 1,
        "model": reply.model or asked.get("model"),
        "output": [],
        "previous_response_id": asked.get("previous_response_id"),
        "store": asked.get("store", True),
        "error": None,
        "incomplete_details": None,
        "usage": None,
    }


def _event(kind: str, **body: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': 0, **body})}\n\n".encode()


def _error(status: int, code: str | None, param: str | None) -> JSONResponse:
    error = {"message": "No such response.", "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status_code=status)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
