"""Google's Gemini API: ``generateContent`` and ``streamGenerateContent``, and what stands in their answers."""

import json
from collections.abc import Mapping
from typing import Any

from tests.provider.replies import Reply

SIGNATURE = "c2lnbmVkIHRob3VnaHQ="
"""What newer models sign a call with, in base64; they refuse a history that lacks it."""
FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "tool_calls": "STOP"}


class GoogleWire:
    media = "text/event-stream"

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        model, _, method = path.rpartition("/")[2].partition(":")
        return body | {"model": model, "stream": method == "streamGenerateContent"}

    def prompt(self, asked: Mapping[str, Any]) -> list[str]:
        system = asked.get("systemInstruction")
        contents = ([] if system is None else [system]) + asked["contents"]
        return ["".join(str(part.get("text", "")) for part in content["parts"]) for content in contents]

    def whole(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        if reply.fault == "broken_json":
            return b'{"candidates": [{'
        parts = [{"text": reply.words}, *_called(reply)]
        return json.dumps(self._frame(reply, asked, parts, finish=reply.finish)).encode()

    def refused(self, reply: Reply, key: str) -> bytes:
        message = f"Refused with {reply.status} for {key}"
        error = {"code": reply.status, "message": message, "status": "REFUSED", "details": reply.details}
        return json.dumps({"error": error}).encode()

    def begin(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        del reply, asked
        return b""

    def piece(self, reply: Reply, asked: Mapping[str, Any], words: str) -> bytes:
        return _event(self._frame(reply, asked, [{"text": words}]))

    def finish(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        if reply.fault == "no_choices":
            blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
            return _event({"modelVersion": asked["model"], **blocked})
        parts = _called(reply) or [{"text": ""}]
        return _event(self._frame(reply, asked, parts, finish=reply.finish))

    def end(self, reply: Reply, asked: Mapping[str, Any]) -> bytes:
        del reply, asked
        return b""

    def fails(self) -> bytes:
        return _event({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})

    def garbles(self) -> bytes:
        return b'data: {"candidates": [{\n\n'

    def _frame(
        self, reply: Reply, asked: Mapping[str, Any], parts: list[Any], *, finish: str | None = None
    ) -> dict[str, Any]:
        candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
        if finish is not None:
            candidate |= {"finishReason": FINISH.get(finish, finish)}
        return {
            "candidates": [candidate],
            "modelVersion": reply.model or asked["model"],
            "usageMetadata": _usage(reply, self.prompt(asked)),
        }


def _called(reply: Reply) -> list[dict[str, Any]]:
    calls = [{"name": reply.tool, "args": json.loads(given)} for given in reply.arguments]
    return [{"functionCall": call, "thoughtSignature": SIGNATURE} for call in calls] if reply.tool is not None else []


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\r\n\r\n"


def _usage(reply: Reply, prompt: list[str]) -> Mapping[str, Any]:
    """Count what has been read and written in all, as each event tells it."""
    if reply.usage is not None:
        return reply.usage
    read, wrote = sum(len(text.split()) for text in prompt), len(reply.words.split())
    return {"promptTokenCount": read, "candidatesTokenCount": wrote, "totalTokenCount": read + wrote}
