"""What to do next: read from a companion's phase and from what its newest step said of the stop rule.

One answer for every surface: tools put it in ``next``, loops follow it, people are told it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from companions.anomalies import NOBODY_MEANS
from companions.companion import Companion, Slot
from companions.convergence import maximum_reached
from companions.models import Step

MORE_TRIES = 1
"""How often a guarded revision is offered another try."""
INSISTING = " If that text is meant, call revise with the same text and redo=true: it is taken then."
"""What a caller can do about a guard that is mistaken, also after the try that was offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The step to take.

    Attributes:
        step: ``None`` when the slot has ended.
        redo: Whether it writes the newest step again.
        why: One sentence.
    """

    step: Step | None
    redo: bool = False
    why: str


def stop_reason(companion: Companion) -> str | None:
    """Why the newest slot has ended, as its newest step or its loop recorded it; ``None`` while it goes on."""
    slot = companion.slot
    return None if slot is None else end_of(slot).get("stop_reason")


def end_of(slot: Slot) -> Mapping[str, Any]:
    """Give what was recorded of the slot's end: ``stop_reason`` and ``why``; without them it goes on."""
    loop, newest = slot.workflow, slot.newest
    since: Mapping[str, Any] = loop.meta if loop is not None and loop.seq > newest.seq else {}
    return end_told(newest.meta, since, slot.revisions)


def end_told(newest: Mapping[str, Any], loop: Mapping[str, Any], revisions: int) -> Mapping[str, Any]:
    """Give what stands of a slot's end.

    Args:
        newest: What its newest step recorded.
        loop: What was recorded of its loop since that step; empty if nothing was.
        revisions: How many revisions it has.
    """
    if loop.get("stop_reason"):
        return loop
    ended, most = newest.get("stop_reason"), loop.get("max_iterations")
    if most is not None and ended == "max_iterations" and revisions < most:
        return {}  # its loop was given more since
    if most is not None and not ended and revisions >= most:
        return {"stop_reason": "max_iterations", "why": f"{maximum_reached(most)}."}
    return newest


def next_step(companion: Companion) -> NextStep:
    """Say what comes next for a companion."""
    if companion.slot is None:
        return NextStep(step="draft", why="Nothing is written yet.")
    return next_in(companion.slot)


def next_in(slot: Slot) -> NextStep:
    """Say what comes next in the newest slot."""
    match slot.phase:
        case "draft":
            return NextStep(step="draft", why="The query waits for its draft.")
        case _ if end_of(slot).get("stop_reason"):
            return _ended(slot)
        case "critique":
            return NextStep(step="critique", why="The current text has not been critiqued yet.")
        case "revise":
            return NextStep(step="revise", why=f"Critique {slot.critiques} waits for its revision.")


def _ended(slot: Slot) -> NextStep:
    end = end_of(slot)
    guard, why = end.get("guard"), end.get("why", "")
    insisting = INSISTING if guard not in (None, NOBODY_MEANS) else ""
    if guard and int(end.get("attempt", 0)) < MORE_TRIES:
        return NextStep(step="revise", redo=True, why=f"{why} One more try is offered.{insisting}")
    return NextStep(step=None, why=f"The loop has ended ({end['stop_reason']}): {why}".rstrip(": ") + insisting)
