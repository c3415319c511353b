"""What to do next: read from a companion's phase and from what its newest step said of the stop rule.

One answer for every surface: tools put it in ``next``, loops follow it, people are told it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from companions.companion import Companion, Slot
from companions.models import Step

MORE_TRIES = 1
"""How often a guarded revision is offered another try."""


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
    return None if slot is None else _end(slot).get("stop_reason")


def _end(slot: Slot) -> Mapping[str, Any]:
    """Give what was recorded of the slot's end: ``stop_reason`` and ``why``; without them it goes on."""
    loop, newest = slot.workflow, slot.newest
    if loop is not None and loop.seq > newest.seq and loop.meta.get("stop_reason"):
        return loop.meta
    if newest.meta.get("stop_reason") == "max_iterations" and slot.revisions < (slot.max_iterations or 0):
        return {}  # its loop was given more since
    return newest.meta


def next_step(companion: Companion) -> NextStep:
    """Say what comes next for a companion."""
    slot = companion.slot
    if slot is None:
        return NextStep(step="draft", why="Nothing is written yet.")
    match slot.phase:
        case "draft":
            return NextStep(step="draft", why="The query waits for its draft.")
        case _ if stop_reason(companion):
            return _ended(slot)
        case "critique":
            return NextStep(step="critique", why="The current text has not been critiqued yet.")
        case "revise":
            return NextStep(step="revise", why=f"Critique {slot.critiques} waits for its revision.")


def _ended(slot: Slot) -> NextStep:
    meta = slot.newest.meta
    if meta.get("guard") and int(meta.get("attempt", 0)) < MORE_TRIES:
        why = f"The revision was kept but not taken: {meta.get('guard_why')}. One more try is offered."
        return NextStep(step="revise", redo=True, why=why)
    end = _end(slot)
    return NextStep(step=None, why=f"The loop has ended ({end['stop_reason']}): {end.get('why', '')}".rstrip(": "))
