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
from sessions.store import Head
from sessions.usage import UNREPORTED, Counts, Sums, in_all, merged
from sessions.workflow_sums import told_by_kind

Body = dict[str, Any]
NEWEST = 200
"""Sessions that the numbers are of, newest first."""
NOT_PRICED = "not priced"
NOT_REPORTED = "not reported"
NOT_MEASURED = "not measured"
UNTOLD = {"cache_read_tokens": NOT_REPORTED, "reasoning_tokens": NOT_REPORTED, "retries": "not counted"}
"""What is said in place of a sum to which no call told anything."""
PICKS = ("picks", "helped", "flips")


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
        everybody = [values for companions in shown for values in companions.values()]
        models = merged(map(in_all, shown))
        return {
            "sessions": _of_sessions(heads),
            "workflows": told_by_kind(everybody),
            "refining": _picks(everybody),
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
    for name in ("input_tokens", "output_tokens"):
        nothing: str | int = NOT_REPORTED if silent and silent == body["calls"] else 0
        body[name] = whole.get(name, nothing)
    for name, untold in UNTOLD.items():
        body[name] = whole.get(name, 0) if whole.get(f"{name}_told") or not body["calls"] else untold
    body["model_seconds"] = whole.get("milliseconds", 0) / 1000
    timed = whole.get("first_token_milliseconds_told")
    first = round(whole.get("first_token_milliseconds", 0) / timed / 1000, 3) if timed else NOT_MEASURED
    body["first_token_seconds"] = first
    if silent:
        body |= {UNREPORTED: silent, "estimated_tokens": spent.estimated}
    return body | {"cost": NOT_PRICED if spent.unpriced else round(spent.cost, 6)}


def by_model(sums: Mapping[str, Counts], prices: Prices) -> Body:
    """Tell it for each model."""
    return {model: told({model: each}, prices) for model, each in sorted(sums.items())}


def _of_sessions(heads: Sequence[Head]) -> Body:
    """Tell how long sessions are, in entries and in seconds from beginning to last use, and how many think in them."""
    shown = [(head.opening.created_at, head.projection) for head in heads if head.projection is not None]
    return {
        "counted": len(heads),
        "newest": NEWEST,
        "entries": _spread([head.seq for head in heads]),
        "seconds": _spread([round(max(0.0, each.used_at - created), 3) for created, each in shown]),
        "companions": _spread([len(each.companions) for _, each in shown]),
    }


def _by_provider(sums: Mapping[str, Counts], prices: Prices) -> Body:
    providers: dict[str, Sums] = {}
    for model, each in sums.items():
        providers.setdefault(_provider(model), {})[model] = each
    return {name: told(each, prices) for name, each in sorted(providers.items())}


def _provider(model: str) -> str:
    provider, colon, _ = model.partition(":")
    return provider if colon else "unknown"


def _by_companion(shown: Sequence[Mapping[str, Any]], prices: Prices) -> Body:
    body: Body = {}
    for name in sorted({name for companions in shown for name in companions}):
        having = [companions[name] for companions in shown if name in companions]
        body[name] = {
            "sessions": len(having),
            "iterations": _iterations(having),
            "stop_reasons": _counted(values.get("stop_reason") for values in having),
            **_picks(having),
            "usage": told(merged(values.get("models", {}) for values in having), prices),
        }
    return body


def _iterations(having: Sequence[Mapping[str, Any]]) -> Body:
    """Tell how many iterations were begun in all, and in the newest slots how many there are."""
    in_all = sum(values["course"]["iterations"] for values in having if "course" in values)
    return {"in_all": in_all} | (_spread([values.get("iteration", 0) for values in having]) or {})


def _picks(having: Sequence[Mapping[str, Any]]) -> Body:
    """Tell how often a version was picked, how often that was a revision, and how often not the current text."""
    return {name: sum(values.get(name, 0) for values in having) for name in PICKS}


def _process(account: Account) -> Body:
    """Tell what this process has seen itself: failures are not stored, nor is how long those calls took."""
    providers: dict[str, Tally] = {}
    for model, tally in account.tallies.items():
        name = _provider(model)
        providers[name] = providers.get(name, Tally()) + tally
    return {
        "models": {model: _tallied(tally) for model, tally in sorted(account.tallies.items())},
        "providers": {name: _tallied(tally) for name, tally in sorted(providers.items())},
    }


def _tallied(tally: Tally) -> Body:
    return {"calls": tally.calls, "failures": tally.failures, "seconds": round(tally.seconds, 3)}


def _spread(numbers: Sequence[float]) -> Body | None:
    return {"least": min(numbers), "median": median(numbers), "most": max(numbers)} if numbers else None


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for value in values:
        if value is not None:
            counted[value] = counted.get(value, 0) + 1
    return dict(sorted(counted.items()))


def _limit(budget: Budget) -> Body:
    return {"tokens": budget.tokens, "cost": budget.cost}
