"""What is said of an HTTP body that is no message: one sentence of ours, where the protocol's library quotes another's.

It looks at refusals alone and leaves their status and code as they are.
"""

import json
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BAD_REQUEST = 400
QUOTING = ("Parse error: ", "Validation error: ")
"""How the library begins a message that goes on with another library's exception."""
SAID = "The body is not a JSON-RPC message."


class RefusedBodies:
    """Words refusals anew on their way out."""

    def __init__(self, app: ASGIApp) -> None:
        """Take what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and hold a refusal until it is whole."""
        started: Message | None = None
        body = b""

        async def sending(message: Message) -> None:
            nonlocal started, body
            if message["type"] == "http.response.start" and message["status"] == BAD_REQUEST:
                started = message
            elif started is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _send_worded(send, started, body)

        await self._app(scope, receive, sending)


async def _send_worded(send: Send, started: Message, body: bytes) -> None:
    said = _worded(body)
    headers = [(name, value) for name, value in started["headers"] if name.lower() != b"content-length"]
    await send({**started, "headers": [*headers, (b"content-length", str(len(said)).encode())]})
    await send({"type": "http.response.body", "body": said})


def _worded(body: bytes) -> bytes:
    """Give a refusal without what it quotes; one that quotes nothing as it is."""
    try:
        refusal: Any = json.loads(body)
    except ValueError:
        return body
    error: Any = cast("dict[str, Any]", refusal).get("error") if isinstance(refusal, dict) else None
    if not isinstance(error, dict) or not str(cast("dict[str, Any]", error).get("message")).startswith(QUOTING):
        return body
    return json.dumps(refusal | {"error": error | {"message": SAID}}, separators=(",", ":")).encode()
