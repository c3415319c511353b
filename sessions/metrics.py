"""What a person's companions used, as numbers: over their newest sessions, and in this process.

It adds up what listings show and reads no session. What a call used is counted in ``usage``, what it costs in
``prices``; where a provider told no usage, or a model has no price, the numbers say so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from companions.prices import Prices
from sessions.accounts import Account, Tally
from sessions.allowance import Allowance
from sessions.budgets import Budget, Spent
from sessions.sessions import Sessions
from sessions.usage import Counts, Sums, in_all, merged

Body = dict[str, Any]
NEWEST = 200
"""Sessions that the numbers are of, newest first."""
NOT_PRICED = "not priced"
NOT_REPORTED = "not reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Numbers of one owner's sessions."""

    sessions: Sessions
    allowance: Allowance

    async def of(self, owner: str) -> Body:
        """Give them; the cost of that is one listing."""
        heads = await self.sessions.list(owner, limit=NEWEST)
        prices = self.allowance.prices
        shown = [head.projection.companions for head in heads if head.projection is not None]
        models = merged(map(in_all, shown))
        return {
            "sessions": {"counted": len(heads), "newest": NEWEST, "entries": _spread([head.seq for head in heads])},
            "currency": prices.currency,
            "usage": told(models, prices),
            "companions": _by_companion(shown, prices),
            "models": by_model(models, prices),
            "providers": _by_provider(models, prices),
            "limits": {
                "session": _limit(self.allowance.limits.session),
                "owner_day": _limit(self.allowance.limits.owner_day),
            },
            "process": _process(self.allowance.account(owner)),
        }


def told(sums: Mapping[str, Counts], prices: Prices) -> Body:
    """Tell what calls of models used: counts as reported, what was not reported, and the cost of both."""
    whole = merged([{"": each} for each in sums.values()]).get("", {})
    spent = Spent.of(sums, prices)
    silent = whole.get("not_reported", 0)
    body: Body = {"calls": whole.get("calls", 0)}
    for name in ("input_tokens", "output_tokens", "cache_read_tokens"):
        nothing: str | int = NOT_REPORTED if silent and silent == body["calls"] else 0
        body[name] = whole.get(name, nothing)
    if silent:
        body |= {"calls_not_reported": silent, "estimated_tokens": spent.estimated}
    return body | {"cost": NOT_PRICED if spent.unpriced else round(spent.cost, 6)}


def by_model(sums: Mapping[str, Counts], prices: Prices) -> Body:
    """Tell it for each model."""
    return {model: told({model: each}, prices) for model, each in sorted(sums.items())}


def _by_provider(sums: Mapping[str, Counts], prices: Prices) -> Body:
    providers: dict[str, Sums] = {}
    for model, each in sums.items():
        provider, colon, _ = model.partition(":")
        providers.setdefault(provider if colon else "unknown", {})[model] = each
    return {name: told(each, prices) for name, each in sorted(providers.items())}


def _by_companion(shown: Sequence[Mapping[str, Any]], prices: Prices) -> Body:
    body: Body = {}
    for name in sorted({name for companions in shown for name in companions}):
        having = [companions[name] for companions in shown if name in companions]
        body[name] = {
            "sessions": len(having),
            "iterations": _spread([values.get("iteration", 0) for values in having]),
            "stop_reasons": _counted(values.get("stop_reason") for values in having),
            "picks": sum(values.get("picks", 0) for values in having),
            "flips": sum(values.get("flips", 0) for values in having),
            "usage": told(merged(values.get("models", {}) for values in having), prices),
        }
    return body


def _process(account: Account) -> Body:
    """Tell what this process has seen itself: failures and seconds are not stored."""
    return {"models": {model: _tallied(tally) for model, tally in sorted(account.tallies.items())}}


def _tallied(tally: Tally) -> Body:
    return {"calls": tally.calls, "failures": tally.failures, "seconds": round(tally.seconds, 3)}


def _spread(numbers: Sequence[int]) -> Body | None:
    return {"least": min(numbers), "median": median(numbers), "most": max(numbers)} if numbers else None


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for value in values:
        if value is not None:
            counted[value] = counted.get(value, 0) + 1
    return dict(sorted(counted.items()))


def _limit(budget: Budget) -> Body:
    return {"tokens": budget.tokens, "cost": budget.cost}
