"""The page as a whole: its addresses for a server that has others too, or an application that serves it alone.

Whose data a request may see is handed in: a server asks its tokens, ``inspector_access`` the one that it was given.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from hmac import compare_digest

from fastmcp import FastMCP
from fastmcp.server.http import HostOriginGuardMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.changes import Changes
from pages.data import Access, Data
from pages.files import Files
from sessions.inspecting import Inspecting
from sessions.news_exchange import NewsExchange
from sessions.reading import Reading

Answer = Callable[[Request], Awaitable[Response]]
SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Page:
    """What answers each of its addresses.

    Attributes:
        changes: What pages wait for, to be let go of when the program ends.
    """

    changes: Changes
    answers: dict[str, Answer]

    @classmethod
    def of(cls, reading: Reading, news: NewsExchange, access: Access, at_once: int) -> "Page":
        """Make it.

        Args:
            reading: Where sessions are read.
            news: What changes.
            access: Says whose data a request may see.
            at_once: How many reads one owner may have under way.
        """
        desk, files = reading.calls.desk, Files()
        changes = Changes(desk.sessions, news)
        data = Data(
            reading=reading,
            inspecting=Inspecting(reading=reading),
            changes=changes,
            access=access,
            at_once=at_once,
        )
        return cls(changes, {"/": files.document, "/static/{name}": files.file} | data.routes())

    def register(self, mcp: FastMCP) -> None:
        """Serve it beside MCP."""
        for path, answer in self.answers.items():
            mcp.custom_route(path, methods=["GET"])(answer)

    def alone(self, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]) -> Starlette:
        """Serve it and nothing else, to this machine."""
        routes = [Route(path, answer, methods=["GET"]) for path, answer in self.answers.items()]
        guard = Middleware(HostOriginGuardMiddleware, mode="strict")
        return Starlette(routes=routes, middleware=[guard], lifespan=lifespan)


def inspector_access(token: str, owner: str) -> Access:
    """Let in whoever shows a token, as an owner."""

    def access(request: Request) -> str | None:
        given = request.headers.get("authorization", "")
        shown = given[len(SCHEME) :] if given.lower().startswith(SCHEME) else ""
        return owner if compare_digest(shown.encode(), token.encode()) else None

    return access
