"""``/metrics``: numbers of this process for Prometheus, for whoever may have them.

What they are is made elsewhere, and so is the decision who asks; nothing here reads a store.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from companions.errors import ScopeError

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
UNAUTHENTICATED, FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraping:
    """Answers ``/metrics``.

    Attributes:
        numbers: Gives them as they are sent.
        asks: Names who asks; ``None`` where the request shows nobody. ``ScopeError`` refuses somebody.
    """

    numbers: Callable[[], bytes]
    asks: Callable[[], str | None]

    def register(self, mcp: FastMCP) -> None:
        """Serve it beside MCP."""
        mcp.custom_route("/metrics", methods=["GET"])(self.answer)

    async def answer(self, _: Request) -> Response:
        """Give the numbers, or say what is lacking."""
        try:
            if self.asks() is None:
                return PlainTextResponse(
                    "An access token with the scope 'admin' is needed, and none that is valid came.\n",
                    UNAUTHENTICATED,
                    {"WWW-Authenticate": "Bearer"},
                )
        except ScopeError as error:
            return PlainTextResponse(f"{error}\n", FORBIDDEN)
        return Response(self.numbers(), media_type=FORMAT, headers={"Cache-Control": "no-store"})
