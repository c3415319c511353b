"""What was learned that a new slot is judged by: read from sums once, when the slot is opened, and kept with it.

So that a slot is judged alike on every process and to its end, whatever is learned meanwhile.
"""

from dataclasses import dataclass

from companions.patterns import gain, reliability
from companions.patterns.sums import NOTHING, Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What is known of a companion type with a model.

    Attributes:
        threshold: The similarity from which on going on was not worth it, with its samples; ``None`` if too little is
            known.
        verdicts: How far a critic can be taken at its word.
    """

    threshold: gain.Learned | None
    verdicts: reliability.Verdicts

    @classmethod
    def of(cls, sums: Sums) -> "Learned":
        """Read it from sums."""
        return cls(threshold=gain.learned(sums), verdicts=reliability.verdicts(sums))

    @property
    def basis(self) -> dict[str, float]:
        """The numbers behind the threshold: loops that first came so near, how many improved later, that as a risk."""
        found = self.threshold
        return {} if found is None else {"slots": found.slots, "improved": found.improved, "risk": round(found.risk, 4)}


UNLEARNED = Learned.of(NOTHING)
