"""FastMCP's private parts that the adapter relies on: a release that moves them fails here, not in a user's hands."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import mcp_types as mt
import pytest
from fastmcp import Client, FastMCP
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool
from fastmcp.utilities.tests import asgi_client

from middleware.fastmcp_adapter import skip_schema_lookups

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


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
