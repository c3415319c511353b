"""What going on was worth once a revision had changed little: a threshold that is learned, and what it risks.

It speaks only where versions were scored: by tests, by checks, by whoever gave a score, by a comparison. What is
counted is the first revision of each slot that changed so little, else loops that stand still would count most.
"""

from dataclasses import dataclass

from companions.patterns.counting import EDGES
from companions.patterns.sums import Sums

ENOUGH = 20.0
"""Slots, as they weigh today, below which no threshold is learned."""
_PRIOR_GAIN = 0.02
WORTH = 0.005
"""What one more revision must gain, on a scale of 0 to 1, to be worth its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A threshold that was learned.

    Attributes:
        threshold: The similarity from which on stopping is advised.
        risk: The probability that a later version would have been better.
        slots: How many slots first changed so little, of those that can tell, as they weigh today.
        improved: How many of them improved later.
    """

    threshold: float
    risk: float
    slots: float
    improved: float


def learned(sums: Sums, *, worth: float = WORTH) -> Learned | None:
    """Give the lowest threshold that going on has not been worth, or ``None`` while too little is known."""
    crossed, gains, costs = (sums[name] for name in ("crossed", "gained", "cost"))
    for place in range(len(EDGES) - 1, -1, -1):
        slots, gained, cost = crossed[place], gains[place], costs[place]
        if slots >= ENOUGH and (gained + ENOUGH * _PRIOR_GAIN) / (cost + ENOUGH) <= worth:
            improved = sums["improved"][place]
            risk = (improved + 1.0) / (slots + 2.0)
            return Learned(threshold=round(1.0 - EDGES[place], 6), risk=risk, slots=slots, improved=improved)
    return None
