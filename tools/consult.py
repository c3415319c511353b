"""Several companions on one question as a tool: ``consult`` has them draft side by side, then draws that together.

It words what ``sessions.consultations`` shows, in both channels alike, and decides nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastmcp import Context, FastMCP
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from companions.companion import version_of
from sessions.answers import Answer
from sessions.consultations import Consulted
from sessions.consulting import Consultations
from sessions.cutting import PAGE_BYTES, cut, size
from sessions.intelligence import STATE
from sessions.paged_views import text_offset_of
from sessions.questions import SYNTHESIZER, Question
from tools.arguments import CompanionTypes, OptionalSessionId, Text, TextFor
from tools.replies import ADVICE, STANDS, links, more_line, next_line, shown_of, told
from tools.suggesting import suggestions, with_suggestions
from tools.waiting import signature, waiting

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult:
    """What the tool is made with.

    Attributes:
        owner: Gives the principal of the present request.
        reply_seconds: How long a call may take before it is answered as running.
        text_limit: The most bytes of any one text.
    """

    consultations: Consultations
    owner: Callable[[], str]
    reply_seconds: float
    text_limit: int

    def register(self, mcp: FastMCP) -> None:
        """Add the tool to a server."""
        hints = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
        mcp.tool(self.consult, output_schema=None, annotations=hints)

    async def consult(
        self,
        ctx: Context,
        query: Annotated[str | None, Field(description="The question to put to them")] = None,
        companion_types: CompanionTypes = None,
        synthesizer: Annotated[str, Field(description="The companion that joins the answers")] = SYNTHESIZER,
        session_id: OptionalSessionId = None,
        text: Text = None,
        text_for: TextFor = None,
    ) -> ToolResult:
        """Ask several companions at once, then join their answers into one."""
        question = Question(
            query=query or None,
            companion_types=tuple(companion_types) if companion_types else None,
            synthesizer=synthesizer or SYNTHESIZER,
            text=text,
            text_for=None if text is None else text_for,
            text_limit=self.text_limit,
        )
        wait = waiting(ctx, self.reply_seconds)
        given = await self.consultations.consult(
            self.owner(), session_id, question, waiting=wait, signature=signature(ctx)
        )
        return consult_reply(given, await ctx.get_state(STATE))


def consult_reply(given: Consulted, known: Mapping[str, Any] | None) -> ToolResult:
    """Tell where a consultation stands when its call is answered, and what is known of how its synthesizer goes on."""
    answer = given.answer
    tell = partial(_tell, given) if answer is None else partial(_hand_out, given, answer)
    return with_suggestions(tell, suggestions(known))


def _tell(given: Consulted, suggested: list[str]) -> ToolResult:
    text, more = "", None
    if given.shown is not None:
        text, following = cut(given.shown.text, PAGE_BYTES)
        if following is not None:
            more = {"slot": given.slot, "part": "transcript", "offset": text_offset_of(given.shown, following)}
    coming: Body = {"tool": None, "arguments": {}, "why": f"The consultation is done. {STANDS}"}
    if given.status == "running":
        why = "The consultation goes on and keeps each answer; call consult again to wait for it."
        coming = {"tool": "consult", "arguments": _arguments(given), "why": why}
    body: Body = _common(given, suggested) | {
        "companion_type": given.synthesizer,
        "slot": given.slot,
        "phase": given.phase,
        "text": text,
        "more": more,
        "next": coming,
        "links": links(given.session_id, given.synthesizer),
    }
    if given.shown is not None:
        body |= shown_of(given.shown) | {"step": "draft", "versions": 1}
    said = [f"{text}\n\n---\n"] if text else []
    said += [_where(given), *filter(None, [given.not_recorded]), *body["advice"]]
    return told(body, "\n".join(said) + f"\n{more_line(more)}{next_line(coming)}")


def _hand_out(given: Consulted, answer: Answer, suggested: list[str]) -> ToolResult:
    """Hand the next writing to the caller: a contribution, or the synthesis."""
    system, user = answer.instructions["system"], answer.instructions["user"]
    piece, following = cut(user, PAGE_BYTES - size(system))
    more = None if following is None else {"slot": answer.slot, "part": "instructions", "offset": following}
    what = "synthesis" if answer.companion_type == given.synthesizer else f"contribution of {answer.companion_type}"
    why = f"Write the {what} as instructions say, then call consult with these arguments and your text."
    arguments = _arguments(given) | {"text_for": answer.companion_type}
    coming = {"tool": "consult", "arguments": arguments, "why": why}
    body: Body = _common(given, suggested) | {
        "companion_type": answer.companion_type,
        "step": answer.step,
        "slot": answer.slot,
        "phase": answer.phase,
        "instructions": {"system": system, "user": piece},
        "more": more,
        "next": coming,
    }
    prose = f"Please write the {what} yourself.\n\n{system}\n\n{piece}\n\n---\n{_where(given)}\n"
    prose += "".join(f"{line}\n" for line in (given.not_recorded, *body["advice"]) if line)
    if more is not None:
        prose += f"Of companion {answer.companion_type}: "
    return told(body, f"{prose}{more_line(more)}{next_line(coming)} Put what you wrote into text.")


def _common(given: Consulted, suggested: list[str]) -> Body:
    return {
        "session_id": given.session_id,
        "status": given.status,
        "workflow_id": given.workflow_id,
        "companions": {name: state["status"] for name, state in given.companions.items()},
        "answer_version": None if given.shown is None else version_of(given.shown),
        "not_recorded": given.not_recorded,
        "advice": [*given.advice, *suggested][:ADVICE],
    }


def _arguments(given: Consulted) -> Body:
    return {"session_id": given.session_id, "synthesizer": given.synthesizer}


def _where(given: Consulted) -> str:
    state = {"done": "done", "write": "to be written", "running": "running"}[given.status]
    each = ", ".join(f"{name} {state['status']}" for name, state in given.companions.items())
    return (
        f"consult {state}: session_id {given.session_id}, synthesizer {given.synthesizer}, slot {given.slot}, "
        f"workflow {given.workflow_id or 'none'}; {each or 'nobody asked yet'}."
    )
