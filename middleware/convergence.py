"""What was learned of loops, left in the state of each request for one: under ``session_intelligence``.

It never fails a call and never slows one down: it reads memory, and what goes wrong is told in the log. Learning itself
goes on beside the calls, in ``sessions.learning``; what of it a caller is told is the tools' work.
"""

import logging
from collections.abc import Callable
from typing import Any

import mcp_types as mt
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult

from sessions import intelligence
from sessions.intelligence import LOOPS, STATE
from sessions.sessions import Sessions

log = logging.getLogger("companions.learning")


class Convergence(Middleware):
    """Lets each step know how loops like its own went."""

    def __init__(self, *, sessions: Sessions, owner: Callable[[], str]) -> None:
        """Take the sessions, and who calls."""
        self._sessions = sessions
        self._owner = owner

    async def on_call_tool(
        self, context: MiddlewareContext[mt.CallToolRequestParams], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """Leave what is known in the request's state, and go on."""
        if context.message.name in LOOPS and context.fastmcp_context is not None:
            # Also if it is nothing: whoever asks for it would otherwise be sent to the store of protocol sessions.
            await context.fastmcp_context.set_state(STATE, self._known(context.message), serializable=False)
        return await call_next(context)

    def _known(self, call: mt.CallToolRequestParams) -> intelligence.Body | None:
        try:
            return intelligence.before(self._sessions, self._owner(), call.name, call.arguments or {})
        except Exception:
            log.exception("what was learned could not be said of a call for %s", call.name)
            return None
