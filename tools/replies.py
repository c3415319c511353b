"""How an answer is told: as structured content and as prose, each complete without the other.

Some hosts give their model only the one, some only the other. Nothing is decided here that the answer does not say.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastmcp.tools import ToolResult
from mcp_types import TextContent

from companions.entries import Entry
from companions.learned import in_words
from companions.outcomes import GUARDED
from companions.requests import Request
from sessions.answers import Answer
from sessions.calls import Pending
from sessions.cutting import PAGE_BYTES, cut, size
from sessions.paged_views import text_offset_of
from sessions.usage import in_words as used_in_words
from sessions.usage import usage_of
from tools.attached import with_attachments
from tools.suggesting import suggestions, with_suggestions

Body = dict[str, Any]
STANDS = 'Give the person the text that stands; show_thinking with part="answer" reads it.'
REPEATED = 400
"""Most bytes of evidence or a query that ``next`` repeats: the caller has them, and a reply is to stay short."""
ADVICE = 3
"""Most lines of advice."""


def told(body: Mapping[str, Any], prose: str) -> ToolResult:
    """Join the two channels; empty keys are left out."""
    kept = {name: value for name, value in body.items() if value is not None and value not in ("", [], {})}
    return ToolResult(content=[TextContent(type="text", text=prose)], structured_content=kept)


def reply(answer: Answer, known: Mapping[str, Any] | None = None) -> ToolResult:
    """Tell a step that is stored, or hand out one to write.

    Args:
        answer: The step.
        known: What was known before it of how its loop will go.
    """
    tell = _write_reply if answer.entry is None else _done_reply
    lines = [] if answer.next.step is None else suggestions(known)
    return with_attachments(with_suggestions(lambda lines: tell(answer, lines), lines), answer)


def pending_reply(pending: Pending) -> ToolResult:
    """Tell that a step goes on in the background."""
    step = pending.request.step
    why = "It is still being written and will be kept; call the same tool again to wait for it."
    arguments = {"session_id": pending.session_id, "companion_type": pending.companion_type} | _same(pending.request)
    coming = {"tool": step, "arguments": arguments, "why": why}
    body: Body = {
        "session_id": pending.session_id,
        "companion_type": pending.companion_type,
        "status": "running",
        "step": step,
        "next": coming,
    }
    prose = f"{step} is running in session {pending.session_id}, companion {pending.companion_type}.\n"
    return told(body, prose + next_line(coming))


def _same(request: Request) -> Body:
    """Give what the same call has to say again, should the step fail and be tried anew.

    Not ``redo``: once the step is done it would write it yet again. A call without any of this joins what is running.
    """
    if request.redo:
        return {}
    sampling = {name: value for name, value in asdict(request.sampling).items() if value is not None}
    evidence = request.evidence or ""
    given: Body = {"evidence": evidence if size(evidence) <= REPEATED else "", "sampling": sampling}
    return {name: value for name, value in given.items() if value}


def _done_reply(answer: Answer, suggested: list[str]) -> ToolResult:
    entry = answer.entry
    if entry is None:
        raise ValueError("a step that is done has an entry")
    text, more = "", None
    if answer.already_done or not answer.written_by_caller:
        text, following = cut(entry.text, PAGE_BYTES)
        if following is not None:
            more = {"slot": entry.slot, "part": "transcript", "offset": text_offset_of(entry, following)}
    meta, revised = entry.meta, answer.step == "revise"
    ended = meta.get("stop_reason")
    body = _common(answer) | {
        "seq": entry.seq,
        "text": text,
        "more": more,
        "next": _next(answer),
        "similarity": meta.get("similarity"),
        "converged": ended == "converged" if revised else None,
        "stop_reason": ended,
        "threshold": answer.threshold if revised else None,
        "threshold_source": answer.threshold_source if revised else None,
        "threshold_basis": dict(answer.basis) if revised else None,
        "satisfied": meta.get("satisfied"),
        **{name: meta.get(name) for name in GUARDED},
        "advice": [*_advice(answer), *suggested][:ADVICE],
        "model": meta.get("model"),
        "usage": usage_of(entry),
        "already_done": answer.already_done or None,
        "not_recorded": answer.not_recorded,
        "links": links(answer.session_id, answer.companion_type),
    }
    return told(body, _done_prose(answer, body, text))


def _write_reply(answer: Answer, suggested: list[str]) -> ToolResult:
    system, user = answer.instructions["system"], answer.instructions["user"]
    piece, following = cut(user, PAGE_BYTES - size(system))
    more = None
    if following is not None:
        # Only the step that comes next can be read on as it was handed out; else the texts themselves can.
        exact = answer.again.keys() <= {"query"} and answer.next.step == answer.step
        part, offset = ("instructions", following) if exact else ("transcript", 0)
        more = {"slot": answer.slot, "part": part, "offset": offset}
    why = f"Write the {_noun(answer)} as instructions say, then call {answer.step} with these arguments and your text."
    again = dict(answer.again)
    for name in ("query", "evidence"):
        if size(again.get(name, "")) > REPEATED:
            del again[name]
            why += f" Give the same {name} again."
    if answer.step == "critique":
        why += " Set satisfied=true if nothing is left to improve."
    arguments = _arguments(answer) | again
    coming = {"tool": answer.step, "arguments": arguments, "why": why}
    advice = [*answer.advice, *suggested][:ADVICE]
    body = _common(answer) | {
        "instructions": {"system": system, "user": piece},
        "more": more,
        "next": coming,
        "advice": advice,
    }
    said = "".join(f"{line}\n" for line in (_where(answer), *advice))
    prose = (
        f"Please write this {_noun(answer)} yourself.\n\n{system}\n\n{piece}\n\n---\n"
        f"{said}{more_line(more)}{next_line(coming)} Put what you wrote into text."
    )
    return told(body, prose)


def _common(answer: Answer) -> Body:
    return {
        "session_id": answer.session_id,
        "companion_type": answer.companion_type,
        "status": answer.status,
        "step": answer.step,
        "slot": answer.slot,
        "iteration": answer.iteration,
        "phase": answer.phase,
    }


def _next(answer: Answer) -> Body:
    coming = answer.next
    if coming.step is None:
        # Where a better version is known, advice says how it becomes the answer.
        then = f" {STANDS}" if answer.outscored is None else ""
        return {"tool": None, "arguments": {}, "why": f"{coming.why}{then}"}
    arguments = _arguments(answer) | ({"redo": True} if coming.redo else {})
    return {"tool": coming.step, "arguments": arguments, "why": coming.why}


def _arguments(answer: Answer) -> Body:
    return {"session_id": answer.session_id, "companion_type": answer.companion_type}


def shown_of(entry: Entry | None) -> Body:
    """Tell of a text that is shown where it stands, who wrote it and what it used."""
    if entry is None:
        return {}
    return {"seq": entry.seq, "model": entry.meta.get("model"), "usage": usage_of(entry)}


def links(session_id: str, companion_type: str) -> Body:
    """Give the resources that show a companion's thinking."""
    base = f"resource://sessions/{session_id}/{companion_type}"
    return {name: f"{base}/{name}" for name in ("answer", "latest_critique", "convergence_analysis", "transcript")}


def _advice(answer: Answer) -> list[str]:
    advice = [*answer.advice]
    entry = answer.entry
    if entry is not None and entry.meta.get("sampling", {}).get("execution_mode") == "offline":
        advice.append("Written by the rule-based offline editor; no language model was used.")
    return advice


def _done_prose(answer: Answer, body: Body, text: str) -> str:
    said = [f"{text}\n\n---\n"] if text else []
    said.append(_where(answer))
    if body["similarity"] is not None:
        said.append(
            f"Similarity to the version before: {body['similarity']:.3f}; "
            f"{threshold_told(answer.threshold, answer.threshold_source, answer.basis)}."
        )
    if body["stop_reason"]:
        guard = f" ({body['guard']})" if body["guard"] else ""
        said.append(f"Stop reason: {body['stop_reason']}{guard}.")
    if answer.already_done:
        said.append("This step had been done already; the stored text is shown.")
    if answer.not_recorded:
        said.append(answer.not_recorded)
    said += body["advice"]
    if used := used_in_words(body["usage"]):
        said.append(f"Usage: {used}.")
    return "\n".join(said) + f"\n{more_line(body['more'])}{next_line(body['next'])}"


def _where(answer: Answer) -> str:
    state = "recorded" if answer.status == "done" else "to be written"
    model = "" if answer.entry is None else f", written by {answer.entry.meta.get('model', 'unknown')}"
    return (
        f"{answer.step} {state}: session_id {answer.session_id}, companion {answer.companion_type}, "
        f"slot {answer.slot}, iteration {answer.iteration}, phase {answer.phase}{model}."
    )


def threshold_told(threshold: float, source: str | None, basis: Mapping[str, float]) -> str:
    """Tell a threshold with who set it; a learned one with what it rests on."""
    return f"threshold {threshold:g} ({in_words(basis) or source})"


def next_line(coming: Mapping[str, Any]) -> str:
    """Say what to call now."""
    if coming["tool"] is None:
        return f"Next: nothing. {coming['why']}"
    given = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in coming["arguments"].items())
    return f"Next: call {coming['tool']} with {given}. {coming['why']}"


def more_line(more: Mapping[str, Any] | None) -> str:
    """Say where a text that was cut goes on."""
    if more is None:
        return ""
    return f"Cut here; read on with show_thinking, part {more['part']}, slot {more['slot']}, offset {more['offset']}.\n"


def _noun(answer: Answer) -> str:
    return "revision" if answer.step == "revise" else answer.step
