"""Nothing that was answered is lost, doubled or out of place, whenever its server is killed; a command tries longer."""

from pathlib import Path

import pytest

from tests.survival.backends import BACKENDS, Place
from tests.survival.crashes import Crashes

POINTS = 2
pytestmark = pytest.mark.timeout(300)  # several real processes start in each test, on whatever machine there is


@pytest.mark.parametrize("place", BACKENDS, indirect=True)
async def test_a_server_that_is_killed_at_any_moment_has_kept_what_it_answered(place: Place, tmp_path: Path) -> None:
    report = await Crashes(url=place.url, folder=tmp_path, points=POINTS, seed=1).run()
    assert report.wrong == []
    assert report.answered > POINTS
    assert report.broken_off >= POINTS
