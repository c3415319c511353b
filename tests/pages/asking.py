"""The page's addresses asked without a browser: the program's own application, in this process, on any store."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette

import server
from pages.page import Page, inspector_access
from sessions.news_exchange import NewsExchange
from sessions.reading import Reading
from tests.sessions.faults import OWNER, Process

BASE = "http://127.0.0.1:8000"
TOKEN = "a token of this run"  # noqa: S105 (nothing is behind it)
SHOWING = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def asked(app: Starlette, **headers: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Open an application for requests with these headers."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client,
    ):
        yield client


def application(wired: server.Wired) -> Starlette:
    """Make the application that ``companions serve --http`` serves, but for what stands around any server's."""
    return wired.server().http_app(path="/mcp", middleware=[*wired.paced()])


@asynccontextmanager
async def inspecting(process: Process, news: NewsExchange | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    """Open the page alone on a process's sessions, for requests that show the token."""
    page = Page.of(Reading(calls=process.calls), news or NewsExchange(), inspector_access(TOKEN, OWNER), 32)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        page.changes.open()
        yield
        page.changes.close()

    async with asked(page.alone(lifespan), **SHOWING) as client:
        yield client
