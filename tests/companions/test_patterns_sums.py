"""What was learned adds up exactly, whoever learned which part, and ages by halves."""

import json
from functools import reduce
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from companions.patterns.sums import EPOCH, NOTHING, PERIOD_SECONDS, Sums, from_json, merged
from tests.companions.told_slots import ENDED, SUMS, ended_after, told_by_chance


@given(st.lists(st.tuples(ENDED, st.integers(0, 3)), max_size=12), st.randoms(use_true_random=False))
def test_processes_that_learn_apart_know_the_same_as_one(ended: list[tuple[Any, int]], random: Random) -> None:
    alone, apart = NOTHING, [NOTHING] * 4
    for each, process in ended:
        alone = alone.and_sample(*each)
        apart[process] = apart[process].and_sample(*each)
    random.shuffle(apart)
    shuffled = random.sample(ended, len(ended))

    assert merged(*apart) == alone
    assert reduce(merged, (NOTHING.and_sample(*each) for each, _ in shuffled), NOTHING) == alone
    assert merged(*apart).to_json() == alone.to_json()


@given(SUMS, SUMS, SUMS)
def test_merging_is_free_of_order_and_grouping(one: Sums, two: Sums, three: Sums) -> None:
    together = merged(one, two, three)

    assert merged(three, one, two) == together
    assert merged(merged(one, two), three) == together
    assert merged(one, merged(two, three)) == together
    assert merged(together, NOTHING) == together


@given(st.integers(0, 3 * EPOCH), st.integers(0, EPOCH))
def test_a_slot_weighs_half_in_each_later_period(period: int, passed: int) -> None:
    sums = ended_after(2, period).aged_to(period + passed)

    assert sums["ended"][2] == sums.weight == 0.5**passed
    assert merged(ended_after(2, period), ended_after(0, period + passed))["reached"][0] == 1 + 0.5**passed


@given(SUMS, st.integers(0, 9 * EPOCH), st.integers(0, 9 * EPOCH))
def test_ageing_at_once_or_by_and_by_is_the_same_and_never_makes_younger(sums: Sums, one: int, two: int) -> None:
    first, second = sorted((one, two))

    assert sums.aged_to(first).aged_to(second) == sums.aged_to(second)
    assert sums.aged_to(second).aged_to(first) == sums.aged_to(second)


@given(SUMS, SUMS, st.integers(0, 9 * EPOCH))
def test_ageing_before_or_after_merging_weighs_the_same(one: Sums, two: Sums, period: int) -> None:
    late = max(period, one.period, two.period)
    apart, together = merged(one.aged_to(late), two.aged_to(late)), merged(one, two).aged_to(late)

    assert (apart.recent, apart.earlier) == (together.recent, together.earlier)


def test_what_weighs_next_to_nothing_is_forgotten_with_its_count() -> None:
    old, new = ended_after(1, 0), ended_after(2, 2 * EPOCH)

    assert merged(old, new) == merged(new, old) == new
    assert old.aged_to(2 * EPOCH - 1).slots == 1
    assert old.aged_to(2 * EPOCH).slots == 0


@given(SUMS)
def test_what_was_written_is_read_as_it_was(sums: Sums) -> None:
    assert from_json(json.loads(json.dumps(sums.to_json()))) == sums


def test_ten_thousand_slots_over_as_many_periods_as_are_known_take_less_than_2_kilobytes() -> None:
    known = [NOTHING.and_sample(told_by_chance(seed), seed % (2 * EPOCH) * PERIOD_SECONDS) for seed in range(500)]
    ten_thousand = merged(*known * 20)

    assert ten_thousand.slots == 10_000
    assert len(json.dumps(ten_thousand.to_json())) < 2_000
