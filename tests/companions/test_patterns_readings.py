"""What is read from sums of endings and verdicts, against the same worked out from the raw slots by other means."""

from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.patterns import hazard, reliability
from companions.patterns.sample import Revised, Sample
from companions.patterns.sums import Sums
from tests.companions.told_slots import TOLD, guarded, learned_from

SLOTS = st.lists(TOLD, max_size=12)


def loops(*revisions: int, censored: bool = False) -> Sums:
    return learned_from([Sample(revisions=number, censored=censored) for number in revisions])


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
def test_a_critic_is_judged_by_the_scores_behind_its_verdicts(slots: list[Sample]) -> None:
    pairs = [
        (slot.scores[max({*range(number + 1)} - guarded(slot))], slot.scores[number + 1])
        for slot in slots
        for number in slot.accepted
        if number + 1 < len(slot.scores) and number + 1 not in guarded(slot)
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


def test_what_was_not_taken_speaks_neither_for_a_critic_nor_against_it() -> None:
    steps = (Revised(similarity=0.4, guarded=True), Revised(similarity=0.9))
    refused = Sample(revisions=1, censored=True, steps=steps[:1], scores=(0.5, 0.9), accepted=(0,))
    of_the_draft = Sample(revisions=2, censored=False, steps=steps, scores=(0.5, 0.9, 0.6), accepted=(1,))

    assert reliability.verdicts(learned_from([refused] * 40)).judged == 0
    assert reliability.verdicts(learned_from([of_the_draft])) == reliability.Verdicts(judged=1, better=1, worse=0)
