"""How a loop is told: its answer, what the caller is to write next, or that it goes on; in both channels alike.

It words what ``sessions.loops`` shows of a loop, and decides nothing. Single steps are told by ``replies``.
"""

from collections.abc import Mapping
from typing import Any

from fastmcp.tools import ToolResult

from companions.companion import version_of
from sessions.cutting import PAGE_BYTES, cut, size
from sessions.loops import Refined
from sessions.paged_views import text_offset_of
from tools.attached import with_attachments
from tools.replies import (
    ADVICE,
    STANDS,
    links,
    more_line,
    next_line,
    shown_of,
    threshold_told,
    told,
)
from tools.suggesting import suggestions, with_suggestions

Body = dict[str, Any]
GOES_ON = {
    "max_iterations": "and a larger max_iterations goes on",
    "budget": "and a larger budget_tokens goes on",
    "cancelled": "goes on",
}
"""By the reason for which a loop was cut off, what takes it further."""
NOUNS = {"draft": "draft", "critique": "critique", "revise": "revision"}


def loop_reply(loop: Refined, known: Mapping[str, Any] | None = None) -> ToolResult:
    """Tell where a loop stands when its call is answered, and what is known of how it will go."""
    tell = _hand_out if loop.status == "write" else _tell
    going_on = loop.status != "done" and not loop.comparison
    told = with_suggestions(lambda lines: tell(loop, lines), suggestions(known) if going_on else [])
    return told if loop.answer is None or loop.comparison else with_attachments(told, loop.answer)


def _tell(loop: Refined, suggested: list[str]) -> ToolResult:
    text, more = "", None
    if loop.shown is not None:
        text, following = cut(loop.shown.text, PAGE_BYTES)
        if following is not None:
            more = {"slot": loop.slot, "part": "transcript", "offset": text_offset_of(loop.shown, following)}
    body = _common(loop) | {
        "text": text,
        "more": more,
        "next": _next(loop),
        "answer_version": None if loop.shown is None else version_of(loop.shown),
        "picked": loop.pick is not None,
        "pick": None if loop.pick is None else loop.pick.meta["why"],
        "stop_reason": loop.stop_reason,
        "similarity": None if loop.newest is None else loop.newest.meta.get("similarity"),
        "converged": loop.stop_reason == "converged" if loop.status == "done" else None,
        "advice": [*_advice(loop), *suggested][:ADVICE],
        "links": links(loop.session_id, loop.companion_type),
    }
    return told(body | shown_of(loop.shown), _prose(loop, body))


def _hand_out(loop: Refined, suggested: list[str]) -> ToolResult:
    """Hand the next writing to the caller: a step, or two versions to compare."""
    given, what = dict(loop.comparison), "comparison"
    why = "Compare the two texts, then call refine with these arguments and your answer as text."
    if loop.answer is not None and not loop.comparison:
        given, what = dict(loop.answer.instructions), NOUNS[loop.answer.step]
        why = f"Write the {what} as instructions say, then call refine with these arguments and your text."
        if loop.answer.step == "critique":
            why += " Set satisfied=true if nothing is left to improve."
    system, user = given["system"], given["user"]
    piece, following = cut(user, PAGE_BYTES - size(system))
    more = None
    if following is not None:
        exact = not loop.comparison
        part, offset = ("instructions", following) if exact else ("transcript", 0)
        more = {"slot": loop.slot, "part": part, "offset": offset}
    arguments = _arguments(loop) | ({} if loop.comparison else {"text_for": loop.due})
    coming = {"tool": "refine", "arguments": arguments, "why": why}
    advice = [*_advice(loop), *suggested][:ADVICE]
    body = _common(loop) | {
        "step": "compare" if loop.comparison else None if loop.answer is None else loop.answer.step,
        "instructions": {"system": system, "user": piece},
        "more": more,
        "next": coming,
        "advice": advice,
    }
    notes = "".join(f"{line}\n" for line in (loop.not_recorded, *advice) if line)
    prose = f"Please write this {what} yourself.\n\n{system}\n\n{piece}\n\n---\n{_where(loop)}\n{notes}"
    return told(body, f"{prose}{more_line(more)}{next_line(coming)} Put what you wrote into text.")


def _common(loop: Refined) -> Body:
    return {
        "session_id": loop.session_id,
        "companion_type": loop.companion_type,
        "status": loop.status,
        "slot": loop.slot,
        "iteration": loop.iteration,
        "phase": loop.phase,
        "versions": loop.versions,
        "workflow_id": loop.workflow_id,
        "threshold": loop.threshold,
        "threshold_source": loop.threshold_source,
        "threshold_basis": dict(loop.basis),
        "not_recorded": loop.not_recorded,
    }


def _arguments(loop: Refined) -> Body:
    return {"session_id": loop.session_id, "companion_type": loop.companion_type}


def _next(loop: Refined) -> Body:
    if loop.status == "running":
        why = "The loop goes on and keeps each step; call refine again to wait for it, or with stop=true to end it."
        return {"tool": "refine", "arguments": _arguments(loop), "why": why}
    return {"tool": None, "arguments": {}, "why": loop.why if loop.shown is None else f"{loop.why} {STANDS}"}


def _advice(loop: Refined) -> list[str]:
    said = [*loop.advice]
    if loop.status == "write" and loop.answer is not None and loop.answer.next.redo:
        said.append(loop.why)
    if loop.status == "done" and loop.stop_reason in GOES_ON:
        said.append(f"It has not converged: refine with this session_id {GOES_ON[loop.stop_reason]}.")
    newest = loop.newest
    if newest is not None and newest.meta.get("sampling", {}).get("execution_mode") == "offline":
        said.append("Written by the rule-based offline editor; no language model was used.")
    return said


def _prose(loop: Refined, body: Body) -> str:
    said = [f"{body['text']}\n\n---\n"] if body["text"] else []
    said.append(_where(loop))
    if body["answer_version"] is not None:
        of = f"version {body['answer_version']} of {loop.versions}, counted from 0"
        said.append(f"Shown above: {of}." + (f" {body['pick']}" if body["pick"] else ""))
    if body["similarity"] is not None and loop.threshold is not None:
        threshold = threshold_told(loop.threshold, loop.threshold_source, loop.basis)
        said.append(f"Similarity of the newest two versions: {body['similarity']:.3f}; {threshold}.")
    if loop.stop_reason:
        said.append(f"Stop reason: {loop.stop_reason}.")
    if loop.not_recorded:
        said.append(loop.not_recorded)
    said += body["advice"]
    return "\n".join(said) + f"\n{more_line(body['more'])}{next_line(body['next'])}"


def _where(loop: Refined) -> str:
    state = {"done": "done", "write": "to be written", "running": "running"}[loop.status]
    return (
        f"refine {state}: session_id {loop.session_id}, companion {loop.companion_type}, slot {loop.slot}, "
        f"iteration {loop.iteration}, phase {loop.phase}, workflow {loop.workflow_id or 'none'}."
    )
