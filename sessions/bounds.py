"""What is recorded of a loop beside its steps: the bounds that it goes on within, and an end that no step tells of.

Each is a ``workflow`` entry, so that every process sees it. What a loop does about them is ``refining``'s work.
"""

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from companions.companion import Companion, Slot
from companions.errors import ConflictError, SlotLeftError
from companions.next_step import NextStep, end_of, next_in
from companions.planning import check_slot, name_of
from companions.requests import SlotName
from sessions.asked import Caller
from sessions.budgets import LOOP
from sessions.consultations import waited_for
from sessions.loops import BOUNDS, Wish
from sessions.session import Session
from sessions.steps import Desk
from sessions.workflows import consultation

TRIES = 5
"""How often an end is recorded anew because another process has made a step meanwhile."""
CANCELLED, BUDGET = "cancelled", "budget"
STOPPED = "It was stopped."


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
    """Give what is recorded of the slot's loop; a consultation that came before is another workflow.

    Raises:
        InputError: A consultation is under way on the slot, which no loop may take the place of.
    """
    consulted = consultation(slot)
    if consulted is not None and consulted.get("state") != "done":
        raise waited_for(consulted)
    return {} if slot is None or slot.workflow is None or consulted is not None else slot.workflow.meta


def stopped(companion: Companion) -> bool:
    """Tell whether somebody stopped the loop since it was last taken on, on whatever process, at whatever step."""
    return loop_of(companion.slot).get("stop_reason") == CANCELLED


def coming_in(slot: Slot) -> NextStep:
    """Say what comes next in a slot's loop.

    An end by what its session or owner may spend does not hold for the next call: there may be more by then, and
    nothing that a call can give tells.
    """
    known = slot.workflow
    if known is None or known.meta.get("scope") in (None, LOOP.name):
        return next_in(slot)
    bounds = {name: value for name, value in known.meta.items() if name not in ("stop_reason", "why", "scope")}
    return next_in(replace(slot, workflow=replace(known, meta=bounds)))


async def take_on(desk: Desk, session: Session, companion: Companion, wish: Wish, caller: Caller) -> Companion:
    """Record what the loop is bounded by from now on, if that is new, and that it goes on if it was stopped.

    Raises:
        SlotLeftError: Another question was put to the companion meanwhile; nothing was recorded.
        StoreError: The store failed, likewise.
    """
    known = loop_of(companion.slot)
    wanted = workflow_of(companion.companion_type, wish, known)
    changed = any(wanted.get(name) != known.get(name) for name in BOUNDS)
    if known and not changed and not stopped(companion):
        return companion
    meant = None if companion.slot is None else name_of(companion.slot)

    def bounded(slot: Slot) -> Mapping[str, Any]:
        check_slot(slot, meant)
        return wanted

    await desk.remark(session, companion.companion_type, bounded, caller)
    return await session.look(companion.companion_type)


async def end(
    desk: Desk,
    session: Session,
    companion_type: str,
    reason: str,
    why: str,
    *,
    caller: Caller,
    slot: SlotName | None = None,
    scope: str | None = None,
) -> None:
    """Record that a loop has ended for a reason that its steps do not tell, unless it has ended already.

    Args:
        desk: What it is recorded with.
        session: Where the loop is.
        companion_type: Whose it is.
        reason: The stop reason.
        why: One sentence.
        caller: Who asks for it, or whose loop it is.
        slot: The loop's own; ``None`` means the newest.
        scope: Of an end by a budget: whose budget it is.

    Raises:
        SlotLeftError: Another question was put to the companion meanwhile; nothing was recorded.
        ConflictError: Other processes keep making steps.
        StoreError: The store failed; nothing was recorded.
    """

    def ended(found: Slot) -> Mapping[str, Any] | None:
        check_slot(found, slot)
        known = end_of(found)
        again = known.get("stop_reason") == reason
        if (again and known.get("why") == why) or (not again and next_in(found).step is None):
            return None
        told = {"stop_reason": reason, "why": why} | ({} if scope is None else {"scope": scope})
        return workflow_of(companion_type, Wish(), loop_of(found)) | told

    for tried in range(TRIES):
        try:
            return await desk.remark(session, companion_type, ended, caller)
        except ConflictError:
            if tried == TRIES - 1:
                raise
    return None


async def cancel(desk: Desk, session: Session, companion_type: str, slot: Slot | None, caller: Caller) -> None:
    """Record that a slot's loop was stopped; one whose companion has another question by now has ended anyway."""
    with contextlib.suppress(SlotLeftError):
        named = None if slot is None else name_of(slot)
        await end(desk, session, companion_type, CANCELLED, STOPPED, caller=caller, slot=named)
