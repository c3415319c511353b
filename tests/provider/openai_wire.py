"""OpenAI's chat completions: server-sent events, and what stands in them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.provider.replies import Reply


class OpenAIWire:
    media = "text/event-stream"

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        del path
        return body

    def prompt(self, asked: Mapping[str, Any]) -> list[str]:
        return [str(message["content"]) for message in asked["messages"]]

    def whole(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        if reply.fault == "broken_json":
            return b'{"choices": [{'
        message = {"role": "assistant", "content": reply.words} | _called(reply)
        choice = {"index": 0, "message": message, "finish_reason": reply.finish}
        choices = [] if reply.fault == "no_choices" else [choice]
        return json.dumps(_frame(reply, asked, "chat.completion", choices) | {"usage": _usage(reply, asked)}).encode()

    def refused(self, reply: Reply, key: str) -> bytes:
        message = f"Refused with {reply.status} for {key}"
        return json.dumps({"error": {"message": message, "type": "refused", "code": None}}).encode()

    def begin(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        del reply, asked
        return b""

    def piece(self, reply: Reply, asked: Mapping[str, Any], words: str) -> bytes:
        return _delta(reply, asked, {"content": words})

    def finish(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        called = b"" if reply.tool is None else _delta(reply, asked, _called(reply))
        return called + _delta(reply, asked, {"content": ""}, finish=reply.finish)

    def end(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        options: dict[str, Any] = asked.get("stream_options") or {}
        usage = _frame(reply, asked, "chat.completion.chunk", []) | {"usage": _usage(reply, asked)}
        return (_event(usage) if options.get("include_usage") else b"") + b"data: [DONE]\n\n"

    def fails(self) -> bytes:
        return _event({"error": {"message": "overloaded", "type": "server_error"}})

    def garbles(self) -> bytes:
        return b'data: {"choices": [{\n\n'


def _called(reply: Reply) -> dict[str, Any]:
    calls = [
        {
            "index": index,
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": reply.tool, "arguments": given},
        }
        for index, given in enumerate(reply.arguments)
    ]
    return {} if reply.tool is None else {"tool_calls": calls}


def _delta(reply: Reply, asked: Mapping[str, Any], said: Mapping[str, Any], *, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", **said}, "finish_reason": finish}
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
