"""What was learned, put to the question of one loop: how far it is likely to go, and what to watch.

Every number comes with the samples behind it; below a minimum it says how few there are, and nothing else.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from companions.learned import Learned
from companions.models import Step
from companions.patterns import hazard, telling
from companions.patterns.counting import LONGEST
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
        ``samples``: loops learned from, as they weigh today, and, from five on, ``typical_iterations`` and
        ``remaining_iterations`` of a loop that is revised once more (with the estimated probability that there are no
        more, and that the next is the last), ``recommended_threshold`` with its promised risk, ``estimated_completion``
        of so many iterations in seconds and tokens, ``anomalies``, ``suggestions`` (one at most, which counts and
        estimates nothing but costs). What fewer than five loops can tell of is left out: one that was cut off tells
        nothing of what comes after.
    """
    return deepcopy(_told(sums, standing))


@lru_cache(maxsize=REMEMBERED)
def _told(sums: Sums, standing: Standing) -> Body:
    samples = telling.number(sums.weight)
    if samples < MINIMUM:
        return {"samples": samples, "suggestions": [f"Too few loops yet ({_all(sums)}) to say how it will go."]}
    body: Body = {"samples": samples, "anomalies": [*standing.anomalies]}
    if (typical := expected(sums, 0, most=standing.most)) is not None:
        body["typical_iterations"] = {
            "iterations": typical.revisions,
            "probability": telling.probability(typical.within),
        }
    learned = Learned.of(sums).threshold
    if learned is not None:
        body["recommended_threshold"] = {
            "similarity": learned.threshold,
            "risk": telling.probability(learned.risk),
            "samples": telling.number(learned.slots),
        }
    left = None if standing.coming is None else expected(sums, standing.revisions, most=standing.most)
    if left is not None:
        body["remaining_iterations"] = {
            "iterations": left.revisions,
            "probability": telling.probability(left.within),
            "next_is_last": telling.probability(left.last_next),
        }
        body["estimated_completion"] = _completion(sums, standing, left.revisions)
    known = {name: value for name, value in body.items() if value != {}}
    return known | {"suggestions": _suggestions(sums, known, standing, left)}


def told_of(sums: Sums, revisions: int) -> int:
    """Give how many revisions more, after so many, five loops at least tell of: they came there, or ended before."""
    reached, ended = sums["reached"], sums["ended"]
    more = 0
    while revisions + more < LONGEST:
        here = revisions + more + 1
        if reached[here] + sum(ended[revisions + 1 : here]) < MINIMUM:
            break
        more += 1
    return more


def expected(sums: Sums, revisions: int, *, most: int = LONGEST + 1) -> hazard.Remaining | None:
    """Say how loops go on that have so many revisions and get one more, as far as five loops at least tell of it."""
    found = hazard.remaining(sums, revisions, most=most)
    # Nothing tells what comes after the longest loops that are told apart, but a maximum.
    unknown = revisions + found.revisions >= LONGEST < most
    return None if unknown or found.revisions > told_of(sums, revisions) else found


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


def _suggestions(sums: Sums, body: Body, standing: Standing, left: hazard.Remaining | None) -> list[str]:
    """Give the one thing that is most useful to know."""
    if standing.anomalies:
        return [f"Out of the ordinary: {'; '.join(standing.anomalies)}."]
    if standing.coming is None:
        return []
    more = told_of(sums, standing.revisions) if left is None else left.revisions
    if not more:
        return [f"Too few loops yet went on from here to say how it will go on ({_all(sums)} in all)."]
    told = body.get("estimated_completion", {})
    costs = [f"{told['seconds']:g} s"] if "seconds" in told else []
    costs += [f"{told['tokens']:,} tokens"] if "tokens" in told else []
    getting_there = f" Getting there takes about {' and '.join(costs)}." if costs else ""
    most = " The maximum allows no more." if standing.revisions + more >= standing.most else ""
    return [_went_on(sums, standing.revisions, more) + most + getting_there]


def _all(sums: Sums) -> str:
    return f"{telling.in_words(sums.weight)}{telling.by_age(sums)}"


def _went_on(sums: Sums, revisions: int, more: int) -> str:
    """Tell by counting how loops went on from so many revisions."""
    reached, ended = sums["reached"], sums["ended"]
    came, revised = reached[revisions], reached[revisions + 1]
    within = "1 more iteration" if more == 1 else f"{more} more iterations"
    return (
        f"Of {telling.in_words(came)} earlier loops that came this far{telling.by_age(sums)}, "
        f"{telling.in_words(revised)} were revised once more; of these "
        f"{telling.in_words(sum(ended[revisions + 1 : revisions + 1 + more]))} ended by themselves within {within}."
    )
