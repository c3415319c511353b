"""How many HTTP requests one owner may make in a minute, and how many connections of legacy clients they may open.

What a page of sessions asks for is counted apart, so that watching takes nothing from whoever is watched. It stands
behind the check of tokens and before the protocol, which keeps something of each legacy client that comes.
"""

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from middleware.authentication import owner_of
from middleware.paces import Paces

TOO_MANY = 429
LOOKING = "/data/"
"""Where a page asks for what it shows."""
OPENINGS = 10
"""Of so many requests one may open a connection of a legacy client; each is kept for half an hour."""


class HttpPace:
    """Answers an owner who makes too many requests with status 429."""

    def __init__(self, app: ASGIApp, *, per_minute: int, stateless: bool) -> None:
        """Take what answers, how many requests there may be in a minute, and whether connections are kept at all."""
        self._app = app
        self._requests = Paces(per_minute)
        self._looks = Paces(per_minute)
        self._openings = None if stateless else Paces(max(1, per_minute // OPENINGS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request of somebody whose token is valid."""
        token = getattr(scope.get("user"), "access_token", None)
        if scope["type"] == "http" and token is not None:
            owner, headers = owner_of(token), HTTPConnection(scope).headers
            opens = scope["method"] == "POST" and "mcp-session-id" not in headers and "mcp-method" not in headers
            looks = scope["path"].startswith(LOOKING)
            seconds = (self._looks if looks else self._requests).wait(owner)
            if not seconds and opens and self._openings is not None:
                seconds = self._openings.wait(owner)
            if seconds:
                said = "You make more requests than this server takes from one owner."
                error = {"code": -32000, "message": f"{said} Wait {seconds} s."}
                body = {"jsonrpc": "2.0", "id": None, "error": error}
                refused = JSONResponse(body, status_code=TOO_MANY, headers={"Retry-After": str(seconds)})
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
