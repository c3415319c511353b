"""What a call of a model is estimated at before it is made, and how long its reply may be within what may be spent.

It computes. Which limits hold and what was spent of them is ``allowance``'s to know.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from companions.errors import BudgetError
from companions.prices import Prices
from sessions.accounts import Measured
from sessions.budgets import Budget, Scope, Spent, check, cost_of
from sessions.usage import Counts

BYTES_PER_TOKEN = 4
"""Of a prompt or a text, as long as nothing better was measured."""
FIRST = 32
"""Tokens that a reply is estimated at while none is known and none was asked for: fewer are of no use."""
CAPPED = 4_096
"""Tokens from which a reply's length is left to the model, however little is left: many refuse to be asked for more."""
READ, WROTE = "estimated_input_tokens", "estimated_output_tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit that holds for a call, and what was spent of it."""

    scope: Scope
    budget: Budget
    spent: Spent

    def left(self, model: str, coming: Counts, prices: Prices) -> float:
        """Give how many tokens the reply of a call may have that this limit allows."""
        read = {model: {READ: coming[READ]}}
        spent = self.spent + Spent.of(read, prices)
        tokens = math.inf if self.budget.tokens is None else self.budget.tokens - spent.tokens
        each = cost_of(model, {WROTE: 1}, prices)
        if self.budget.cost is None or not each:
            return tokens
        return min(tokens, (self.budget.cost - spent.cost) // each)

    def cut(self, model: str, most: int, currency: str) -> BudgetError:
        """Give the refusal to go on behind a reply that was cut at what was left."""
        in_tokens = self.budget.tokens is not None
        limit, spent, unit = (
            (self.budget.tokens, self.spent.tokens, "tokens")
            if in_tokens
            else (self.budget.cost, self.spent.cost, currency)
        )
        form = ",d" if in_tokens else ",.4f"
        return BudgetError(
            f"{self.scope.words} is limited to {limit or 0:{form}} {unit}: {spent:{form}} were spent, and the reply of "
            f"{model!r} was cut at the {most:,} tokens that were left for it.",
            self.scope.remedy,
            scope=self.scope.name,
            unit=unit,
            spent=spent,
            limit=limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The most tokens that a reply may have, and the limit that leaves no more."""

    most: int
    limit: Limit


def estimated(prompt: int, measured: Measured, largest: int, most: int | None) -> Counts:
    """Estimate a call: by what earlier ones of the session measured, else by its bytes and its own limit.

    Args:
        prompt: Bytes of what the model is given.
        measured: What earlier calls in this process tell.
        largest: The largest reply that is known, in tokens; 0 if none is.
        most: The most tokens that the reply may have, as the call asks.
    """
    read = prompt / BYTES_PER_TOKEN
    if measured.prompts and measured.input_tokens:
        read = prompt * measured.input_tokens / measured.prompts
    expected = largest or most or FIRST
    return {"calls": 1, READ: math.ceil(read), WROTE: min(expected, most or expected)}


def room(limits: Sequence[Limit], model: str, coming: Counts, prices: Prices, most: int | None) -> Room | None:
    """Give how long the reply of a call may be, if that is less than was asked for and can be asked of any model.

    Raises:
        BudgetError: One of the limits does not allow the call.
    """
    for limit in limits:
        estimate = Spent.of({model: coming}, prices)
        check(limit.scope, limit.budget, limit.spent, estimate, model=model, currency=prices.currency)
    if not limits:
        return None
    least = min(limits, key=lambda limit: limit.left(model, coming, prices))
    left = least.left(model, coming, prices)
    return Room(most=int(left), limit=least) if left < min(CAPPED + 1, most or math.inf) else None
