"""Which version a finished loop hands back: what its signals say, and which two are to be compared where they disagree.

The newest version is not always the best. Nothing is asked or recorded here: a comparison is somebody else's reading,
and comes back as votes.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from companions.companion import Slot, version_of
from companions.entries import Entry
from companions.similarity import words

Vote = Literal["earlier", "later", "tie"]

BLOWN_UP = 1.8
"""From this ratio of its words to those of the version before it, a version may only have become longer."""
SETTLING = 0.05
"""How much less alike the newest two versions may be than the two before them, in a loop that settles."""
ORDERS = 2
"""How often two versions are compared: each stands first once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The version to hand back, by number, and why, in one sentence."""

    version: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Two versions that are to be compared, each order once, and why, as a clause."""

    earlier: Entry
    later: Entry
    why: str

    @property
    def versions(self) -> tuple[int, int]:
        """Their numbers."""
        return version_of(self.earlier), version_of(self.later)

    def order(self, number: int) -> tuple[Entry, Entry]:
        """Give the two as they are shown in the first (0) or the second (1) comparison."""
        return (self.later, self.earlier) if number else (self.earlier, self.later)


def choose(slot: Slot, stop_reason: str | None) -> Choice | Contest:
    """Choose among a slot's newest versions, once its loop has ended.

    Args:
        slot: At least drafted.
        stop_reason: Why it ended.
    """
    standing, current = _standing(slot), slot.current
    if current is None:
        raise ValueError("a slot without a draft has no version to pick")
    if len(standing) < 2 or current not in standing:  # noqa: PLR2004 - with fewer there is nothing to choose from
        return Choice(version=version_of(current), why=f"Version {version_of(current)} is the one that stands.")
    return _scored(standing, current) or _checked(standing, current) or _signalled(slot, standing, current, stop_reason)


def outscored(slot: Slot) -> str | None:
    """Tell as a clause that the current text has a lower score than a version before it, the best of them."""
    scored, current = _with_score(_standing(slot)), slot.current
    if current is None or current not in scored:
        return None
    best, score = _best(scored), current.meta["score"]
    if best.meta["score"] <= score:
        return None
    return (
        f"version {version_of(current)} has a score of {score:g} where "
        f"version {version_of(best)} has {best.meta['score']:g}"
    )


def decide(contest: Contest, votes: Sequence[Vote]) -> Choice:
    """Count the votes of a comparison; a tie goes to the earlier version."""
    later, earlier = votes.count("later"), votes.count("earlier")
    old, new = contest.versions
    told = f"compared in both orders because {contest.why}: {earlier} for version {old}, {later} for version {new}"
    if later > earlier:
        return Choice(version=new, why=f"Version {new} was preferred, {told}.")
    how = "was preferred" if earlier > later else "is the earlier one of two that are as good"
    return Choice(version=old, why=f"Version {old} {how}, {told}.")


def names(number: int) -> str:
    """Give the letters of the two texts of the first (0) or second (1) comparison: they tell a repeated answer."""
    return ("AB", "CD")[number]


def is_vote(text: str) -> bool:
    """Tell whether a text can be an answer to one of the comparisons."""
    return _said(text) in {choice for number in range(ORDERS) for choice in _choices(number)}


def said_in(text: str, number: int) -> str | None:
    """Read a caller's answer to a comparison: the better text's letter, or a word for a tie; ``None`` if neither."""
    return said if (said := _said(text)) in _choices(number) else None


def _said(text: str) -> str:
    """Give the letters of an answer, without what stands around them."""
    return text.strip(f"{string.whitespace}{string.punctuation}").upper()


def _choices(number: int) -> tuple[str, ...]:
    return (*names(number), f"TIE{names(number)}")


def vote(better: str | None, number: int) -> Vote:
    """Read the letter of the text that was called better in a comparison as a vote; anything else is a tie."""
    if better is None or better not in tuple(names(number)):
        return "tie"
    return "earlier" if names(number).index(better) == number else "later"


def _standing(slot: Slot) -> list[Entry]:
    return [version for version in slot.versions if not version.meta.get("guard")]


def _with_score(standing: Sequence[Entry]) -> list[Entry]:
    return [version for version in standing if "score" in version.meta]


def _scored(standing: Sequence[Entry], current: Entry) -> Choice | None:
    """Take the version with the highest score, where its caller has scored the current one and another."""
    scored = _with_score(standing)
    if len(scored) < 2 or current not in scored:  # noqa: PLR2004 - one score compares with nothing
        return None
    best = _best(scored)
    why = f"Version {version_of(best)} has the highest score, {best.meta['score']:g} of {len(scored)} scored."
    return Choice(version=version_of(best), why=why)


def _best(scored: Sequence[Entry]) -> Entry:
    """Give the version with the highest score, the earliest of several."""
    return max(scored, key=lambda version: (version.meta["score"], -version_of(version)))


def _checked(standing: Sequence[Entry], current: Entry) -> Choice | None:
    """Take the newest version that passes all checks, where the current one does not."""
    if not current.meta.get("checks"):
        return None
    passing = [version for version in standing if version.meta.get("checks") == []]
    if not passing:
        return None
    number = version_of(passing[-1])
    return Choice(version=number, why=f"Version {number} passes all checks; version {version_of(current)} does not.")


def _signalled(slot: Slot, standing: Sequence[Entry], current: Entry, stop_reason: str | None) -> Choice | Contest:
    before = standing[standing.index(current) - 1]
    if stop_reason == "cycle":
        back = slot.newest.meta.get("answer", 0)
        known = {version_of(version): version for version in standing}
        return Contest(earlier=known.get(back, standing[0]), later=before, why="the versions went back and forth")
    doubt = _doubt(slot, standing, current, before, stop_reason)
    if doubt is not None:
        return Contest(earlier=before, later=current, why=doubt)
    number = version_of(current)
    return Choice(version=number, why=f"Nothing speaks against version {number}: the loop ended ({stop_reason}).")


def _doubt(slot: Slot, standing: Sequence[Entry], current: Entry, before: Entry, stop_reason: str | None) -> str | None:
    """Say what makes it doubtful that the current version is better than the one before it."""
    old, new = len(words(before.text)), len(words(current.text))
    if new > BLOWN_UP * max(old, 1):
        return f"version {version_of(current)} has {new} words where the one before has {old}"
    if slot.critique is not None and slot.critique.meta.get("evidence"):
        return "evidence was given that they can be held against"
    if len(standing) > 2 and _similarity(current) + SETTLING < _similarity(before):  # noqa: PLR2004 - two changes
        return "the last change was larger than the one before it"
    return None if stop_reason in ("converged", "critic_satisfied") else "the loop ended before it had settled"


def _similarity(version: Entry) -> float:
    found: Any = version.meta.get("similarity")
    return 1.0 if found is None else float(found)
