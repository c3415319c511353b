"""Ollama's ``/api/chat``: one JSON object a line, the last of them with the counts."""

import json
from collections.abc import Mapping
from typing import Any

from tests.provider.replies import Reply


class OllamaWire:
    media = "application/x-ndjson"

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        del path
        return {"stream": True} | body  # unlike others, it streams unless told not to

    def prompt(self, asked: Mapping[str, Any]) -> list[str]:
        return [str(message.get("content", "")) for message in asked["messages"]]

    def whole(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        if reply.fault == "broken_json":
            return b'{"model": {'
        return _line(reply, asked, {"content": reply.words}, **self._done(reply, asked))

    def refused(self, reply: Reply, key: str) -> bytes:
        return json.dumps({"error": f"Refused with {reply.status} for {key}"}).encode()

    def begin(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        del reply, asked
        return b""

    def piece(self, reply: Reply, asked: Mapping[str, Any], words: str) -> bytes:
        return _line(reply, asked, {"content": words}, done=False)

    def finish(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        calls = [{"function": {"name": reply.tool, "arguments": json.loads(given)}} for given in reply.arguments]
        called = {"content": "", "tool_calls": calls}
        before = b"" if reply.tool is None else _line(reply, asked, called, done=False)
        return before + _line(reply, asked, {"content": ""}, **self._done(reply, asked))

    def end(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        del reply, asked
        return b""

    def fails(self) -> bytes:
        return b'{"error": "an error was encountered while running the model"}\n'

    def garbles(self) -> bytes:
        return b'{"model": {\n'

    def _done(self, reply: Reply, asked: Mapping[str, Any]) -> dict[str, Any]:
        read = sum(len(text.split()) for text in self.prompt(asked))
        counted = {"prompt_eval_count": read, "eval_count": len(reply.words.split())}
        finish = "stop" if reply.finish == "tool_calls" else reply.finish
        return {"done": True, "done_reason": finish, "total_duration": 1, **(reply.usage or counted)}


def _line(reply: Reply, asked: Mapping[str, Any], message: Mapping[str, Any], **more: Any) -> bytes:
    told = {"model": reply.model or asked["model"], "created_at": "2026-01-01T00:00:00Z"}
    return json.dumps(told | {"message": {"role": "assistant", **message}} | more).encode() + b"\n"
