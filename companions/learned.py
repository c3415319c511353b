"""What was learned that a new slot is judged by: read from sums once, when the slot is opened, and kept with it.

So that a slot is judged alike on every process and to its end, whatever is learned meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from companions.patterns import gain, reliability, telling
from companions.patterns.counting import WORTH
from companions.patterns.sums import NOTHING, Sums

REMEMBERED = 200
"""Sums of which it is remembered what they say: they change seldom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What is known of a companion type with a model.

    Attributes:
        threshold: The similarity from which on going on was not worth it, with its samples; ``None`` if too little is
            known.
        verdicts: How far a critic can be taken at its word.
    """

    threshold: gain.LearnedThreshold | None
    verdicts: reliability.Verdicts

    @staticmethod
    @lru_cache(maxsize=REMEMBERED)
    def of(sums: Sums) -> "Learned":
        """Read it from sums."""
        return Learned(threshold=gain.learned(sums), verdicts=reliability.verdicts(sums))

    @property
    def basis(self) -> dict[str, float]:
        """The numbers behind the threshold: loops that first came so near, how many improved later, the promised risk.

        Both counts are as they weigh when it is chosen.
        """
        found = self.threshold
        return {} if found is None else {"slots": found.slots, "improved": found.improved, "risk": round(found.risk, 4)}


UNLEARNED = Learned.of(NOTHING)


def in_words(basis: Mapping[str, float]) -> str:
    """Tell what a learned threshold rests on, as a clause; empty where it was not learned."""
    if not basis:
        return ""
    slots, share = telling.in_words(basis["slots"]), basis["improved"] / basis["slots"]
    return f"learned from {slots} loops, {share:.1%} of which improved later by more than {WORTH:g} a revision"
