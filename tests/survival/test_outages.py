"""A store that goes away for a while goes unnoticed but for the advice; a command takes it away for longer."""

from pathlib import Path

import pytest

from tests.survival.backends import How, Place
from tests.survival.outages import Outage

SECONDS = 3.0
"""Longer than the deadline of a call to the store: at the end of it the server knows."""
CLIENTS = 8
pytestmark = pytest.mark.timeout(300)  # several real processes start in each test, on whatever machine there is


@pytest.mark.parametrize(("place", "how"), [("redis", "kill")], indirect=["place"])
async def test_a_store_that_was_away_has_everything_afterwards(place: Place, how: How, tmp_path: Path) -> None:
    report = await Outage(place=place, folder=tmp_path, how=how, seconds=SECONDS, clients=CLIENTS).run()
    assert report.wrong == []
    assert report.told


@pytest.mark.parametrize(("place", "how"), [("postgres", "freeze")], indirect=["place"])
async def test_a_server_that_dies_while_its_store_is_away_leaves_what_it_answered_to_the_next(
    place: Place, how: How, tmp_path: Path
) -> None:
    outage = Outage(place=place, folder=tmp_path, how=how, seconds=2 * SECONDS, clients=CLIENTS, kill_server=True)
    report = await outage.run()
    assert report.wrong == []
    assert report.told


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_without_an_outage_nobody_is_told_of_one(place: Place, tmp_path: Path) -> None:
    report = await Outage(place=place, folder=tmp_path, how="none", seconds=1, clients=CLIENTS, kill_server=True).run()
    assert report.wrong == []
    assert (report.told, report.turned_down) == (0, 0)
    assert report.answered
