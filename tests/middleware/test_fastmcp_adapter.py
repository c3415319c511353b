"""FastMCP's private parts that the adapter relies on: a release that moves them fails here, not in a user's hands."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import mcp_types as mt
import pytest
from fastmcp import Client, FastMCP
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool
from fastmcp.utilities.tests import asgi_client

from middleware.fastmcp_adapter import has_resource, notify_of_changes, skip_schema_lookups
from tests.wire.processes import ERAS, Era
from tests.wire.watching import LIST, watching

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


pytestmark = pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")


class Listings(Middleware):
    """Counts how often the tools are listed."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    async def on_list_tools(
        self, context: MiddlewareContext[mt.ListToolsRequest], call_next: CallNext[mt.ListToolsRequest, Sequence[Tool]]
    ) -> Sequence[Tool]:
        self.counted["tools"] += 1
        return await call_next(context)


async def listings_of_five_calls(*, skipped: bool) -> int:
    seen = Listings()
    mcp = FastMCP("adapted", middleware=[seen])

    async def echo(text: str) -> str:
        return text

    mcp.tool(echo)
    if skipped:
        skip_schema_lookups(mcp)
    over_http = cast("AbstractAsyncContextManager[Client[Any]]", asgi_client(mcp))
    async with over_http as client:
        for _ in range(5):
            await client.call_tool("echo", {"text": "one"})
    return seen.counted["tools"]


@pytest.mark.parametrize(("skipped", "fewer"), [(False, False), (True, True)])
async def test_a_modern_http_call_lists_all_tools_first_unless_that_is_skipped(*, skipped: bool, fewer: bool) -> None:
    assert (await listings_of_five_calls(skipped=skipped) < 5) is fewer


@dataclass(slots=True)
class Told:
    """A watcher that is told what a test puts in."""

    news: asyncio.Queue[str | Literal[True] | None] = field(default_factory=asyncio.Queue["str | Literal[True] | None"])


@dataclass(slots=True)
class Desk:
    """Where watchers come from, and go; anything may be watched."""

    watchers: list[Told] = field(default_factory=list[Told])
    left: list[Told] = field(default_factory=list[Told])
    watched: list[str] = field(default_factory=list[str])
    renewed: list[Told] = field(default_factory=list[Told])

    def join(self, *, listing: bool, stream: bool) -> Told:
        del listing, stream
        self.watchers.append(Told())
        return self.watchers[-1]

    def renew(self, watcher: Told) -> None:
        self.renewed.append(watcher)

    async def next(self, watcher: Told) -> str | Literal[True] | None:
        return await watcher.news.get()

    def leave(self, watcher: Told) -> None:
        self.left.append(watcher)

    async def watch(self, watcher: Told, uri: str) -> None:
        del watcher
        self.watched.append(uri)

    def unwatch(self, watcher: Told, uri: str) -> None:
        del watcher
        self.watched.remove(uri)

    async def watch_all(self, watcher: Told, uris: Sequence[str]) -> list[str]:
        del watcher
        self.watched += uris
        return [*uris]


def str_of(name: str) -> str:
    return name


def with_desk(*, may_hear: bool = True) -> tuple[FastMCP, Desk]:
    mcp, desk = FastMCP("adapted"), Desk()
    mcp.resource("test://known", name="known")(lambda: "known")
    mcp.resource("test://of/{name}", name="template")(str_of)
    mcp.tool(lambda: "so", name="echo")
    notify_of_changes(mcp, desk, may_hear=lambda: may_hear)
    return mcp, desk


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_is_told_of_what_it_watches_and_of_the_list_in_both_eras(era: Era) -> None:
    mcp, desk = with_desk()
    async with watching(mcp, era, ["test://known"]) as watched:
        assert watched.honored == desk.watched == ["test://known"]
        (told,) = desk.watchers
        told.news.put_nowait("test://known")
        told.news.put_nowait(True)
        await watched.until("test://known", LIST)
        if era == "legacy":
            await watched.client.session.unsubscribe_resource("test://known")
            assert desk.watched == []
        else:
            told.news.put_nowait(None)
            await watched.until_the_end()
    async with asyncio.timeout(30):
        while desk.left != [told]:  # noqa: ASYNC110 (a connection's end sets no event)
            await asyncio.sleep(0)


async def test_a_legacy_connection_whose_token_allows_no_reading_is_never_told_of_the_list() -> None:
    mcp, desk = with_desk(may_hear=False)
    async with watching(mcp, "legacy", []):
        assert desk.watchers == []


async def test_each_request_of_a_legacy_connection_renews_what_it_is_told() -> None:
    mcp, desk = with_desk()
    async with watching(mcp, "legacy", []) as watched:
        before = len(desk.renewed)
        await watched.client.call_tool("echo")
        (told,) = desk.watchers
        assert len(desk.renewed) > before
        assert all(renewed is told for renewed in desk.renewed)


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_says_that_it_tells_of_resources(era: Era) -> None:
    mcp, _ = with_desk()
    async with Client(mcp, mode=era) as client:
        said: Any = client.session.server_capabilities
    assert (said.resources.subscribe, said.resources.list_changed) == (True, True)
    assert said.tools.list_changed is (era == "legacy")  # FastMCP's own word, which its notifications keep


async def test_a_server_has_its_resources_and_what_its_templates_name() -> None:
    mcp, _ = with_desk()
    asked = ["test://known", "test://of/it", "test://other", "no address"]
    assert [await has_resource(mcp, uri) for uri in asked] == [True, True, False, False]
