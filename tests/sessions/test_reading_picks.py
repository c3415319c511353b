"""Reading what a loop said of a slot: the version that was picked and why, and how the loop was bounded and ended."""

from collections.abc import AsyncIterator

import pytest

from sessions.metrics import Metrics
from sessions.reading import Body, Part, Reading
from sessions.store import Store
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import CONTENT, loop_of, process_on, refine, stop, votes
from tests.sessions.pages import pages

SHORT = "The bridge opens at nine and closes at six."
BETTER = "The bridge opens at nine and closes at six every day."
WORSE = "The bridge, as some may know, is a thing of iron, and whether it opens is told at the gate, or not at all."


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    async with process_on(store) as made:
        yield made


@pytest.fixture
def reading(process: Process) -> Reading:
    return Reading(calls=process.calls)


async def worsened(process: Process, session_id: str | None = None, query: str = "When is it open?") -> str:
    """Have a loop end with a version that both votes find worse than the one before it."""
    process.model.script.extend([*loop_of(SHORT, BETTER, WORSE), *votes("A", "D")])
    return (await refine(process, session_id, query=query, max_iterations=2)).session_id


async def read(reading: Reading, session_id: str, part: Part, slot: int | None = None) -> Body:
    return await reading.part(OWNER, session_id, "generic", part, slot=slot)


async def check_picked(reading: Reading, session_id: str, slot: int | None) -> None:
    """Look for the pick of version 1 in every part that has to show it."""
    answer = await read(reading, session_id, "answer", slot)
    assert (answer["text"], answer["version"], answer["picked"]) == (BETTER, 1, True)
    why = answer["why"]
    assert why.startswith("Version 1 was preferred")
    analysis = await read(reading, session_id, "convergence_analysis", slot)
    assert (analysis["answer_version"], analysis["picked"], analysis["pick"]) == (1, True, why)
    assert (analysis["stop_reason"], analysis["converged"]) == ("max_iterations", False)
    transcript = (await read(reading, session_id, "transcript", slot))["text"]
    assert f"\n\nPicked version 1: {why} Votes: version 1, version 1.\n\n" in transcript
    assert "\n\nRun by refine: at most 2 iterations.\n\n" in transcript
    (told,) = [each for page in await pages(reading, session_id, "run_log", slot=slot) for each in page["run_log"]][:1]
    assert told["answer"] == {"version": 1, "why": why}
    assert told["usage"]["input_tokens"] == 7 * 7
    timeline = (await read(reading, session_id, "timeline", slot))["timeline"]
    (pick,) = [line for line in timeline if line["kind"] == "pick" and line["slot"] == told["slot"]]
    assert pick["preview"].startswith("Picked version 1: ")
    assert pick["version"] == 1


async def test_each_part_shows_the_version_that_was_picked_and_why(process: Process, reading: Reading) -> None:
    session_id = await worsened(process)
    await check_picked(reading, session_id, None)
    await check_picked(reading, session_id, 0)
    (listed,) = (await reading.listing(OWNER))["sessions"]
    assert listed["preview"] == BETTER
    companion = (await reading.overview(OWNER, session_id))["companions"]["generic"]
    assert (companion["answer_version"], companion["versions"]) == (1, 3)


async def test_the_pick_of_an_earlier_slot_is_found(process: Process, reading: Reading) -> None:
    session_id = await worsened(process)
    for query in ("And on Sundays?", "And at night?"):
        await process.step("draft", session_id, query=query, text="No.")
    await check_picked(reading, session_id, 0)
    answer = await read(reading, session_id, "answer", 1)
    assert (answer["text"], answer["picked"]) == ("No.", False)


async def test_a_pick_older_than_the_newest_version_is_stale_and_it_says_so(process: Process, reading: Reading) -> None:
    session_id = await worsened(process)
    await process.step("critique", session_id, text="Again.")
    answer = await read(reading, session_id, "answer")
    assert (answer["version"], answer["picked"]) == (1, True)
    await process.step("revise", session_id, text=f"{BETTER} It is free.")
    for slot in (None, 0):
        answer = await read(reading, session_id, "answer", slot)
        assert (answer["text"], answer["version"], answer["picked"]) == (f"{BETTER} It is free.", 3, False)
        assert answer["why"] == "No version has been picked since version 3 was written; this one stands."
    (told,) = (await read(reading, session_id, "run_log"))["run_log"]
    assert "answer" not in told
    await process.step("draft", session_id, query="And on Sundays?", text="No.")
    assert not (await read(reading, session_id, "answer", 0))["picked"]


async def test_a_loop_that_was_stopped_says_so_everywhere(process: Process, reading: Reading) -> None:
    session_id = (await process.step("draft", query="When?", text=SHORT)).session_id
    await stop(process, session_id)
    analysis = await read(reading, session_id, "convergence_analysis")
    assert (analysis["stop_reason"], analysis["why"]) == ("cancelled", "It was stopped.")
    assert (await read(reading, session_id, "phase"))["stop_reason"] == "cancelled"
    (told,) = (await read(reading, session_id, "run_log"))["run_log"]
    assert told["stop_reason"] == "cancelled"
    assert "The loop was ended (cancelled): It was stopped." in (await read(reading, session_id, "transcript"))["text"]
    await process.step("critique", session_id, text="It is vague.")
    (told,) = (await read(reading, session_id, "run_log"))["run_log"]
    assert "stop_reason" not in told


async def test_metrics_count_how_often_a_version_was_picked_and_it_was_not_the_newest(process: Process) -> None:
    session_id = await worsened(process)
    process.model.script.extend([SHORT, CONTENT])
    await refine(process, session_id, query="Is it free?")
    body = await Metrics(sessions=process.calls.desk.sessions, allowance=process.calls.desk.allowance).of(OWNER)
    assert (body["companions"]["generic"]["picks"], body["companions"]["generic"]["flips"]) == (2, 1)
