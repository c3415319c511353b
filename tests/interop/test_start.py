"""What a start loads until a host has its answer: nothing that only some calls need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.start import ERAS, LIST
from tests.interop.clients import ROOT

HEAVY = {"langchain_core", "langchain_openai", "numpy", "openai", "proselint", "sqlalchemy"}


@pytest.mark.parametrize("era", ERAS)
def test_a_start_until_the_tools_are_listed_imports_nothing_heavy(era: str, tmp_path: Path) -> None:
    asked = "".join(json.dumps({"jsonrpc": "2.0"} | message) + "\n" for message in ERAS[era])
    report = tmp_path / "report"
    with (
        report.open("w") as told,
        subprocess.Popen(
            [sys.executable, "-X", "importtime", str(ROOT / "server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(asked)
        process.stdin.flush()
        answer = next(answer for answer in map(json.loads, process.stdout) if answer.get("id") == LIST)
    assert "draft" in {tool["name"] for tool in answer["result"]["tools"]}
    # A line of the report reads: import time: self [us] | cumulative | imported package
    lines = [line for line in report.read_text().splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert {"fastmcp", "sessions"} <= loaded
    assert loaded & HEAVY == set()
