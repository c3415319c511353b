"""A loop's own budget as a call takes the loop on: what it may spend, and what of that is spent already.

It reads what is stored, once a call, and only where a model is to be asked. What a call may cost is ``allowance``'s to
say.
"""

from collections.abc import Mapping
from typing import Any

from companions.companion import Companion
from sessions.bounds import loop_of
from sessions.budgets import Budget, Loop, Spent
from sessions.loops import Wish
from sessions.session import Session
from sessions.slots import SHOWN, steps_of
from sessions.steps import Desk
from sessions.usage import in_all, sums_after


def full(bounds: Mapping[str, Any]) -> Loop | None:
    """Give the budget of a loop that begins with these bounds."""
    limit = bounds.get("budget_tokens")
    return None if limit is None else Loop(name=bounds["workflow_id"], budget=Budget(tokens=limit))


async def purse(desk: Desk, session: Session, companion: Companion, wish: Wish) -> Loop | None:
    """Give the budget of the loop on a companion's newest slot, with what it used, comparisons and lost texts included.

    ``None`` without a budget, and where the caller or the offline editor writes: they are free.
    """
    slot, configuration, known = companion.slot, companion.configuration, loop_of(companion.slot)
    limit = wish.budget_tokens or known.get("budget_tokens")
    if limit is None or slot is None or configuration is None:
        return None
    if configuration.sampling(wish.sampling).execution_mode != "server":
        return None
    made = [entry async for entry in steps_of(session, companion, slot.number, kinds=SHOWN)]
    spent = Spent.of(in_all({"": sums_after({}, made)}), desk.allowance.prices)
    name = known.get("workflow_id", "")
    return Loop(name=name, budget=Budget(tokens=limit), spent=spent + desk.allowance.lost(name))
