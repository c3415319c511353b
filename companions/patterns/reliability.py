"""How far verdicts and loops can be trusted: whether what a critic accepts stays best, and whether refining helps."""

from dataclasses import dataclass

from companions.patterns.sums import Sums

ENOUGH = 20.0
"""Verdicts, as they weigh today, below which a critic is taken at its word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What scores say of the versions that a critic accepted, where a revision came all the same.

    Attributes:
        judged: How many there were, as they weigh today.
        better: How many of these revisions were better.
        worse: How many were worse.
    """

    judged: float
    better: float
    worse: float

    @property
    def misleading(self) -> bool:
        """Whether going on after this critic is content has helped more often than it harmed."""
        return self.judged >= ENOUGH and self.better > self.worse


def verdicts(sums: Sums) -> Verdicts:
    """Say what is known of a critic's verdicts."""
    return Verdicts(judged=sums.one("accepted"), better=sums.one("better_after"), worse=sums.one("worse_after"))
