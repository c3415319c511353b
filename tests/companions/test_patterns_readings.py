"""What is read from sums, against the same worked out from the raw slots by other means."""

from collections.abc import Sequence
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.patterns import gain, hazard, reliability
from companions.patterns.sample import Revised, Sample
from companions.patterns.sums import NOTHING, Sums, merged
from tests.companions.told_slots import TOLD

SLOTS = st.lists(TOLD, max_size=12)
EDGES = (1.0, 0.5, 0.3, 0.2, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01, 0.005, 0.0)


def learned_from(slots: Sequence[Sample]) -> Sums:
    sums = NOTHING
    for slot in slots:
        sums = sums.and_sample(slot, 0.0)
    return sums


def loops(*revisions: int, censored: bool = False) -> Sums:
    return learned_from([Sample(revisions=number, censored=censored) for number in revisions])


def settled(later: float, *, times: int, changed: float = 0.02) -> list[Sample]:
    """Loops whose first revision changed little, whose second one was scored so much higher."""
    steps = (Revised(similarity=1 - changed), Revised(similarity=0.2))
    return [Sample(revisions=2, censored=False, steps=steps, scores=(0.0, 0.5, 0.5 + later))] * times


@given(SLOTS, st.integers(0, 9))
def test_the_hazard_is_the_share_of_loops_that_ended_there_with_two_slots_of_doubt(
    slots: list[Sample], number: int
) -> None:
    reached = [slot for slot in slots if slot.revisions >= number]
    ended = [slot for slot in reached if slot.revisions == number and not slot.censored]

    assert hazard.hazard(learned_from(slots), number) == pytest.approx((len(ended) + 0.6) / (len(reached) + 2))


@given(SLOTS, st.integers(0, 14), st.integers(1, 14))
def test_what_remains_is_the_middle_of_all_ways_a_loop_can_go_on(slots: list[Sample], has: int, most: int) -> None:
    sums = learned_from(slots)
    expected = hazard.remaining(sums, has, most=most)
    last = max(has + 1, min(most, 10))
    ends: dict[int, float] = {}
    left = 1.0
    for number in range(has + 1, last + 1):
        ends[number] = left if number == last else left * hazard.hazard(sums, number)
        left -= ends[number]

    assert sum(ends.values()) == pytest.approx(1)
    assert expected.last_next == pytest.approx(ends[has + 1])
    assert expected.within == pytest.approx(sum(ends[number] for number in ends if number <= has + expected.revisions))
    assert sum(ends[number] for number in ends if number < has + expected.revisions) <= 0.5 + 1e-9
    assert expected.within > 0.5 - 1e-9


def test_with_many_loops_the_middle_is_that_of_the_loops_themselves() -> None:
    counts = [*[1] * 300, *[3] * 500, *[6] * 200]

    assert hazard.remaining(loops(*counts), 0).revisions == median_low(counts)
    assert hazard.remaining(loops(*counts), 1).revisions == 2
    assert hazard.remaining(loops(*counts), 3).revisions == 3
    assert hazard.remaining(loops(*counts), 3, most=4).revisions == 1


def test_a_loop_that_its_maximum_cut_tells_only_that_it_went_so_far() -> None:
    cut = loops(*[3] * 100, censored=True)

    assert hazard.hazard(cut, 3) == pytest.approx(0.6 / 102)
    assert hazard.remaining(cut, 3, most=9).revisions > 1


@given(SLOTS)
def test_the_threshold_is_the_lowest_from_which_going_on_was_not_worth_it(slots: list[Sample]) -> None:
    many = slots * 25
    told = gain.learned(merged(*[learned_from(slots)] * 25))
    expected = None
    for edge in EDGES:
        crossed = [found for slot in many if (found := went_on(slot, edge)) is not None]
        gained = sum(max(-1.0, min(1.0, last - there)) for there, last, _, _ in crossed)
        revisions = sum(count for *_, count in crossed)
        # Gains are counted in steps of 1/4096 each; what lies nearer to the border is not decided here.
        worth = (gained + 0.4) / (revisions + 20) - 0.005
        if len(crossed) >= 20 and abs(worth) <= 2e-4:
            return
        if len(crossed) >= 20 and worth <= 0:
            improved = sum(best > there for there, _, best, _ in crossed)
            expected = gain.Learned(
                threshold=round(1 - edge, 6),
                risk=(improved + 1) / (len(crossed) + 2),
                slots=len(crossed),
                improved=improved,
            )
            break

    assert told == expected


def went_on(slot: Sample, edge: float) -> tuple[float, float, float, int] | None:
    """The score at the first revision that changed so little, the last, the best behind it, and how many came."""
    scores = {number: score for number, score in enumerate(slot.scores) if score is not None}
    for number, step in enumerate(slot.steps, start=1):
        if step.similarity is None or step.guarded or round(1 - step.similarity, 6) > edge:
            continue
        if number == slot.revisions or number not in scores or slot.revisions not in scores:
            return None
        best = max(score for place, score in scores.items() if place > number)
        return scores[number], scores[slot.revisions], best, slot.revisions - number
    return None


def test_going_on_that_gained_nothing_teaches_a_threshold_and_its_risk() -> None:
    told = gain.learned(learned_from(settled(0.0, times=90) + settled(0.01, times=10)))

    assert told == gain.Learned(threshold=0.0, risk=11 / 102, slots=100, improved=10)


def test_going_on_that_was_worth_it_teaches_none() -> None:
    assert gain.learned(learned_from(settled(0.3, times=100))) is None


def test_nineteen_slots_teach_nothing() -> None:
    assert gain.learned(learned_from(settled(-0.5, times=19))) is None
    assert gain.learned(learned_from(settled(-0.5, times=20))) is not None


def test_only_the_first_revision_that_changed_so_little_is_counted() -> None:
    still = Sample(
        revisions=5, censored=False, steps=(Revised(similarity=1.0),) * 5, scores=(0.0, 0.5, 0.5, 0.5, 0.5, 0.5)
    )
    told = gain.learned(learned_from([still] * 30))

    assert told is not None
    assert told.slots == 30


def test_scores_without_bounds_count_by_one_at_most() -> None:
    wild = learned_from(settled(1e308, times=1) + settled(-1e308, times=1))

    assert wild["gained"] == (0.0,) * len(wild["gained"])


@given(SLOTS)
def test_a_critic_is_judged_by_the_scores_behind_its_verdicts(slots: list[Sample]) -> None:
    pairs = [
        (slot.scores[number], slot.scores[number + 1])
        for slot in slots
        for number in slot.accepted
        if number + 1 < len(slot.scores)
    ]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    told = reliability.verdicts(learned_from(slots))

    assert told.judged == len(known)
    assert told.better == sum(before < after for before, after in known)
    assert told.worse == sum(before > after for before, after in known)


def test_a_critic_misleads_once_going_on_has_helped_more_often_than_it_harmed() -> None:
    better = Sample(revisions=1, censored=False, scores=(0.0, 1.0), accepted=(0,))
    worse = Sample(revisions=1, censored=False, scores=(1.0, 0.0), accepted=(0,))

    assert not reliability.verdicts(learned_from([better] * 19)).misleading
    assert reliability.verdicts(learned_from([better] * 20)).misleading
    assert not reliability.verdicts(learned_from([better] * 20 + [worse] * 20)).misleading
