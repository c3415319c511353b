"""What is recorded of a loop beside its steps: the bounds that it goes on within, and an end that no step tells of.

Each is a ``workflow`` entry, so that every process sees it. What a loop does about them is ``refining``'s work.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from companions.companion import Companion, Slot
from companions.errors import ConflictError
from companions.next_step import end_of, next_in
from sessions.loops import BOUNDS, Wish
from sessions.session import Session
from sessions.steps import Desk

TRIES = 5
"""How often an end is recorded anew because another process has made a step meanwhile."""
CANCELLED = "cancelled"


def workflow_of(companion_type: str, wish: Wish, known: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is recorded of a loop that begins or goes on.

    Args:
        companion_type: Whose loop it is.
        wish: What is asked now.
        known: What was recorded of the same loop before; empty for a new one.
    """
    bounds = {name: getattr(wish, name) or known.get(name) for name in BOUNDS}
    kept = {"workflow_id": known.get("workflow_id") or secrets.token_hex(8), "workflow": "refine"}
    return kept | {"orchestrator": companion_type} | {name: each for name, each in bounds.items() if each}


def loop_of(slot: Slot | None) -> Mapping[str, Any]:
    """Give what is recorded of the slot's loop; a consultation that came before is another workflow."""
    known: Mapping[str, Any] = {} if slot is None or slot.workflow is None else slot.workflow.meta
    return {} if known.get("workflow") == "consult" else known


def stopped(companion: Companion) -> bool:
    """Tell whether somebody stopped the loop since it was last taken on, on whatever process, at whatever step."""
    return loop_of(companion.slot).get("stop_reason") == CANCELLED


async def take_on(desk: Desk, session: Session, companion: Companion, wish: Wish) -> Companion:
    """Record what the loop is bounded by from now on, if that is new, and that it goes on if it was stopped."""
    known = loop_of(companion.slot)
    wanted = workflow_of(companion.companion_type, wish, known)
    changed = any(wanted.get(name) != known.get(name) for name in BOUNDS)
    if known and not changed and not stopped(companion):
        return companion
    await desk.remark(session, companion.companion_type, lambda _: wanted)
    return await session.look(companion.companion_type)


async def end(desk: Desk, session: Session, companion_type: str, reason: str, why: str) -> None:
    """Record that a loop has ended for a reason that its steps do not tell, unless it has ended already.

    Raises:
        ConflictError: Other processes keep making steps.
        StoreError: The store failed; nothing was recorded.
    """

    def ended(slot: Slot) -> Mapping[str, Any] | None:
        if next_in(slot).step is None or end_of(slot).get("stop_reason") == reason:
            return None
        return workflow_of(companion_type, Wish(), loop_of(slot)) | {"stop_reason": reason, "why": why}

    for tried in range(TRIES):
        try:
            return await desk.remark(session, companion_type, ended)
        except ConflictError:
            if tried == TRIES - 1:
                raise
    return None
