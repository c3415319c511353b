"""What may be spent on models, what has been spent, and the refusal of a call that would spend more.

It compares numbers and words the refusal. Where the numbers come from is ``allowance``'s work.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from companions.errors import BudgetError
from companions.prices import Prices
from sessions.usage import Counts

BY_HAND = "write the step yourself (sampling.execution_mode=client)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent.

    Attributes:
        tokens: Input and output together; ``None`` sets no limit.
        cost: In the currency of the prices; ``None`` sets no limit.
    """

    tokens: int | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        if self.tokens is not None and self.tokens < 0:
            raise ValueError(f"a limit of tokens is at least 0, not {self.tokens}")
        if self.cost is not None and not (math.isfinite(self.cost) and self.cost >= 0):
            raise ValueError(f"a limit of money is a number from 0 on, not {self.cost}")

    def __bool__(self) -> bool:
        """Tell whether it limits anything."""
        return self.tokens is not None or self.cost is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What calls of models used.

    Attributes:
        tokens: Input and output together.
        estimated: How many of them are estimated, since no usage was reported.
        cost: In the currency of the prices; of what has no price nothing is in it.
        unpriced: The models among them that have no price.
    """

    tokens: int = 0
    estimated: int = 0
    cost: float = 0.0
    unpriced: tuple[str, ...] = ()

    @classmethod
    def of(cls, sums: Mapping[str, Counts], prices: Prices) -> Self:
        """Tell what sums by model come to."""
        read = sum(_both(each, "input_tokens") for each in sums.values())
        wrote = sum(_both(each, "output_tokens") for each in sums.values())
        estimated = sum(
            each.get("estimated_input_tokens", 0) + each.get("estimated_output_tokens", 0) for each in sums.values()
        )
        costs = {model: cost_of(model, each, prices) for model, each in sums.items()}
        return cls(
            tokens=read + wrote,
            estimated=estimated,
            cost=sum(cost for cost in costs.values() if cost is not None),
            unpriced=tuple(sorted(model for model, cost in costs.items() if cost is None and sums[model])),
        )

    def __add__(self, other: Self) -> Self:
        """Add what others used."""
        return type(self)(
            tokens=self.tokens + other.tokens,
            estimated=self.estimated + other.estimated,
            cost=self.cost + other.cost,
            unpriced=tuple(sorted({*self.unpriced, *other.unpriced})),
        )


def cost_of(model: str, counts: Counts, prices: Prices) -> float | None:
    """Give the cost of one model's counts, estimated ones included; ``None`` without a price."""
    usage = {"input_tokens": _both(counts, "input_tokens"), "output_tokens": _both(counts, "output_tokens")}
    return prices.cost(model, usage | {"cache_read_tokens": counts.get("cache_read_tokens", 0)})


def _both(counts: Counts, name: str) -> int:
    return counts.get(name, 0) + counts.get(f"estimated_{name}", 0)


@dataclass(slots=True, kw_only=True)
class Loop:
    """One loop's budget, and what the loop has spent of it; whoever resumes a loop makes it of what is stored.

    Attributes:
        name: Knows the loop again, in another call for it; empty for one that is not resumed.
    """

    name: str = ""
    budget: Budget
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The limits that hold for everybody, as the settings have them.

    Attributes:
        session: Of one session.
        owner_day: Of all sessions of one owner, on one day in UTC.
    """

    session: Budget = Budget()
    owner_day: Budget = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a budget is for, in words."""

    name: str
    words: str
    remedy: str


LOOP = Scope(
    name="loop",
    words="This loop",
    remedy=f"Call refine again with a larger budget_tokens, or {BY_HAND}.",
)
SESSION = Scope(
    name="session",
    words="This session",
    remedy=f"Go on in a new session, {BY_HAND}, or have COMPANIONS_SESSION_TOKENS or COMPANIONS_SESSION_COST raised.",
)
OWNER_DAY = Scope(
    name="owner_day",
    words="What you use on one day",
    remedy=f"Wait for midnight UTC, {BY_HAND}, "
    "or have COMPANIONS_OWNER_DAY_TOKENS or COMPANIONS_OWNER_DAY_COST raised.",
)


def check(scope: Scope, budget: Budget, spent: Spent, coming: Spent, *, model: str, currency: str) -> None:
    """Refuse a call that would spend more than there is.

    Args:
        scope: What the budget is for.
        budget: The limit.
        spent: What was spent, with what calls under way are estimated at.
        coming: What the call is estimated at.
        model: The model that it would ask.
        currency: Of the prices.

    Raises:
        BudgetError: It would; or there is a limit of money, and something has no price.
    """
    if budget.tokens is not None and spent.tokens + coming.tokens > budget.tokens:
        marked = f", {spent.estimated:,} of them estimated" if spent.estimated else ""
        raise BudgetError(
            f"{scope.words} is limited to {budget.tokens:,} tokens: {spent.tokens:,} are spent{marked}, "
            f"and the next call of {model!r} is estimated at {coming.tokens:,}.",
            scope.remedy,
            scope=scope.name,
            unit="tokens",
            spent=spent.tokens,
            estimate=coming.tokens,
            limit=budget.tokens,
        )
    if budget.cost is not None:
        _check_cost(scope, budget.cost, spent, coming, model=model, currency=currency)


def _check_cost(scope: Scope, limit: float, spent: Spent, coming: Spent, *, model: str, currency: str) -> None:
    """Refuse what cannot be told in money, too: a limit that is not known to hold does not hold."""
    known, priced = not spent.unpriced, not coming.unpriced
    figures = {"spent": spent.cost if known else None, "estimate": coming.cost if priced else None, "limit": limit}
    if not priced or not known:
        lacking = f"The model {model!r}" if not priced else f"{spent.unpriced[0]!r}, which was asked before,"
        raise BudgetError(
            f"{scope.words} is limited to {limit:,.4f} {currency}. {lacking} has no price.",
            f"Have its price set in COMPANIONS_PRICES, or {BY_HAND}.",
            scope=scope.name,
            unit=currency,
            **figures,
        )
    if spent.cost + coming.cost > limit:
        raise BudgetError(
            f"{scope.words} is limited to {limit:,.4f} {currency}: {spent.cost:,.4f} are spent, "
            f"and the next call of {model!r} is estimated at {coming.cost:,.4f}.",
            scope.remedy,
            scope=scope.name,
            unit=currency,
            **figures,
        )
