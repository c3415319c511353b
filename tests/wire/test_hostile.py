"""Whatever is sent, the server lives, tells nothing of its insides, and answers a good call right after.

With more inputs it is ``python -m benchmarks.hostile``.
"""

from pathlib import Path

import pytest

from tests.wire.processes import PLACES, Era, Kind, serving_http
from tests.wire.striking import SETTINGS, call, post, strike

INPUTS = 100
pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize(("kind", "era"), PLACES)
def test_nothing_that_is_sent_harms_the_server(tmp_path: Path, kind: Kind, era: Era) -> None:
    assert strike(kind, era, tmp_path, INPUTS) == []


def test_a_body_that_no_call_can_need_is_refused_before_it_is_read(tmp_path: Path) -> None:
    limits = {"COMPANIONS_TEXT_LIMIT": "10000", "COMPANIONS_ATTACHMENT_LIMIT": "1"}
    settings = SETTINGS | limits | {"COMPANIONS_HTTP_STATELESS": "true"}
    with serving_http(tmp_path, settings) as served:
        piece = b" " * 100_000
        assert post(served, piece * 5)[0] == 400
        assert post(served, piece * 7)[0] == 413
        assert post(served, iter([piece] * 7))[0] == 413
        assert not call(served, "list_sessions").get("isError")
