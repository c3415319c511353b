"""What came of a step: the written text judged, and made into the note that a session records.

Similarity, checks, guard and stop rule are measured here, once, and kept with the entry; everything that shows them
reads them from there. How they are measured is ``similarity``'s, ``checks``'s, ``anomalies``'s and ``convergence``'s
work.
"""

from dataclasses import dataclass, field
from typing import Any

from companions import anomalies, checks, convergence, prompts
from companions.companion import Companion, Slot, version_of
from companions.entries import Entry, Note
from companions.errors import ModelReplyError
from companions.learned import in_words
from companions.models import Written
from companions.requests import Plan
from companions.similarity import similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a step's text was found to be."""

    similarity: float | None = None
    guard: anomalies.Guard | None = None
    overruled: anomalies.Guard | None = None
    decision: convergence.Decision | None = None
    back_to: int | None = None
    failing: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


GUARDED = ("guard", "confirmed", "overruled")
"""What an entry's ``meta`` says of its guard, wherever the entry is shown: taken or not, and what was overruled."""
UNMET_RULE = convergence.guarded | convergence.maximum
"""What may end a loop while the current text fails a check: nothing that calls it done, whoever is content with it."""


def judge(companion: Companion, plan: Plan, written: Written) -> Note:
    """Make the note of a text that was just written.

    Raises:
        ModelReplyError: The text is empty or over the limit; nothing is to be recorded then.
    """
    slot = companion.slot
    if slot is None:
        raise ValueError("a step is judged in its slot")
    text, satisfied = _read(plan, written)
    _check_reply(text, plan)
    match plan.step:
        case "draft":
            kind, found = "draft", Measured(failing=checks.failing(plan.configuration.checks, text))
        case "critique":
            kind, found = "critique", Measured(decision=_decide(slot, plan, satisfied=satisfied))
        case "revise":
            kind, found = "revision", _measure(slot, plan, text)
    meta = _meta(plan, written, found) | (_verdict_meta(plan) if satisfied and plan.step == "critique" else {})
    return Note(
        companion_type=companion.companion_type, kind=kind, slot=plan.slot, index=plan.index, text=text, meta=meta
    )


def _read(plan: Plan, written: Written) -> tuple[str, bool]:
    """Give the text to record, and whether its critic accepts."""
    text, satisfied = written.text, written.satisfied or plan.request.satisfied
    if plan.step != "critique":
        return text, satisfied
    if plan.mode == "server" and "critics" not in written.meta:
        # A text that the caller wrote stays as it is, also if it ends like a verdict: its verdict is an argument.
        text, accepted = prompts.read_verdict(written.text)
        satisfied = satisfied or accepted
    if plan.unmet and plan.request.text is None and (satisfied or plan.mode == "offline"):
        # Whoever revises is to find in the critique what no critic has said.
        text = "" if text == prompts.NOTHING_LEFT else f"{text}\n\n"
        text += f"The text fails what its companion's file asks of it: {checks.told(plan.unmet)}."
    return text, satisfied


def _check_reply(text: str, plan: Plan) -> None:
    """Hold a model's reply to the limits that a caller's text has passed already."""
    if not text.strip():
        raise ModelReplyError("The model answered with an empty text.", "Call the same tool again.")
    limit = plan.request.text_limit
    if len(text.encode(errors="replace")) > limit:
        raise ModelReplyError(
            f"The model's text has more than {limit:,} bytes.", "Ask for a shorter text, or set sampling.max_tokens."
        )


def _measure(slot: Slot, plan: Plan, text: str) -> Measured:
    """Compare a revision with its neighbour, guard it, and ask the stop rule."""
    earlier = [version for version in slot.versions if version_of(version) <= plan.index]
    neighbour = earlier[-1]
    base = plan.base or neighbour
    near = similarity(neighbour.text, text)
    to_good = near if neighbour is base else None
    found = anomalies.guard(text, good=base.text, earlier=[version.text for version in earlier], to_good=to_good)
    standing = [version for version in earlier if not version.meta.get("guard")] or [base]
    overruled = found if found is not None and _insists(plan, found) else None
    found = None if overruled is not None else found
    trajectory = convergence.Trajectory(
        event="revision",
        iteration=plan.index + 1,
        satisfied=False,
        similarity=near,
        guard=found,
        texts=(*(version.text for version in standing), text)[-convergence.WINDOW :],
        numbers=(*(version_of(version) for version in standing), plan.index + 1)[-convergence.WINDOW :],
        threshold=plan.configuration.threshold,
        max_iterations=slot.max_iterations or plan.configuration.max_iterations,
        patience=plan.configuration.patience,
        basis=in_words(slot.query.meta.get("basis", {})),
    )
    failing = checks.failing(plan.configuration.checks, text)
    decision = convergence.decide(trajectory, UNMET_RULE if failing else convergence.STATIC_RULE)
    # Where a failing check keeps the loop from ending with it, that it goes round is all the more worth knowing.
    told = convergence.cycle(trajectory) if failing and found is None else decision
    back_to = None if told is None else told.back_to
    return Measured(
        similarity=near, guard=found, overruled=overruled, decision=decision, back_to=back_to, failing=failing
    )


def _insists(plan: Plan, found: anomalies.Guard) -> bool:
    """Whether a caller sends the very text again that was not taken: then it is meant."""
    before = plan.replaces
    return before is not None and plan.request.text == before.text and found.kind != anomalies.NOBODY_MEANS


def _decide(slot: Slot, plan: Plan, *, satisfied: bool) -> convergence.Decision | None:
    """Ask the stop rule after a critique."""
    current: Entry | None = slot.current
    trajectory = convergence.Trajectory(
        event="critique",
        iteration=plan.index + 1,
        satisfied=satisfied and plan.configuration.trusting,
        similarity=None,
        guard=None,
        texts=() if current is None else (current.text,),
        numbers=() if current is None else (version_of(current),),
        threshold=plan.configuration.threshold,
        max_iterations=slot.max_iterations or plan.configuration.max_iterations,
    )
    return convergence.decide(trajectory, UNMET_RULE if plan.unmet else convergence.STATIC_RULE)


def _meta(plan: Plan, written: Written, found: Measured) -> dict[str, Any]:
    """Gather the JSON values that stay with the text; what says nothing is left out."""
    meta: dict[str, Any] = {
        **written.meta,
        "model": written.model,
        # What was really in force, as the writer says: a choice that was asked for may not have been taken.
        "sampling": {"execution_mode": plan.mode, **written.meta.get("sampling", {})},
        "usage": dict(written.usage),
        "evidence": plan.request.evidence,
        "score": plan.request.score,
    }
    if plan.base is not None:
        meta["based_on"] = version_of(plan.base)
    if plan.step == "revise":
        meta |= _revision_meta(plan, found)
    if plan.step != "critique" and plan.configuration.checks:
        meta["checks"] = found.failing
    if found.decision is not None:
        meta |= {"stop_reason": found.decision.stop_reason, "why": _why(found.decision, found.failing)}
        meta["answer"] = found.decision.answer
    if plan.replaces is not None:
        meta["attempt"] = 1 + int(plan.replaces.meta.get("attempt", 0))
    return {name: value for name, value in meta.items() if value not in (None, {})}


def _verdict_meta(plan: Plan) -> dict[str, Any]:
    """Keep a critic's verdict, and what speaks against it: the file's checks, and what became of earlier verdicts."""
    unmet = {"unmet": [failure["check"] for failure in plan.unmet]} if plan.unmet else {}
    return {"satisfied": True} | unmet | ({} if plan.configuration.trusting else {"trusted": False})


def _why(decision: convergence.Decision, failing: checks.Failing) -> str:
    if decision.stop_reason != "max_iterations" or not failing:
        return decision.why
    return f"{decision.why} It still fails {checks.names(failing)}."


def _revision_meta(plan: Plan, found: Measured) -> dict[str, Any]:
    return _confirmed_meta(plan, found) | {
        "similarity": found.similarity,
        "guard": None if found.guard is None else found.guard.kind,
        "guard_why": None if found.guard is None else found.guard.why,
        "back_to": found.back_to,
        "threshold": plan.configuration.threshold,
    }


def _confirmed_meta(plan: Plan, found: Measured) -> dict[str, Any]:
    """Keep what a caller overruled, and the score that came with the text when it was sent first."""
    if found.overruled is None or plan.replaces is None:
        return {}
    told = {"confirmed": True, "overruled": found.overruled.kind, "overruled_why": found.overruled.why}
    return told if plan.request.score is not None else told | {"score": plan.replaces.meta.get("score")}
