"""What becomes of whole sessions: forks, which begin as another session was, and forgetting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastmcp import FastMCP
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from companions.companion import Companion
from companions.errors import StoreAwayError
from companions.next_step import next_step
from sessions import erasing
from sessions.calls import DEFAULT_TYPE
from sessions.forking import fork
from sessions.session import Session
from sessions.sessions import Sessions
from sessions.workflows import consultation
from tools.arguments import SessionId
from tools.replies import STANDS, links, next_line, told

Body = dict[str, Any]

AWAY = "The store is away: the fork is kept and goes into the store when it is back; then this reads it."
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
        name = made.last_type or DEFAULT_TYPE
        try:
            companion = await made.look(name)
        except StoreAwayError:
            phase, coming = None, {"tool": "show_thinking", "arguments": {"session_id": made.session_id}, "why": AWAY}
        else:
            phase, coming = companion.phase, _next(made, companion)
        body = {
            "session_id": made.session_id,
            "parent": {"session_id": session_id, "at": made.opening.base},
            "title": made.label.title,
            "companion_type": name,
            "phase": phase,
            "next": coming,
            "links": links(made.session_id, name),
        }
        prose = (
            f"Session {made.session_id} begins as session {session_id} was at entry {made.opening.base}: "
            f"companion {name}{'' if phase is None else f', phase {phase}'}.\n{next_line(coming)}"
        )
        return told(body, prose)

    async def forget_session(self, session_id: SessionId) -> ToolResult:
        """Erase a session for good, everywhere. A fork of it keeps what it shares."""
        forgotten = await erasing.forget(self.sessions, self.owner(), session_id)
        body: Body = {"session_id": session_id, "forgotten": True}
        kept = forgotten.kept
        if kept is not None and kept.own:
            body["kept"] = {"session_id": kept.fork, "entries": kept.entries}
        said = " ".join([f"Session {session_id} is erased.", *forgotten.told])
        return told(body | ({"advice": [*forgotten.told]} if forgotten.told else {}), said)


def _next(session: Session, companion: Companion) -> Body:
    slot = companion.slot
    if slot is None:
        arguments = {"session_id": session.session_id, "companion_type": companion.companion_type}
        return {"tool": "draft", "arguments": arguments, "why": "Nothing is asked yet: give a query too."}
    if slot.draft is None and consultation(slot) is not None:
        arguments = {"session_id": session.session_id, "synthesizer": companion.companion_type}
        return {"tool": "consult", "arguments": arguments, "why": "The query waits for its consultation."}
    coming = next_step(companion)
    if coming.step is None:
        return {"tool": None, "arguments": {}, "why": f"{coming.why} {STANDS}"}
    arguments = {"session_id": session.session_id, "companion_type": companion.companion_type}
    return {"tool": coming.step, "arguments": arguments | ({"redo": True} if coming.redo else {}), "why": coming.why}
