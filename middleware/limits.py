"""Limits that protect the process from one caller: how much at once, and how large a call.

Limits of single texts are the companions' own; here is only what no step would see.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import mcp_types as mt
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult

from companions.errors import InputError

OWN_LIMIT = "attachments"
"""The argument that is not counted, also where it is sent as a JSON string: attachments have a limit of their own."""


class Limits(Middleware):
    """Bounds each owner's calls at one time, and the size of a call's arguments."""

    def __init__(self, *, owner: Callable[[], str], at_once: int, characters: int) -> None:
        """Take who calls, how many calls one owner may have under way, and how many characters a call may carry."""
        self._owner = owner
        self._at_once = at_once
        self._characters = characters
        self._under_way: Counter[str] = Counter()

    async def on_call_tool(
        self, context: MiddlewareContext[mt.CallToolRequestParams], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """Refuse a call over a limit before anything is done for it."""
        given = (context.message.arguments or {}).items()
        size = sum(len(value) for name, value in given if isinstance(value, str) and name != OWN_LIMIT)
        if size > self._characters:
            raise InputError(
                f"The call carries {size:,} characters; the limit is {self._characters:,}.", "Send less at once."
            )
        owner = self._owner()
        if self._under_way[owner] >= self._at_once:
            raise InputError(
                f"{self._at_once} calls of yours are under way already.", "Wait for one to end, then call again."
            )
        self._under_way[owner] += 1
        try:
            return await call_next(context)
        finally:
            self._under_way[owner] -= 1
            if not self._under_way[owner]:
                del self._under_way[owner]
