"""A store that goes away for a while goes unnoticed but for the advice; a command takes it away for longer."""

from pathlib import Path

import pytest

from tests.survival.backends import SERVED, How, Place
from tests.survival.outages import Outage

SECONDS = 4.0
"""Twice the deadline of a call to the store: about half of it, the server knows."""
HOWS: tuple[How, ...] = "stop", "kill", "freeze"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("place", SERVED, indirect=True)
async def test_a_store_that_was_away_has_everything_afterwards(place: Place, how: How, tmp_path: Path) -> None:
    report = await Outage(place=place, folder=tmp_path, how=how, seconds=SECONDS).run()
    assert report.wrong == []
    assert report.told


@pytest.mark.parametrize(("place", "how"), [("postgres", "freeze"), ("redis", "kill")], indirect=["place"])
async def test_a_server_that_dies_while_its_store_is_away_leaves_what_it_answered_to_the_next(
    place: Place, how: How, tmp_path: Path
) -> None:
    report = await Outage(place=place, folder=tmp_path, how=how, seconds=2 * SECONDS, kill_server=True).run()
    assert report.wrong == []
    assert report.told


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_without_an_outage_nobody_is_told_of_one(place: Place, tmp_path: Path) -> None:
    report = await Outage(place=place, folder=tmp_path, how="none", seconds=1, kill_server=True).run()
    assert report.wrong == []
    assert (report.told, report.turned_down) == (0, 0)
    assert report.during
