"""What going on was worth once a revision had changed little: a threshold that is learned, and what it risks.

It speaks only where versions were scored: by tests, by checks, by whoever gave a score, by a comparison. What is
counted is the first revision of each slot that changed so little, else loops that stand still would count most.
"""

from dataclasses import dataclass

from companions.patterns.counting import EDGES, WORTH
from companions.patterns.sums import Sums

ENOUGH = 20.0
"""Slots, as they weigh today, below which no threshold is learned."""
_PRIOR_GAIN = 0.02
"""What as many revisions more are taken to have gained each: little is learned of little, and nothing of chance."""
_MOST = 0.5
"""The share of slots that may have improved later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedThreshold:
    """A threshold that was learned.

    Attributes:
        threshold: The similarity from which on stopping is advised.
        risk: The probability that going on would have been worth it after all: no share that was seen, but one drawn
            towards a half as by two more slots.
        slots: How many slots first changed so little, of those that can tell, as they weigh today.
        improved: How many of them had a later version that was better by more than ``WORTH`` a revision.
    """

    threshold: float
    risk: float
    slots: float
    improved: float


def learned(sums: Sums) -> LearnedThreshold | None:
    """Give the lowest threshold that going on has not been worth, or ``None`` while too little is known.

    It was not worth it in the mean, and not for most: what a few lost outweighs nothing that most have gained.
    """
    crossed, gains, costs, improvements = (sums[name] for name in ("crossed", "gained", "cost", "improved"))
    for place in range(len(EDGES) - 1, -1, -1):
        slots, improved, mean = crossed[place], improvements[place], _mean(gains[place], costs[place])
        if slots >= ENOUGH and mean <= WORTH and improved <= _MOST * slots:
            return LearnedThreshold(
                threshold=round(1.0 - EDGES[place], 6),
                risk=(improved + 1.0) / (slots + 2.0),
                slots=slots,
                improved=improved,
            )
    return None


def _mean(gained: float, revisions: float) -> float:
    """Estimate what a revision gained."""
    return (gained + ENOUGH * _PRIOR_GAIN) / (revisions + ENOUGH)
