"""Paces: so many a minute, refilled as time goes by, in memory that does not grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware import paces
from middleware.paces import Paces


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 120), st.lists(st.floats(0, 30), max_size=300))
def test_in_no_minute_more_is_let_through_than_a_full_bucket_and_its_refill(most: int, pauses: list[float]) -> None:
    clock, taken = Clock(), list[float]()
    kept = Paces(most, clock)
    for pause in pauses:
        clock.now += pause
        if not kept.wait("ann"):
            taken.append(clock.now)
    for at in taken:
        assert sum(at <= other <= at + paces.SECONDS for other in taken) <= 2 * most


@given(st.integers(1, 120))
def test_whoever_waits_as_long_as_told_is_let_through(most: int) -> None:
    clock = Clock()
    kept = Paces(most, clock)
    assert [kept.wait("ann") for _ in range(most)] == [0] * most
    told = kept.wait("ann")
    assert told >= 1
    clock.now += told
    assert kept.wait("ann") == 0


def test_many_owners_take_no_more_memory_than_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paces, "MOST_OWNERS", 3)
    kept = Paces(1)
    assert [kept.wait(name) for name in ("ann", "bob", "cat", "dan")] == [0] * 4
    assert len(vars(kept)["_left"]) == 3
    assert kept.wait("dan") > 0
