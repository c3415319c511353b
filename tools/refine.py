"""The loop as a tool: ``refine`` takes a question from its draft to the version that is its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastmcp import Context, FastMCP
from fastmcp.apps import AppConfig
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from sessions.calls import Calls
from sessions.intelligence import STATE, now
from sessions.loops import Wish
from tools.arguments import CompanionTypeName, OptionalSessionId, Score, Text, TextFor
from tools.loop_replies import loop_reply
from tools.waiting import signature, waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """What the tool is made with.

    Attributes:
        owner: Gives the principal of the present request.
        reply_seconds: How long a call may take before it is answered as running.
        text_limit: The most bytes of any one text.
        shown: Where hosts with MCP Apps show the loop.
    """

    calls: Calls
    owner: Callable[[], str]
    reply_seconds: float
    text_limit: int
    shown: AppConfig

    def register(self, mcp: FastMCP) -> None:
        """Add the tool to a server."""
        hints = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
        mcp.tool(self.refine, output_schema=None, annotations=hints, app=self.shown)

    async def refine(
        self,
        ctx: Context,
        query: Annotated[str | None, Field(description="The question to think through")] = None,
        session_id: OptionalSessionId = None,
        companion_type: CompanionTypeName = None,
        text: Text = None,
        text_for: TextFor = None,
        satisfied: Annotated[bool, Field(description="You critiqued and nothing is left to improve")] = False,
        score: Score = None,
        max_iterations: Annotated[int | None, Field(ge=1, description="Most iterations")] = None,
        budget_tokens: Annotated[int | None, Field(ge=1, description="Most tokens for this question")] = None,
        stop: Annotated[bool, Field(description="End the loop now")] = False,
    ) -> ToolResult:
        """Run the whole loop and pick the best version. Long loops answer running: call again to wait."""
        wait = waiting(ctx, self.reply_seconds)
        if stop:
            return loop_reply(await self.calls.stop(self.owner(), session_id, companion_type, wait))
        wish = Wish(
            query=query or None,
            text=text,
            text_for=text_for if text is not None or satisfied else None,
            satisfied=satisfied,
            score=score,
            max_iterations=max_iterations,
            budget_tokens=budget_tokens,
            text_limit=self.text_limit,
        )
        done = await self.calls.refine(
            self.owner(), session_id, companion_type, wish, waiting=wait, signature=signature(ctx)
        )
        known = await ctx.get_state(STATE)
        if known is not None and done.status == "running":
            # It has gone on since the call came.
            known = now(self.calls.desk.sessions, self.owner(), done.session_id, done.companion_type)
        return loop_reply(done, known)
