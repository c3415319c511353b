"""Anthropic's Messages API: its named server-sent events, and what stands in them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.provider.replies import Reply

FINISH = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}


class AnthropicWire:
    media = "text/event-stream"

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        del path
        return body

    def prompt(self, asked: Mapping[str, Any]) -> list[str]:
        system = asked.get("system")
        told = [] if system is None else [_text(system)]
        return told + [_text(message["content"]) for message in asked["messages"]]

    def whole(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        if reply.fault == "broken_json":
            return b'{"content": [{'
        text: list[dict[str, Any]] = [{"type": "text", "text": reply.words}] if reply.words else []
        content = text + [called | {"input": json.loads(given)} for called, given in _called(reply)]
        usage = _usage(reply, self.prompt(asked))
        return json.dumps(_message(reply, asked) | {"content": content, "usage": usage, **_stopped(reply)}).encode()

    def refused(self, reply: Reply, key: str) -> bytes:
        kind = {429: "rate_limit_error", 529: "overloaded_error"}.get(reply.status, "api_error")
        error = {"type": kind, "message": f"Refused with {reply.status} for {key}"}
        return json.dumps({"type": "error", "error": error}).encode()

    def begin(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        started = _message(reply, asked) | {"usage": {"input_tokens": 1, "output_tokens": 1}}
        block = {"index": 0, "content_block": {"type": "text", "text": ""}}
        return _event("message_start", message=started) + _event("content_block_start", **block) + _event("ping")

    def piece(self, reply: Reply, asked: Mapping[str, Any], words: str) -> bytes:
        del reply, asked
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": words})

    def finish(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        called = b""
        for index, (block, given) in enumerate(_called(reply), start=1):
            called += _event("content_block_start", index=index, content_block=block)
            delta: Any = {"type": "input_json_delta", "partial_json": given}
            called += _event("content_block_delta", index=index, delta=delta)
            called += _event("content_block_stop", index=index)
        usage = _usage(reply, self.prompt(asked))
        stopped = _event("message_delta", delta=_stopped(reply), usage=usage)
        return _event("content_block_stop", index=0) + called + stopped

    def end(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        del reply, asked
        return _event("message_stop")

    def fails(self) -> bytes:
        return _event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def garbles(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, "delta": {\n\n'


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(str(block.get("text", "")) for block in content)


def _event(kind: str, **body: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n".encode()


def _message(reply: Reply, asked: Mapping[str, Any]) -> dict[str, Any]:
    model = reply.model or asked["model"]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _called(reply: Reply) -> list[tuple[dict[str, Any], str]]:
    """Give each call as a block without what it is called with, and that as JSON."""
    block: dict[str, Any] = {"type": "tool_use", "name": reply.tool, "input": {}}
    given = enumerate(reply.arguments if reply.tool is not None else (), start=1)
    return [(block | {"id": f"toolu_{index}"}, text) for index, text in given]


def _stopped(reply: Reply) -> dict[str, Any]:
    return {"stop_reason": FINISH.get(reply.finish or "", reply.finish), "stop_sequence": None}


def _usage(reply: Reply, prompt: list[str]) -> Mapping[str, Any]:
    if reply.usage is not None:
        return reply.usage
    return {"input_tokens": sum(len(text.split()) for text in prompt), "output_tokens": len(reply.words.split())}
