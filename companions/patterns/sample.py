"""What one slot tells of how thinking went: numbers that its entries hold already, and none of its words."""

from dataclasses import dataclass, field
from math import isfinite

from companions.models import Step

PHASES: tuple[Step, ...] = ("draft", "critique", "revise")
_AN_AGE = 2.0**40


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """One revision against the version before it.

    Attributes:
        similarity: 0 to 1, over words in order; ``None`` if it was not measured.
        guarded: Whether it was kept and not taken.
    """

    similarity: float | None = None
    guarded: bool = False

    def __post_init__(self) -> None:
        """Refuse a similarity that nothing measures."""
        if self.similarity is not None and not 0 <= self.similarity <= 1:
            raise ValueError(f"a similarity lies between 0 and 1, not at {self.similarity}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What steps of one phase took.

    Attributes:
        steps: How many of them told their time.
        seconds: How long these took together.
        reported: How many told their tokens.
        tokens: How many tokens these used together, read and written.
    """

    steps: int = 0
    seconds: float = 0.0
    reported: int = 0
    tokens: int = 0

    def __post_init__(self) -> None:
        """Refuse what no steps can have taken."""
        if min(self.steps, self.reported, self.tokens) < 0 or not 0 <= self.seconds < _AN_AGE:
            raise ValueError(f"steps cannot have taken this: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one slot tells, once it has ended or was left.

    Attributes:
        revisions: How many there were.
        censored: Whether something else than the thinking ended it: a maximum, a budget, its person.
        steps: One for each revision, the first ones if they are too many.
        scores: What each version was scored, the draft first; empty where none was, ``None`` for one that was not.
        accepted: After how many revisions a critic found nothing left to improve.
        picked: The version that was picked, of two or more.
        current: The version that would have been the answer without the pick.
        efforts: By phase.
    """

    revisions: int
    censored: bool
    steps: tuple[Revised, ...] = ()
    scores: tuple[float | None, ...] = ()
    accepted: tuple[int, ...] = ()
    picked: int | None = None
    current: int | None = None
    efforts: dict[Step, Effort] = field(default_factory=dict[Step, Effort])

    def __post_init__(self) -> None:
        """Refuse numbers that no slot can have."""
        if self.revisions < 0 or len(self.steps) > self.revisions or len(self.scores) > self.revisions + 1:
            raise ValueError(
                f"{self.revisions} revisions do not fit {len(self.steps)} steps, {len(self.scores)} scores"
            )
        if not all(isfinite(score) for score in self.scores if score is not None):
            raise ValueError(f"scores are finite numbers, unlike some of {self.scores}")
        if any(not 0 <= number <= self.revisions for number in self.accepted):
            raise ValueError(f"a critic accepts one of the versions 0 to {self.revisions}, not {self.accepted}")
