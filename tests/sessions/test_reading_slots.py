"""Reading earlier slots, and what is told where there is nothing to read."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from companions.errors import InputError, SessionNotFoundError, UnknownNameError
from companions.models import Sampling
from sessions.reading import Part, Reading
from sessions.store import Store
from tests.sessions.faults import OWNER, Process
from tests.sessions.pages import merged, pages

PARTS: tuple[Part, ...] = get_args(Part)


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store)
    yield made
    await made.calls.close()


@pytest.fixture
def reading(process: Process) -> Reading:
    return Reading(calls=process.calls)


async def slots(process: Process, count: int, *, iterations: int = 2) -> str:
    """Make a session of some slots whose texts name their slot."""
    session_id = None
    for slot in range(count):
        answer = await process.step("draft", session_id, query=f"Query {slot}?", text=f"Draft of slot {slot}, words.")
        session_id = answer.session_id
        for number in range(iterations):
            await process.step("critique", session_id, text=f"Critique {number} of slot {slot}, words.")
            await process.step("revise", session_id, text=f"Revision {number} of slot {slot}, words.")
    assert session_id is not None
    return session_id


async def test_each_part_of_an_earlier_slot_is_that_slots(process: Process, reading: Reading) -> None:
    session_id = await slots(process, 3)
    for slot in range(3):
        bodies = {
            part: (await pages(reading, session_id, part, slot=slot))[0] for part in PARTS if part != "instructions"
        }
        assert bodies["answer"]["text"] == f"Revision 1 of slot {slot}, words."
        assert bodies["latest_critique"]["critique"] == f"Critique 1 of slot {slot}, words."
        assert bodies["penultimate_revision"]["revision"] == f"Revision 0 of slot {slot}, words."
        assert bodies["phase"]["query"] == bodies["convergence_analysis"]["query"] == f"Query {slot}?"
        assert len(bodies["convergence_analysis"]["similarities"]) == 2
        assert {line["slot"] for line in bodies["timeline"]["timeline"]} == {slot}
        (told,) = bodies["run_log"]["run_log"]
        assert (told["slot"], told["query"]) == (slot, f"Query {slot}?")
        assert bodies["transcript"]["text"].count(f"of slot {slot}") == 5
        assert bodies["transcript"]["text"].count("of slot") == 5


async def test_all_slots_come_back_in_order_through_the_parts_that_span_them(
    process: Process, reading: Reading
) -> None:
    session_id = await slots(process, 40)
    told = merged(await pages(reading, session_id, "run_log"))
    assert [slot["query"] for slot in told] == [f"Query {number}?" for number in range(40)]
    assert [slot["revision"] for slot in told] == [
        [f"Revision {number} of slot {slot}, words." for number in range(2)] for slot in range(40)
    ]
    lines = [line for page in await pages(reading, session_id, "timeline") for line in page["timeline"]]
    assert len(lines) == 40 * 6
    transcript = "".join(page["text"] for page in await pages(reading, session_id, "transcript"))
    assert transcript.count("## Query") == 40
    history = (await reading.history(OWNER, session_id, "generic"))["history"]
    assert [message["content"] for message in history[::2]] == [f"Query {number}?" for number in range(33, 40)]
    assert history[-1]["content"] == "Revision 1 of slot 39, words."


async def test_a_guarded_revision_of_an_earlier_slot_is_not_its_answer(process: Process, reading: Reading) -> None:
    session_id = await slots(process, 1)
    await process.step("critique", session_id, text="Again.")
    await process.step("revise", session_id, text="No.")
    await process.step("draft", session_id, query="Next?", text="Next.")
    told = await reading.part(OWNER, session_id, "generic", "answer", slot=0)
    assert (told["text"], told["version"]) == ("Revision 1 of slot 0, words.", 2)


async def test_the_threshold_of_an_earlier_slot_is_the_one_that_it_was_judged_by(store: Store) -> None:
    before, after = Process.on(store, keeps=True), Process.on(store, similarity_threshold=0.5)
    session_id = await slots(before, 1)
    await before.calls.rest()
    await after.step("draft", session_id, query="Next?", text="Next.")
    reading = Reading(calls=after.calls)
    told = [await reading.part(OWNER, session_id, "generic", "convergence_analysis", slot=slot) for slot in (0, 1)]
    assert [(body["threshold"], body["threshold_source"]) for body in told] == [(1.0, "default"), (0.5, "setting")]
    await after.calls.close()


NOT_YET: list[tuple[Part, dict[str, Any]]] = [
    ("latest_critique", {}),
    ("penultimate_revision", {}),
    ("answer", {"slot": 1}),
    ("run_log", {"slot": 1}),
    ("timeline", {"offset": -2}),
    ("phase", {"slot": -1}),
]


@pytest.mark.parametrize(("part", "given"), NOT_YET)
async def test_what_is_not_there_yet_is_an_error_that_says_what_to_do(
    process: Process, reading: Reading, part: Part, given: dict[str, Any]
) -> None:
    session_id = await slots(process, 1, iterations=0)
    with pytest.raises(InputError) as error:
        await reading.part(OWNER, session_id, "generic", part, **given)
    assert error.value.what.endswith(".")
    assert error.value.remedy.endswith(".")


@pytest.mark.parametrize("part", PARTS)
async def test_sessions_and_companions_that_are_not_there_or_not_the_callers_are_told(
    process: Process, reading: Reading, part: Part
) -> None:
    session_id = await slots(process, 1)
    with pytest.raises(SessionNotFoundError) as foreign:
        await reading.part("bob", session_id, "generic", part)
    with pytest.raises(SessionNotFoundError) as unknown:
        await reading.part("bob", "x" * 20, "generic", part)
    assert str(foreign.value).replace(session_id, "x" * 20) == str(unknown.value)
    with pytest.raises(UnknownNameError, match="generic"):
        await reading.part(OWNER, session_id, "strategy", part)


async def test_a_query_that_waits_for_its_draft_is_read_as_such(process: Process, reading: Reading) -> None:
    session_id = (await process.step("draft", query="Q?")).session_id
    assert (await reading.part(OWNER, session_id, None, "phase"))["phase"] == "draft"
    assert "Q?" in (await reading.part(OWNER, session_id, None, "instructions"))["text"]
    assert (await reading.part(OWNER, session_id, None, "run_log"))["run_log"][0]["draft"] == ""
    with pytest.raises(InputError, match="waits for its draft"):
        await reading.part(OWNER, session_id, None, "answer")


async def test_an_overview_and_a_listing_tell_the_same_of_a_session(process: Process, reading: Reading) -> None:
    process.model.script.extend(["The draft.", "The critique."])
    answer = await process.step("draft", query="Q?", sampling=Sampling(execution_mode="server"))
    await process.step("critique", answer.session_id)
    overview = await reading.overview(OWNER, answer.session_id)
    assert overview["entries"] == len(await process.entries(answer.session_id))
    assert overview["usage"] == {"input_tokens": 14, "output_tokens": len("The draft.The critique.")}
    (listed,) = (await reading.listing(OWNER))["sessions"]
    assert (listed["session_id"], listed["title"], listed["preview"]) == (answer.session_id, "Q?", "The draft.")
    assert listed["companions"] == {"generic": {"phase": "revise", "iteration": 1}}
    assert (listed["last_used"], listed["title"]) == (overview["last_used"], overview["title"])
    assert (await reading.listing(OWNER, search="no such words"))["sessions"] == []
    assert (await reading.listing("bob"))["sessions"] == []
