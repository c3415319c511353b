"""A store that goes away for a while goes unnoticed but for the advice; a command takes it away for longer."""

from pathlib import Path

import pytest

from tests.survival.backends import How, Place
from tests.survival.outage_report import Report
from tests.survival.outages import Outage

SECONDS = 3.0
"""Longer than the deadline of a call to the store: at the end of it the server knows."""
CLIENTS = 8
LONG_SECONDS = 10.0
MARGIN_SECONDS = 5.0
"""For a machine that does other work as well; what waits until a long outage is over still takes longer."""
pytestmark = pytest.mark.timeout(300)  # several real processes start in each test, on whatever machine there is


def _outage(place: Place, folder: Path, how: How, seconds: float, *, kill_server: bool = False) -> Outage:
    report = Report(margin_seconds=MARGIN_SECONDS)
    return Outage(
        place=place, folder=folder, how=how, seconds=seconds, clients=CLIENTS, kill_server=kill_server, report=report
    )


@pytest.mark.parametrize(("place", "how"), [("redis", "kill")], indirect=["place"])
async def test_a_store_that_was_away_has_everything_afterwards(place: Place, how: How, tmp_path: Path) -> None:
    report = await _outage(place, tmp_path, how, SECONDS).run()
    assert report.wrong == []
    assert report.told


@pytest.mark.parametrize(("place", "how"), [("postgres", "freeze")], indirect=["place"])
async def test_a_server_that_dies_while_its_store_is_away_leaves_what_it_answered_to_the_next(
    place: Place, how: How, tmp_path: Path
) -> None:
    report = await _outage(place, tmp_path, how, LONG_SECONDS, kill_server=True).run()
    assert report.wrong == []
    assert report.told


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_without_an_outage_nobody_is_told_of_one(place: Place, tmp_path: Path) -> None:
    report = await _outage(place, tmp_path, "none", 1, kill_server=True).run()
    assert report.wrong == []
    assert (report.told, report.turned_down) == (0, 0)
    assert report.answered
