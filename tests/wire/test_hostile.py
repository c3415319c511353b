"""Whatever is sent, the server lives, tells nothing of its insides, and answers a good call right after.

With more inputs it is ``python -m benchmarks.hostile``.
"""

from pathlib import Path

import pytest

from tests.wire.processes import ERAS, Era, serving_http
from tests.wire.striking import SETTINGS, call, post, strike_http, strike_stdio

INPUTS = 120
pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("era", ERAS)
async def test_over_stdio_no_line_harms_the_server(tmp_path: Path, era: Era) -> None:
    assert await strike_stdio(tmp_path, era, range(INPUTS)) == []


def test_over_http_no_body_harms_the_server(tmp_path: Path) -> None:
    assert strike_http(tmp_path, range(INPUTS)) == []


def test_a_body_that_no_call_can_need_is_refused_before_it_is_read(tmp_path: Path) -> None:
    settings = SETTINGS | {"COMPANIONS_HTTP_STATELESS": "true", "COMPANIONS_TEXT_LIMIT": "10000"}
    with serving_http(tmp_path, settings) as served:
        piece = b" " * 100_000
        assert post(served, piece * 5)[0] == 400
        assert post(served, piece * 7)[0] == 413
        assert post(served, iter([piece] * 7))[0] == 413
        assert not call(served, "list_sessions").get("isError")
