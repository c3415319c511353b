"""What becomes of whole sessions: forks, which begin as another session was, and forgetting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastmcp import FastMCP
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from companions.companion import Companion
from companions.next_step import next_step
from sessions.calls import DEFAULT_TYPE
from sessions.forking import fork
from sessions.session import Session
from sessions.sessions import Sessions
from tools.arguments import SessionId
from tools.replies import STANDS, links, next_line, told

FORKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
FORGETS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingTools:
    """What the tools are made with.

    Attributes:
        owner: Gives the principal of the present request.
    """

    sessions: Sessions
    owner: Callable[[], str]

    def register(self, mcp: FastMCP) -> None:
        """Add the tools to a server."""
        mcp.tool(self.fork_session, output_schema=None, annotations=FORKS)
        mcp.tool(self.forget_session, output_schema=None, annotations=FORGETS)

    async def fork_session(
        self,
        session_id: SessionId,
        at: Annotated[int | None, Field(ge=1, description="The newest seq to keep; default: all. Rewinds")] = None,
    ) -> ToolResult:
        """Begin a new session from where another one is, or was at a seq; the other stays as it is."""
        made = await fork(self.sessions, self.owner(), session_id, at)
        companion = await made.look(made.last_type or DEFAULT_TYPE)
        coming = _next(made, companion)
        body = {
            "session_id": made.session_id,
            "parent": {"session_id": session_id, "at": made.opening.base},
            "title": made.title,
            "companion_type": companion.companion_type,
            "phase": companion.phase,
            "next": coming,
            "links": links(made.session_id, companion.companion_type),
        }
        prose = (
            f"Session {made.session_id} begins as session {session_id} was at entry {made.opening.base}: "
            f"companion {companion.companion_type}, phase {companion.phase}.\n{next_line(coming)}"
        )
        return told(body, prose)

    async def forget_session(self, session_id: SessionId) -> ToolResult:
        """Erase a session for good, everywhere. A fork of it keeps what it shares."""
        await self.sessions.forget(self.owner(), session_id)
        return told({"session_id": session_id, "forgotten": True}, f"Session {session_id} is erased.")


def _next(session: Session, companion: Companion) -> dict[str, Any]:
    coming = next_step(companion)
    if coming.step is None:
        return {"tool": None, "arguments": {}, "why": f"{coming.why} {STANDS}"}
    arguments = {"session_id": session.session_id, "companion_type": companion.companion_type}
    return {"tool": coming.step, "arguments": arguments | ({"redo": True} if coming.redo else {}), "why": coming.why}
