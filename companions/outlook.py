"""What was learned, put to the question of one loop: how far it is likely to go, and what to watch.

Every number comes with the samples behind it; below a minimum it says how few there are, and nothing else.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from companions.learned import Learned
from companions.models import Step
from companions.patterns import hazard
from companions.patterns.sample import PHASES
from companions.patterns.sums import Sums

MINIMUM = 5
"""Loops, as they weigh today, that must be known of before anything is said of them."""
REMEMBERED = 200
"""Outlooks that are kept for the next call: what was learned changes seldom, and loops stand at few places."""
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
        risk, ``estimated_completion`` in seconds and tokens, ``anomalies``, ``suggestions`` (one at most). What fewer
        than five of them can tell of is left out.
    """
    return {**_told(sums, standing)}


@lru_cache(maxsize=REMEMBERED)
def _told(sums: Sums, standing: Standing) -> Body:
    if sums.slots < MINIMUM:
        return {"samples": sums.slots, "suggestions": [f"Too few sessions yet ({sums.slots}) to say how it will go."]}
    body: Body = {"samples": sums.slots, "anomalies": [*standing.anomalies]}
    if (typical := _from(sums, 0, standing.most)) is not None:
        body["typical_iterations"] = {"iterations": typical.revisions, "probability": _share(typical.within)}
    learned = Learned.of(sums).threshold
    if learned is not None:
        body["recommended_threshold"] = {
            "similarity": learned.threshold,
            "risk": _share(learned.risk),
            "samples": round(learned.slots),
        }
    left = None if standing.coming is None else _from(sums, standing.revisions, standing.most)
    if left is not None:
        body["remaining_iterations"] = {
            "iterations": left.revisions,
            "probability": _share(left.within),
            "next_is_last": _share(left.last_next),
        }
        body["estimated_completion"] = _completion(sums, standing, left.revisions)
    known = {name: value for name, value in body.items() if value != {}}
    return known | {"suggestions": _suggestions(known, standing, left)}


def _from(sums: Sums, revisions: int, most: int) -> hazard.Remaining | None:
    """Say how loops went on from a revision, unless too few did."""
    reached = sums["reached"]
    if revisions + 1 >= len(reached) or reached[revisions + 1] < MINIMUM:
        return None
    return hazard.remaining(sums, revisions, most=most)


def _completion(sums: Sums, standing: Standing, iterations: int) -> Body:
    """Estimate what the steps that are left take, from what such steps took; what too few reported is left out."""
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
    taken, counted = sums[what], sums[of]
    for place, phase in enumerate(PHASES):
        if not steps[phase]:
            continue
        if counted[place] < MINIMUM:
            return None
        total += steps[phase] * taken[place] / counted[place]
    return total


def _suggestions(body: Body, standing: Standing, left: hazard.Remaining | None) -> list[str]:
    """Give the one thing that is most useful to know."""
    if standing.anomalies:
        return [f"Out of the ordinary: {'; '.join(standing.anomalies)}."]
    if standing.coming is None:
        return []
    samples = body["samples"]
    if left is None:
        return [f"Too few sessions yet came this far to say how it will go on ({samples} in all)."]
    more = "1 more iteration" if left.revisions == 1 else f"{left.revisions} more iterations"
    line = f"Of {samples} earlier loops, those that came this far mostly ended within {more} ({left.within:.0%})."
    if left.within == 1:
        line = f"Of {samples} earlier loops, those that came this far mostly had {more} at least."
    if standing.revisions + left.revisions >= standing.most:
        line += " The maximum allows no more."
    told = body.get("estimated_completion", {})
    costs = [f"{told['seconds']:g} s"] if "seconds" in told else []
    costs += [f"{told['tokens']:,} tokens"] if "tokens" in told else []
    return [line + (f" About {' and '.join(costs)} to go." if costs else "")]


def _share(probability: float) -> float:
    return round(probability, 3)
