"""Loops with a slow model and a program that is killed, quickly; ``python -m benchmarks.loops`` takes its time."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loops import consulting, refining
from tests.loops.thinking import Trial, an_entry_was_stored, versions_are_compared
from tests.loops.writing_callers import written
from tests.wire.processes import ERAS, Kind

pytestmark = pytest.mark.timeout(300)  # after each kill a lease is waited for, on whatever machine there is
ALLOWANCE_SECONDS = 10.0
"""For a program that starts and connects while other tests run; what is held to the second, the command times."""
Make = Callable[..., Trial]


@pytest.fixture(autouse=True)
def unheard() -> Iterator[None]:
    """Keep a client's library quiet: it complains of every server that is killed."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(kind: Kind, store: str | None = None) -> Trial:
        return Trial(
            name=f"loops over {kind}",
            store=store or f"sqlite:///{tmp_path / 'kept.db'}",
            folder=tmp_path / "home",
            kind=kind,
            eras=ERAS,
            seconds=1,
            reply_seconds=3,
            allowance=ALLOWANCE_SECONDS,
        )

    return made


async def test_a_loop_outlives_a_kill_during_its_pick_and_no_result_that_was_stored_is_paid_for_again(
    make: Make, postgres_server: Any
) -> None:
    trial = make("http", store=postgres_server.url("loops"))
    report = await refining.refined(trial, [versions_are_compared])
    assert report.wrong == []
    assert report.figures["answered running"] > 0
    assert 1 <= report.figures["asked again"] <= 2


async def test_companions_are_asked_side_by_side_then_the_synthesizer_and_one_that_fails_is_told(make: Make) -> None:
    report = await consulting.timed(make("http"))
    assert report.wrong == []


async def test_a_consultation_outlives_a_kill_and_nobody_who_contributed_is_asked_again(
    make: Make, redis_server: Any
) -> None:
    report = await consulting.consulted(make("stdio", store=redis_server.url("loops")), [an_entry_was_stored])
    assert report.wrong == []
    assert 1 <= report.figures["asked again"] <= 2


async def test_a_caller_writes_both_loops_to_their_ends_over_a_kill_and_each_text_is_stored_once(make: Make) -> None:
    report = await written(make("http"), seed=1, kills=["during"])
    assert report.wrong == []
    assert report.figures["answered"] == report.figures["stored"] == report.figures["texts sent"]
