"""The protocol's own conformance suite, run against our server in both protocol eras."""

from pathlib import Path

import pytest
import yaml

from tests.interop.clients import HERE, Clients, serving

pytestmark = pytest.mark.timeout(300)  # the first test installs the packages

FIXTURE_SERVER = [str(HERE / "fixture_server.py")]
REVISIONS = ["2026-07-28", "2025-11-25"]


def baseline(revision: str) -> Path:
    return HERE / f"baseline-{revision}.yml"


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_conformance_suite_finds_only_what_the_baseline_says(
    revision: str, clients: Clients, tmp_path: Path
) -> None:
    known = ["--expected-failures", str(baseline(revision))]
    with serving(FIXTURE_SERVER, tmp_path / "sessions.db", tmp_path / "log") as url:
        suite = ["server", "--url", url, "--suite", "all", "--spec-version", revision]
        run = clients.run("conformance", *suite, *known, environment={})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "tools-list: " in run.stdout


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_known_failure_has_a_reason(revision: str) -> None:
    text = baseline(revision).read_text()
    blocks = [block.splitlines() for block in text.partition("server:\n")[2].strip("\n").split("\n\n")]
    assert [block for block in blocks if not block[0].startswith("  # ")] == []
    named = [line.removeprefix("  - ") for block in blocks for line in block if line.startswith("  - ")]
    assert yaml.safe_load(text) == {"server": named}
