"""The threshold that is learned, against the same worked out from the raw slots by other means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.patterns import gain
from companions.patterns.sample import Revised, Sample
from companions.patterns.sums import PERIOD_SECONDS, merged
from tests.companions.told_slots import TOLD, guarded, learned_from

SLOTS = st.lists(TOLD, max_size=12)
EDGES = (1.0, 0.5, 0.3, 0.2, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01, 0.005, 0.0)


def settled(later: float, *, times: int, changed: float = 0.02) -> list[Sample]:
    """Loops whose first revision changed little, whose second one was scored so much higher."""
    steps = (Revised(similarity=1 - changed), Revised(similarity=0.2))
    return [Sample(revisions=2, censored=False, steps=steps, scores=(0.0, 0.5, 0.5 + later))] * times


@given(SLOTS)
def test_the_threshold_is_the_lowest_from_which_going_on_was_not_worth_it(slots: list[Sample]) -> None:
    many = slots * 25
    told = gain.learned(merged(*[learned_from(slots)] * 25))
    expected = None
    for edge in EDGES:
        crossed = [found for slot in many if (found := went_on(slot, edge)) is not None]
        gained = sum(max(-1.0, min(1.0, last - there)) for there, last, _, _ in crossed)
        revisions = sum(count for _, _, count, _ in crossed)
        improved = sum(better for *_, better in crossed)
        # Gains are counted in steps of 1/4096 each; what lies nearer to the border is not decided here.
        worth = (gained + 0.4) / (revisions + 20) - 0.005
        if len(crossed) >= 20 and abs(worth) <= 2e-4:
            return
        if len(crossed) >= 20 and worth <= 0 and improved <= len(crossed) / 2:
            expected = gain.LearnedThreshold(
                threshold=round(1 - edge, 6),
                risk=(improved + 1) / (len(crossed) + 2),
                slots=len(crossed),
                improved=improved,
            )
            break

    assert told == expected


def went_on(slot: Sample, edge: float) -> tuple[float, float, int, bool] | None:
    """The score at the first revision that changed so little, the last, how many came, and if one was worth it."""
    faulty = guarded(slot)
    scores = {number: score for number, score in enumerate(slot.scores) if score is not None and number not in faulty}
    last = next(number for number in range(slot.revisions, -1, -1) if number not in faulty)
    for number, step in enumerate(slot.steps, start=1):
        if step.similarity is None or faulty & {number, number - 1} or round(1 - step.similarity, 6) > edge:
            continue
        if number == last or number not in scores or last not in scores:
            return None
        here = scores[number]
        better = any(score > here + 0.005 * (place - number) for place, score in scores.items() if place > number)
        return here, scores[last], last - number, better
    return None


def test_a_revision_that_was_kept_but_not_taken_teaches_nothing() -> None:
    still, faulty = Revised(similarity=1.0), Revised(similarity=0.4, guarded=True)
    for score in (0.1, 0.9):
        slot = Sample(revisions=2, censored=True, steps=(still, faulty), scores=(None, 0.8, score))
        sums = learned_from([slot] * 40)
        assert gain.learned(sums) is None
        assert sums["crossed"] == sums["improved"] == sums["gained"] == (0.0,) * len(EDGES)


def test_behind_one_that_was_not_taken_the_next_that_was_is_what_going_on_came_to() -> None:
    steps = (Revised(similarity=0.99), Revised(similarity=0.1, guarded=True), Revised(similarity=0.05))
    for score, improved in ((0.5, 0), (0.4, 0), (0.6, 20)):
        slot = Sample(revisions=3, censored=False, steps=steps, scores=(0.0, 0.5, 1.0, score))
        sums = learned_from([slot] * 20)
        assert sums["crossed"][-1] == 20
        assert sums["improved"][-1] == improved
        assert sums["gained"][-1] == pytest.approx(20 * (score - 0.5), abs=0.01)
        assert sums["cost"][-1] == 40


def test_what_going_on_came_to_is_the_last_version_that_was_taken() -> None:
    steps = (Revised(similarity=0.99), Revised(similarity=0.3), Revised(similarity=0.1, guarded=True))
    sums = learned_from([Sample(revisions=3, censored=True, steps=steps, scores=(0.0, 0.5, 0.75, 0.0))])

    assert [sums[name][-1] for name in ("crossed", "improved", "gained", "cost")] == [1, 1, 0.25, 1]


def test_a_version_behind_one_that_was_not_taken_has_not_changed_little_by_being_like_it() -> None:
    steps = (Revised(similarity=0.1, guarded=True), Revised(similarity=1.0), Revised(similarity=0.5))
    sums = learned_from([Sample(revisions=3, censored=False, steps=steps, scores=(0.5, 0.1, 0.9, 0.8))])

    assert sums["crossed"] == (0.0,) * len(EDGES)


def test_a_later_version_counts_as_better_by_what_the_rule_asks_of_each_revision() -> None:
    steps = (Revised(similarity=0.98), Revised(similarity=0.2), Revised(similarity=0.2))
    for scores, improved in (
        ((0.8, 0.803, 0.8), 0),
        ((0.8, 0.805, 0.8), 0),
        ((0.8, 0.806, 0.8), 1),
        ((0.8, 0.8, 0.81), 0),
        ((0.8, 0.8, 0.811), 1),
    ):
        slot = Sample(revisions=3, censored=False, steps=steps, scores=(0.5, *scores))
        assert learned_from([slot])["improved"][-1] == improved


def test_gains_below_what_a_revision_must_gain_teach_a_threshold_of_which_no_improvement_is_told() -> None:
    told = gain.learned(learned_from(settled(0.003, times=300)))

    assert told == gain.LearnedThreshold(threshold=0.0, risk=1 / 302, slots=300, improved=0)


def test_no_threshold_is_learned_where_most_loops_improved_whatever_the_others_lost() -> None:
    for more, known in ((0, True), (1, False)):
        slots = settled(0.02, times=50 + more) + settled(-0.5, times=50)
        assert (gain.learned(learned_from(slots)) is not None) == known


def test_without_any_gain_it_takes_sixty_revisions_to_learn_a_threshold() -> None:
    assert gain.learned(learned_from(settled(0.0, times=59))) is None
    assert gain.learned(learned_from(settled(0.0, times=60))) is not None
    assert gain.learned(learned_from(settled(-0.01, times=20))) is not None


def test_a_threshold_beyond_which_no_loop_goes_any_more_is_forgotten_and_measured_anew() -> None:
    obeyed = learned_from(settled(-0.1, times=70))
    stopped = Sample(revisions=1, censored=False, steps=(Revised(similarity=0.98),), scores=(0.0, 0.5))
    known: list[bool] = []
    for period in range(4):
        for _ in range(30):
            obeyed = obeyed.and_sample(stopped, period * PERIOD_SECONDS)
        known.append(gain.learned(obeyed) is not None)

    assert known == [True, True, False, False]
    for slot in settled(0.3, times=70):
        obeyed = obeyed.and_sample(slot, 3 * PERIOD_SECONDS)
    assert gain.learned(obeyed) is None
    assert obeyed["improved"][-1] == 70


def test_going_on_that_gained_nothing_teaches_a_threshold_and_its_risk() -> None:
    told = gain.learned(learned_from(settled(0.0, times=90) + settled(0.01, times=10)))

    assert told == gain.LearnedThreshold(threshold=0.0, risk=11 / 102, slots=100, improved=10)


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
