"""What was learned, put to the question of one loop: how far it is likely to go, and what to watch.

Every number comes with the samples behind it; below a minimum it says how few there are, and nothing else.
"""

from dataclasses import dataclass
from typing import Any

from companions.learned import Learned
from companions.models import Step
from companions.patterns import hazard
from companions.patterns.sample import PHASES
from companions.patterns.sums import Sums

MINIMUM = 5
"""Loops that must have been learned from before anything is said."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a loop stands.

    Attributes:
        revisions: How many it has.
        coming: The step that is made next; ``None`` once it has ended.
        most: With which revision it ends anyway.
        anomalies: What is out of the ordinary in it.
    """

    revisions: int
    coming: Step | None
    most: int
    anomalies: tuple[str, ...] = ()


def outlook(sums: Sums, standing: Standing) -> Body:
    """Say what is to be expected.

    Returns:
        ``samples``: loops learned from, and, from five on, ``typical_iterations``, ``remaining_iterations`` (with the
        probability that there are no more, and that the next is the last), ``recommended_threshold`` with its promised
        risk, ``estimated_completion`` in seconds and tokens, ``anomalies``, ``suggestions`` (one at most).
    """
    if sums.slots < MINIMUM:
        return {"samples": sums.slots, "suggestions": [f"Too few sessions yet ({sums.slots}) to say how it will go."]}
    typical = hazard.remaining(sums, 0, most=standing.most)
    body: Body = {
        "samples": sums.slots,
        "typical_iterations": {"iterations": typical.revisions, "probability": _share(typical.within)},
        "anomalies": [*standing.anomalies],
    }
    learned = Learned.of(sums).threshold
    if learned is not None:
        body["recommended_threshold"] = {
            "similarity": learned.threshold,
            "risk": _share(learned.risk),
            "samples": round(learned.slots),
        }
    if standing.coming is not None:
        left = _left(sums, standing)
        body["remaining_iterations"] = {
            "iterations": left.revisions,
            "probability": _share(left.within),
            "next_is_last": _share(left.last_next),
        }
        body["estimated_completion"] = _completion(sums, standing, left.revisions)
    return {name: value for name, value in body.items() if value not in ({}, None)} | {
        "suggestions": _suggestions(body, sums.slots)
    }


def _left(sums: Sums, standing: Standing) -> hazard.Remaining:
    return hazard.remaining(sums, standing.revisions, most=max(standing.most, standing.revisions + 1))


def _completion(sums: Sums, standing: Standing, iterations: int) -> Body:
    """Estimate what the steps that are left take, from what such steps took; what nobody reported is left out."""
    critiques = iterations - (standing.coming == "revise")
    steps: dict[Step, int] = {"draft": int(standing.coming == "draft"), "critique": critiques, "revise": iterations}
    seconds = _estimated(sums, steps, "seconds", "steps")
    tokens = _estimated(sums, steps, "tokens", "reported")
    told = {
        "seconds": None if seconds is None else round(seconds, 1),
        "tokens": None if tokens is None else round(tokens),
    }
    return {name: value for name, value in told.items() if value is not None}


def _estimated(sums: Sums, steps: dict[Step, int], what: str, of: str) -> float | None:
    total = 0.0
    for place, phase in enumerate(PHASES):
        if not steps[phase]:
            continue
        if not sums[of][place]:
            return None
        total += steps[phase] * sums[what][place] / sums[of][place]
    return total


def _suggestions(body: Body, samples: int) -> list[str]:
    """Give the one thing that is most useful to know."""
    if body["anomalies"]:
        return [f"Out of the ordinary: {', '.join(body['anomalies'])}."]
    left = body.get("remaining_iterations")
    if left is None:
        return []
    count, probability = left["iterations"], left["probability"]
    more = "1 more iteration" if count == 1 else f"{count} more iterations"
    line = f"Of {samples} earlier loops, those that came this far mostly ended within {more} ({probability:.0%})."
    told = body.get("estimated_completion", {})
    costs = [f"{told['seconds']:g} s"] if "seconds" in told else []
    costs += [f"{told['tokens']:,} tokens"] if "tokens" in told else []
    return [line + (f" About {' and '.join(costs)} to go." if costs else "")]


def _share(probability: float) -> float:
    return round(probability, 3)
