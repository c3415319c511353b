"""What a token's scopes allow: ``read``, ``write`` and with it reading, ``admin`` and with it both.

Without authentication everything is allowed. Whose sessions may be read or written is no question of scopes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import mcp_types as mt
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import Tool, ToolResult

from companions.errors import ScopeError
from middleware.authentication import owner_of, present
from sessions.principals import shown

READ, WRITE, ADMIN = "read", "write", "admin"
ENOUGH: Mapping[str, frozenset[str]] = {
    READ: frozenset({READ, WRITE, ADMIN}),
    WRITE: frozenset({WRITE, ADMIN}),
    ADMIN: frozenset({ADMIN}),
}
"""By what is asked for, the scopes of which one is enough."""
SHARING = "share_session"
"""The tool that looks, accepts and leaves too, which is no more than reading; what else it does is writing."""
OPEN = frozenset({"initialize", "server/discover", "ping"})
"""What everyone with a valid token may ask."""


class Roles(Middleware):
    """Refuses what the caller's token is not for, and lists no tool that it would refuse."""

    async def on_request(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        """Ask for ``read`` before anything is looked up."""
        if context.method not in OPEN:
            _ask_for(READ)
        return await call_next(context)

    async def on_call_tool(
        self, context: MiddlewareContext[mt.CallToolRequestParams], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """Ask for ``write`` where a call may change more than the caller's own part in a session."""
        called = context.message
        if not _allowed(WRITE) and not _of_oneself(called) and context.fastmcp_context is not None:
            tool = await context.fastmcp_context.fastmcp.get_tool(called.name)
            if tool is not None and not _only_reads(tool):
                _ask_for(WRITE)
        return await call_next(context)

    async def on_list_tools(
        self, context: MiddlewareContext[mt.ListToolsRequest], call_next: CallNext[Any, Sequence[Tool]]
    ) -> Sequence[Tool]:
        """List what the caller may call."""
        listed = await call_next(context)
        return listed if _allowed(WRITE) else [each for each in listed if _only_reads(each) or each.name == SHARING]


def _only_reads(tool: Tool) -> bool:
    return tool.annotations is not None and bool(tool.annotations.read_only_hint)


def _of_oneself(called: mt.CallToolRequestParams) -> bool:
    """Tell whether a call tells who takes part in a session, accepts an invitation or leaves."""
    token, given = present(), called.arguments or {}
    if called.name != SHARING or token is None or given.get("role") is not None:
        return False
    caller = owner_of(token)
    return given.get("remove") in (None, caller, shown(caller, caller))


def may_read() -> bool:
    """Tell whether the present request's token allows reading."""
    return _allowed(READ)


def reading_owner() -> str | None:
    """Name the owner of a request beside the protocol that reads; ``None`` where no valid token came.

    Raises:
        ScopeError: The token is not for reading.
    """
    return _owner_with(READ)


def administrator() -> str | None:
    """Name whoever makes a request beside the protocol that is for administrators; ``None`` without a valid token.

    Raises:
        ScopeError: The token is not an administrator's.
    """
    return _owner_with(ADMIN)


def _owner_with(scope: str) -> str | None:
    token = present()
    if token is None:
        return None
    _ask_for(scope)
    return owner_of(token)


def _allowed(scope: str) -> bool:
    token = present()
    return token is None or not ENOUGH[scope].isdisjoint(token.scopes)


def _ask_for(scope: str) -> None:
    if not _allowed(scope):
        raise ScopeError(f"Your access token lacks the scope {scope!r}.", "Ask for a token that has it.")
