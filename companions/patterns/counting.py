"""How one slot is counted: which sums there are, and what a sample adds to each, in whole numbers.

When a slot counts how much is for ``sums`` to say. The sums are those of a study of some 4,500 recorded revision
histories: how often loops end after each revision, what going on was worth once a revision changed little, whether
critics' verdicts hold, and what steps take.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from companions.patterns.sample import PHASES, Revised, Sample

LONGEST = 10
"""Revisions up to which loops are told apart."""
EDGES = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 1.0)
"""Shares of changed words, each a possible threshold."""
_LENGTHS = {
    "reached": LONGEST + 1,
    "ended": LONGEST + 1,
    "crossed": len(EDGES),
    "improved": len(EDGES),
    "gained": len(EDGES),
    "cost": len(EDGES),
    "accepted": 1,
    "better_after": 1,
    "worse_after": 1,
    "picked": 1,
    "flipped": 1,
    "helped": 1,
    "steps": len(PHASES),
    "seconds": len(PHASES),
    "reported": len(PHASES),
    "tokens": len(PHASES),
}


def _places() -> Iterator[tuple[str, slice]]:
    start = 0
    for name, length in _LENGTHS.items():
        yield name, slice(start, start + length)
        start += length


PLACES = dict(_places())
"""Where each array of sums stands among all values."""
SIZE = sum(_LENGTHS.values())
WORTH = 0.005
"""What one more revision must gain, on a scale of 0 to 1, to be worth its price."""
FINE = 4096
"""How many parts measures are counted in, where they are no whole numbers."""
UNITS = dict.fromkeys(_LENGTHS, 1) | {"gained": FINE, "seconds": FINE}
_NO_MORE_THAN = {
    "ended": "reached",
    "improved": "crossed",
    "crossed": "cost",
    "better_after": "accepted",
    "worse_after": "accepted",
    "flipped": "picked",
    "helped": "picked",
}
"""By array, the one that holds at least as much at the same place, whatever the slots were."""


class _Version(NamedTuple):
    """A version of a slot: the share of words that it changed, and its score, where they are known."""

    number: int
    changed: float | None
    score: float | None


def counted(sample: Sample) -> tuple[int, ...]:
    """Give what one slot adds to all sums."""
    values = [0] * SIZE
    for name, numbers in _arrays(sample):
        values[PLACES[name]] = [round(number * UNITS[name]) for number in numbers]
    return tuple(values)


def possible(values: Sequence[int]) -> bool:
    """Tell whether sums can have come of slots."""
    arrays = {name: values[place] for name, place in PLACES.items()}
    gains, reached = arrays.pop("gained"), arrays["reached"]
    return (
        all(before >= after for before, after in pairwise(reached))
        and all(number >= 0 for numbers in arrays.values() for number in numbers)
        and all(abs(gain) <= FINE * slots for gain, slots in zip(gains, arrays["crossed"], strict=True))
        and all(
            less <= more
            for name, greater in _NO_MORE_THAN.items()
            for less, more in zip(arrays[name], arrays[greater], strict=True)
        )
    )


def _arrays(sample: Sample) -> Iterator[tuple[str, Sequence[float]]]:
    reached = [float(number <= sample.revisions) for number in range(LONGEST + 1)]
    ends = not sample.censored
    yield "reached", reached
    yield "ended", [float(ends and number == sample.revisions) for number in range(LONGEST + 1)]
    taken = _taken(sample)
    crossings = [_crossing(taken, edge) for edge in EDGES]
    yield from zip(("crossed", "improved", "gained", "cost"), zip(*crossings, strict=True), strict=True)
    verdicts = _verdicts(taken, sample.accepted)
    yield from zip(("accepted", "better_after", "worse_after"), ([number] for number in verdicts), strict=True)
    compared = sample.picked is not None and sample.current is not None
    yield "picked", [compared]
    yield "flipped", [compared and sample.picked != sample.current]
    yield "helped", [compared and bool(sample.picked)]
    efforts = [sample.efforts.get(phase) for phase in PHASES]
    yield "steps", [0 if each is None else each.steps for each in efforts]
    yield "seconds", [0 if each is None else each.seconds for each in efforts]
    yield "reported", [0 if each is None else each.reported for each in efforts]
    yield "tokens", [0 if each is None else each.tokens for each in efforts]


def _taken(sample: Sample) -> list[_Version]:
    """Give the versions of a slot that were anybody's text: one that was guarded was kept and never taken."""
    taken = [_Version(0, None, _score(sample, 0))]
    for number in range(1, sample.revisions + 1):
        step = sample.steps[number - 1] if number <= len(sample.steps) else Revised()
        if step.guarded:
            continue
        # Behind a guarded version its similarity is that to the guarded one.
        near = step.similarity if taken[-1].number == number - 1 else None
        taken.append(_Version(number, None if near is None else round(1 - near, 6), _score(sample, number)))
    return taken


def _score(sample: Sample, number: int) -> float | None:
    return sample.scores[number] if number < len(sample.scores) else None


def _crossing(taken: Sequence[_Version], edge: float) -> tuple[float, float, float, float]:
    """Tell what going on was worth after the first version that changed no more than a share of the words.

    Gives whether there was such a version with others behind it, whether getting to one of these was worth it, how much
    better the last was, by 1 at most, and how many revisions that took.
    """
    places = (place for place, each in enumerate(taken) if each.changed is not None and each.changed <= edge)
    first = next(places, len(taken) - 1)
    here, later = taken[first], taken[first + 1 :]
    if not later or here.score is None or later[-1].score is None:
        return 0.0, 0.0, 0.0, 0.0
    improved = any(
        _worth(each.score - here.score, each.number - here.number) for each in later if each.score is not None
    )
    gained = min(max(later[-1].score - here.score, -1.0), 1.0)
    return 1.0, float(improved), gained, float(later[-1].number - here.number)


def _worth(gained: float, revisions: int) -> bool:
    # Rounded, since .805 - .8 is a little more than .005.
    return round(gained - WORTH * revisions, 9) > 0


def _verdicts(taken: Sequence[_Version], accepted: Collection[int]) -> tuple[float, float, float]:
    """Count the verdicts that nothing was left to improve, of those that a later score speaks of, and what it says.

    A critic reads the version that stands; what came of going on is told by the revision right behind its verdict.
    """
    pairs = [(before.score, after.score) for before, after in pairwise(taken) if after.number - 1 in accepted]
    judged = [(before, after) for before, after in pairs if before is not None and after is not None]
    better = sum(after > before for before, after in judged)
    worse = sum(after < before for before, after in judged)
    return float(len(judged)), float(better), float(worse)
