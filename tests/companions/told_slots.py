"""Slots as loops tell them, by chance: with any scores and times, over any periods."""

from collections.abc import Sequence
from functools import reduce
from random import Random

from hypothesis import strategies as st

from companions.patterns.sample import PHASES, Effort, Revised, Sample
from companions.patterns.sums import EPOCH, NOTHING, PERIOD_SECONDS, Sums

SCORES = (0.0, 1.0, 1e308, -1e308, 5e-324, 0.1, -0.3)


def told_by_chance(seed: int) -> Sample:
    random = Random(seed)  # noqa: S311 - nothing is kept secret here
    revisions = random.randrange(14)
    scored, measured = random.randrange(revisions + 2), random.randrange(revisions + 1)
    return Sample(
        revisions=revisions,
        censored=random.random() < 0.3,
        steps=tuple(
            Revised(similarity=random.choice([None, 1.0, random.random() ** 0.1]), guarded=random.random() < 0.1)
            for _ in range(measured)
        ),
        scores=tuple(random.choice([None, random.random(), random.choice(SCORES)]) for _ in range(scored)),
        accepted=tuple(random.sample(range(revisions + 1), random.randrange(min(revisions, 2) + 1))),
        picked=random.choice([None, random.randrange(revisions + 1)]),
        current=random.choice([None, revisions]),
        efforts={phase: _effort(random) for phase in PHASES if random.random() < 0.9},
    )


def _effort(random: Random) -> Effort:
    steps = random.randrange(15)
    seconds = random.choice([0.0, random.random(), random.random() * 1e5])
    return Effort(steps=steps, seconds=seconds, reported=random.randrange(steps + 1), tokens=random.randrange(10**7))


TOLD = st.integers(0, 2**32).map(told_by_chance)
ENDED = st.tuples(TOLD, st.floats(0, 5 * EPOCH).map(lambda period: period * PERIOD_SECONDS))
SUMS = st.lists(ENDED, max_size=6).map(lambda ended: reduce(lambda sums, each: sums.and_sample(*each), ended, NOTHING))


def ended_after(revisions: int, period: int) -> Sums:
    return NOTHING.and_sample(Sample(revisions=revisions, censored=False), period * PERIOD_SECONDS)


def learned_from(slots: Sequence[Sample]) -> Sums:
    """Count slots that all ended in the first period."""
    sums = NOTHING
    for slot in slots:
        sums = sums.and_sample(slot, 0.0)
    return sums


def guarded(slot: Sample) -> set[int]:
    """Give the versions that were kept and not taken."""
    return {number for number, step in enumerate(slot.steps, start=1) if step.guarded}
