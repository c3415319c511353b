"""How many revisions are still to come, from how often loops ended after each.

A naive mean errs twice as far: loops end at once or go on to their maximum. What similarity the newest versions have
adds nothing to it.
"""

from dataclasses import dataclass

from companions.patterns.counting import LONGEST
from companions.patterns.sums import Sums

_PRIOR, _PRIOR_SLOTS = 0.3, 2.0
_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """How a loop that is revised once more is likely to go: estimates, no shares that were seen.

    Attributes:
        revisions: How many more there are in the middle of all cases, at least 1.
        within: The probability that there are no more than that.
        last_next: The probability that the next one is the last.
    """

    revisions: int
    within: float
    last_next: float


def hazard(sums: Sums, number: int) -> float:
    """The probability that a loop which got to a revision ends with it; 1 from the longest on.

    It is estimated as if two more loops had got there, .6 of which ended.
    """
    if number >= LONGEST:
        return 1.0
    ended, reached = sums["ended"][number], sums["reached"][number]
    return (ended + _PRIOR_SLOTS * _PRIOR) / (reached + _PRIOR_SLOTS)


def remaining(sums: Sums, revisions: int, *, most: int = LONGEST) -> Remaining:
    """Say how a loop goes on that has so many revisions and gets one more.

    Args:
        sums: What was learned.
        revisions: How many it has.
        most: With which revision it ends anyway.
    """
    last = max(min(most, LONGEST), revisions + 1)
    going_on, number = 1.0, revisions
    while going_on >= _HALF:
        number += 1
        going_on *= 0.0 if number >= last else 1.0 - hazard(sums, number)
    next_ends = 1.0 if revisions + 1 >= last else hazard(sums, revisions + 1)
    return Remaining(revisions=number - revisions, within=1.0 - going_on, last_next=next_ends)
