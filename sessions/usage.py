"""What calls of models have used, as sums by model, in all and on one day: kept with what listings show of a session.

The sums are made of stored entries, so that they are exact and can be rebuilt. What calls may still use is
``budgets``'s to say.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from companions.entries import Entry
from companions.falling_back import FAILED
from companions.tool_use import ROUNDS

Counts = dict[str, int]
"""``calls``, ``not_reported`` (calls whose provider told no usage), ``input_tokens``, ``output_tokens``,
``cache_read_tokens`` (part of the input), ``reasoning_tokens`` (part of the output), ``estimated_input_tokens`` and
``estimated_output_tokens`` (in place of what was not reported), ``largest_output_tokens``, ``milliseconds`` (in which
the model wrote), ``retries`` (of the client, with those of the models that failed before), ``first_token_milliseconds``
(until the first words came); what is 0 is left out. With ``_told`` behind
the names of ``TOLD``: how many calls told those."""
Sums = dict[str, Counts]
"""Counts by model, as it was asked for."""

ASKED = "asked_model"
"""In an entry's meta: the model as it was asked for, which its provider may call by another name."""
ESTIMATED = "estimated_usage"
"""Likewise: what is counted where the provider reported nothing."""
COST = "cost"
"""Likewise: what a call cost by the prices that were in force, as ``amount`` and ``currency``."""
TOLD = ("cache_read_tokens", "reasoning_tokens", "retries", "first_token_milliseconds")
"""Counts that not every call tells: none told is not 0."""
SEVERAL = ("critics", "comparisons")
"""Likewise: the calls of an entry that came of several; ``usage`` beside them is their sum."""
UNREPORTED = "calls_not_reported"
"""Beside a usage as it is told: the calls whose provider told none."""
MODELS = 8
"""Models that one companion's sums tell apart."""
OTHERS = "other models"
LARGEST = "largest_output_tokens"
KEPT = frozenset({"models", "day", "course", "workflow", "workflows"})
"""What of a companion's shown values is kept for sums, and told as such."""


def tokens(usage: Mapping[str, int]) -> int:
    """Count the tokens of a usage as a provider reports it; 0 when it reported none."""
    return usage.get("input_tokens", 0) + usage.get("output_tokens", 0)


def date_of(at: float) -> str:
    """Give the day of a moment, in UTC."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def counts(usage: Mapping[str, int], estimated: Mapping[str, int]) -> Counts:
    """Count one call: its usage as the provider reported it, and what was estimated in its place."""
    found = {
        "calls": 1,
        "not_reported": int(not tokens(usage)),
        "input_tokens": usage.get("input_tokens", 0),
        "output_tokens": usage.get("output_tokens", 0),
        "estimated_input_tokens": estimated.get("input_tokens", 0),
        "estimated_output_tokens": estimated.get("output_tokens", 0),
        LARGEST: usage.get("output_tokens", 0),
    } | _told(usage)
    return {name: count for name, count in found.items() if count}


def _told(values: Mapping[str, int]) -> Counts:
    """Count what one call told of that which not every call tells."""
    known = {name: values[name] for name in TOLD if name in values}
    return known | {f"{name}_told": 1 for name in known}


def added(sums: Mapping[str, Counts], model: str, more: Counts, *, most: int = MODELS) -> Sums:
    """Give the sums with those of one model added."""
    name = model if model in sums or len(sums) < most else OTHERS
    known = sums.get(name, {})
    joined = {key: known.get(key, 0) + more.get(key, 0) for key in known | more if key != LARGEST}
    largest = max(known.get(LARGEST, 0), more.get(LARGEST, 0))
    return {**sums, name: joined | ({LARGEST: largest} if largest else {})}


def merged(several: Iterable[Mapping[str, Counts]]) -> Sums:
    """Add sums to each other."""
    whole: Sums = {}
    for sums in several:
        for model, more in sums.items():
            whole = added(whole, model, more, most=len(whole) + 1)
    return whole


def sums_after(before: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    """Give a companion's sums once these entries were added: in all, and of the newest day that has a call."""
    models: Sums = before.get("models", {})
    day: dict[str, Any] = before.get("day", {})
    for entry in entries:
        date = date_of(entry.at)
        for model, more in _calls(entry):
            models = added(models, model, more)
            if date > day.get("date", ""):
                day = {"date": date, "models": {}}
            if date == day["date"]:
                day = {"date": date, "models": added(day["models"], model, more)}
    return {"models": models, "day": day} if models else {}


def in_all(shown: Mapping[str, Any]) -> Sums:
    """Give a session's sums, of all its companions."""
    return merged(values.get("models", {}) for values in shown.values())


def on_day(values: Mapping[str, Any], date: str) -> Sums:
    """Give the sums of one companion on a day; only those of its newest are kept."""
    day = values.get("day", {})
    return day["models"] if day.get("date") == date else {}


def calls(sums: Mapping[str, Counts]) -> int:
    """Count the calls of all models."""
    return sum(each.get("calls", 0) for each in sums.values())


def account_of(entry: Entry) -> Counts:
    """Add up what the models used that an entry came of; empty if none was asked."""
    return merged([{"": each} for _, each in _calls(entry)]).get("", {})


def usage_of(entry: Entry) -> Counts:
    """Give what an entry's calls used as reported; how many of them told nothing stands beside it."""
    return dict(entry.meta.get("usage", {})) | silent_of(account_of(entry))


def silent_of(counts: Mapping[str, int]) -> Counts:
    """Give how many of the calls that were counted told no usage; empty if all did."""
    return {UNREPORTED: counts["not_reported"]} if counts.get("not_reported") else {}


def in_words(usage: Mapping[str, int]) -> str:
    """Tell a usage: what was reported, and of how many calls nothing was; empty if no model was asked."""
    counts = [f"{name.replace('_', ' ')} {count:,}" for name, count in usage.items() if count and name != UNREPORTED]
    if silent := usage.get(UNREPORTED):
        counts.append("not reported" if not counts else f"not reported by {silent:,} call{'s' if silent > 1 else ''}")
    return ", ".join(counts)


def milliseconds_of(entry: Entry) -> int:
    """Add up how long the models took that an entry came of; several may have written at the same time."""
    return sum(each.get("milliseconds", 0) for _, each in _calls(entry))


def cost_told(entry: Entry) -> tuple[float, str] | None:
    """Give what an entry's calls cost, and in which currency; ``None`` where one of them does not tell."""
    costs = [part.get(COST) for part in _parts(entry) if _is_call(part)]
    if not costs or None in costs or len({cost["currency"] for cost in costs if cost}) != 1:
        return None
    return sum(cost["amount"] for cost in costs if cost), str(costs[0]["currency"] if costs[0] else "")


def _parts(entry: Entry) -> Sequence[Mapping[str, Any]]:
    parts = next((entry.meta[name] for name in SEVERAL if name in entry.meta), (entry.meta,))
    return [each for part in parts for each in _rounds(part)]


def _rounds(part: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Give each time that a model was asked for one text; what failed before it is the first one's."""
    if ROUNDS not in part:
        return (part,)
    first, *rest = part[ROUNDS]
    return ({**first, FAILED: part.get(FAILED, ())}, *rest)


def _is_call(part: Mapping[str, Any]) -> bool:
    return ASKED in part or tokens(part.get("usage", {})) > 0


def _calls(entry: Entry) -> list[tuple[str, Counts]]:
    """Give the calls of models that an entry came of: none if its caller or the offline editor wrote it."""
    return [
        (str(part.get(ASKED) or part.get("model") or OTHERS), _counts(part)) for part in _parts(entry) if _is_call(part)
    ]


def _counts(part: Mapping[str, Any]) -> Counts:
    found = counts(part.get("usage", {}), part.get(ESTIMATED, {}))
    took = {"milliseconds": round(1000 * part.get("seconds", 0))}
    failed = [each["retries"] for each in part.get(FAILED, ()) if "retries" in each]
    if failed or "retries" in part:
        took |= _told({"retries": part.get("retries", 0) + sum(failed)})
    if "first_token_seconds" in part:
        took |= _told({"first_token_milliseconds": round(1000 * part["first_token_seconds"])})
    return found | {name: count for name, count in took.items() if count}
