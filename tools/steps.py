"""The three steps as tools: ``draft``, ``critique`` and ``revise``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastmcp import Context, FastMCP
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from companions.models import Sampling
from companions.requests import Request
from sessions.attaching import Attaching
from sessions.calls import Calls, Pending
from sessions.intelligence import STATE
from tools.arguments import (
    Attachments,
    CompanionTypeName,
    OptionalSessionId,
    Redo,
    SamplingArgument,
    SamplingOption,
    Score,
    SessionId,
    Text,
)
from tools.replies import pending_reply, reply
from tools.waiting import signature, waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What the step tools are made with.

    Attributes:
        owner: Gives the principal of the present request.
        reply_seconds: How long a call may take before it is answered as running.
        text_limit: The most bytes of any one text.
        attaching: Takes what is attached to a query.
    """

    calls: Calls
    owner: Callable[[], str]
    reply_seconds: float
    text_limit: int
    attaching: Attaching

    def register(self, mcp: FastMCP) -> None:
        """Add the tools to a server."""
        for tool in (self.draft, self.critique, self.revise):
            mcp.tool(
                tool,
                output_schema=None,
                annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False),
            )

    async def draft(
        self,
        ctx: Context,
        query: Annotated[str | None, Field(description="The question to think through")] = None,
        companion_type: CompanionTypeName = None,
        session_id: OptionalSessionId = None,
        text: Text = None,
        attachments: Attachments = None,
        sampling: SamplingOption = None,
        redo: Redo = False,
    ) -> ToolResult:
        """Open a question: write its first draft. Answers a session_id; then call what next says."""
        request = Request(
            step="draft",
            query=query or None,
            attachments=await self.attaching.taken(self.owner(), attachments or ()),
            text=text,
            sampling=_sampling(sampling),
            redo=redo,
            text_limit=self.text_limit,
        )
        return await self._step(ctx, session_id, companion_type, request)

    async def critique(
        self,
        ctx: Context,
        session_id: SessionId,
        companion_type: CompanionTypeName = None,
        evidence: Annotated[str | None, Field(description="Facts to weigh: test output, reviewer notes")] = None,
        text: Text = None,
        satisfied: Annotated[bool, Field(description="You critiqued and nothing is left to improve")] = False,
        sampling: SamplingOption = None,
        redo: Redo = False,
    ) -> ToolResult:
        """Critique the current text."""
        request = Request(
            step="critique",
            text=text,
            evidence=evidence or None,
            satisfied=satisfied,
            sampling=_sampling(sampling),
            redo=redo,
            text_limit=self.text_limit,
        )
        return await self._step(ctx, session_id, companion_type, request)

    async def revise(
        self,
        ctx: Context,
        session_id: SessionId,
        companion_type: CompanionTypeName = None,
        text: Text = None,
        score: Score = None,
        sampling: SamplingOption = None,
        redo: Redo = False,
    ) -> ToolResult:
        """Answer the newest critique with a whole revised text; says how similar it is and whether to stop."""
        request = Request(
            step="revise",
            text=text,
            score=score,
            sampling=_sampling(sampling),
            redo=redo,
            text_limit=self.text_limit,
        )
        return await self._step(ctx, session_id, companion_type, request)

    async def _step(
        self, ctx: Context, session_id: str | None, companion_type: str | None, request: Request
    ) -> ToolResult:
        given = await self.calls.step(
            self.owner(),
            session_id,
            companion_type,
            request,
            waiting=waiting(ctx, self.reply_seconds),
            signature=signature(ctx),
        )
        return pending_reply(given) if isinstance(given, Pending) else reply(given, await ctx.get_state(STATE))


def _sampling(given: SamplingArgument | None) -> Sampling:
    return Sampling() if given is None else given.sampling()
