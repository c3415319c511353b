"""Four processes of the program on one store learn as one: each tells what a single one tells that saw every loop."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.fleet import Fleet, fleet
from tests.wire.processes import Connection, Served, serving_http

LENGTHS = (1, 2, 2, 3, 1, 4, 2, 5)
SETTINGS = {"COMPANIONS_MODEL": "host", "COMPANIONS_MAX_ITERATIONS": "9"}
MEASURED_TIMES = ("seconds", "steps", "estimated_completion")
"""What is told of how long callers took, which is no two times the same."""
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def four(postgres_server: Any, tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, postgres_server.url("fleet_learning"), 4, SETTINGS) as running:
        yield running


async def _think(client: Connection, revisions: int) -> None:
    """Write a loop that stands still with its last revision."""
    texts = [
        " ".join(f"word{number}-{place}" if place < 8 * number else f"word{place}" for place in range(30))
        for number in range(revisions)
    ]
    opened = await client.call_tool("draft", {"query": f"Question of {revisions}?", "text": "Thirty words, or so."})
    named = {"session_id": opened.structured_content["session_id"]}
    for number, text in enumerate([*texts, texts[-1]]):
        await client.call_tool("critique", named | {"text": f"Critique {number}."})
        await client.call_tool("revise", named | {"text": text, "score": 0.1 * number})


async def _told(process: Served) -> tuple[str, str]:
    """Give what a process shows of what was learned, and what it tells with a step."""
    async with process.client("auto") as client:
        step = await client.call_tool("draft", {"query": "How will it go?", "text": "Nobody knows."})
        shown = json.loads((await client.read_resource("resource://patterns/generic"))[0].text)
    models = [{name: value for name, value in known.items() if name not in MEASURED_TIMES} for known in shown["models"]]
    return json.dumps(models, sort_keys=True), str(step.structured_content.get("advice"))


async def _knows_all(process: Served) -> tuple[str, str]:
    """Wait until a process has heard of every loop."""
    while True:
        shown, advice = await _told(process)
        if f"{len(LENGTHS)} earlier loops" in advice:
            return shown, advice
        await asyncio.sleep(1)  # the process counts in its own time, which nothing outside can wait on


async def test_each_of_four_processes_tells_what_one_tells_that_saw_all(four: Fleet, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with serving_http(tmp_path / "one", SETTINGS) as one:
        for number, revisions in enumerate(LENGTHS):
            for process in (four.processes[number % 4], one):
                async with process.client("auto") as client:
                    await _think(client, revisions)
        async with asyncio.timeout(120):
            told = await asyncio.gather(*(_knows_all(process) for process in (one, *four.processes)))
    assert told[1:] == [told[0]] * 4
