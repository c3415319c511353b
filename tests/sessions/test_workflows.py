"""Workflows as they are read: by part, in pages, and by a companion that sees its session."""

import json

import pytest

from sessions.calls import Waiting
from sessions.loops import Wish
from sessions.reading import Reading
from sessions.workflows import SHOWN_AT_ONCE
from tests.sessions.consulted import consult, workflows
from tests.sessions.faults import OWNER, Process, unreported
from tests.sessions.looping import refine, stop


@pytest.fixture
def process(by_model: Process) -> Process:
    return by_model


async def test_workflows_tell_who_takes_part_and_what_it_took_newest_first(process: Process) -> None:
    done = await consult(process, query="Q?", companion_types=("generic", "marketing"))
    waiting = Waiting(seconds=30.0, every=30.0, report=unreported)
    wish = Wish(query="And then?", max_iterations=1)
    await process.calls.refine(OWNER, done.session_id, "generic", wish, waiting=waiting, signature="host:tests")
    refined, consulted = await workflows(process, done.session_id)
    assert (refined["workflow"], refined["orchestrator"], refined["state"]) == ("refine", "generic", "done")
    assert refined["companions"]["generic"] | {"phase": ""} == {"status": "done", "slot": 1, "phase": ""}
    assert refined["stop_reason"]
    assert consulted["workflow_id"] == done.workflow_id
    assert (consulted["workflow"], consulted["orchestrator"], consulted["state"]) == ("consult", "strategy", "done")
    assert consulted["delegation"] == [
        {"from": "caller", "to": "strategy"},
        {"from": "strategy", "to": "generic"},
        {"from": "strategy", "to": "marketing"},
    ]
    assert {name: state["status"] for name, state in consulted["companions"].items()} == dict.fromkeys(
        ("generic", "marketing", "strategy"), "done"
    )
    assert consulted["usage"] == {"input_tokens": 21, "output_tokens": 3 * len("Text 1 of the scripted model.")}
    assert consulted["seconds"] >= 0
    overview = await Reading(calls=process.calls).overview(OWNER, done.session_id)
    assert overview["usage"]["input_tokens"] == 7 * len(process.model.tasks)


async def test_the_guide_is_told_of_a_consultation_that_runs(by_caller: Process) -> None:
    given = await consult(by_caller, query="Q?", text="One.")
    guide = await by_caller.step("draft", given.session_id, "guide", query="Where am I?")
    shown = guide.instructions["user"]
    assert "workflow consult: running (generic done, marketing waiting, bug_triage waiting)" in shown


async def test_a_consultation_whose_query_was_replaced_says_so(by_caller: Process) -> None:
    given = await consult(by_caller, query="Q?", text="One.")
    await consult(by_caller, given.session_id, query="Another?")
    newest, replaced = await workflows(by_caller, given.session_id)
    assert (newest["state"], replaced["state"]) == ("running", "replaced")
    assert newest["companions"]["generic"] == {"status": "waiting", "phase": "draft"}
    assert "companions" not in replaced


async def test_a_loop_that_went_on_by_hand_after_its_end_is_told_as_it_stands(by_caller: Process) -> None:
    text = "A draft of some words."
    session_id = (await refine(by_caller, query="Q?", text=text)).session_id
    await stop(by_caller, session_id)
    assert [(each["state"], each["stop_reason"]) for each in await workflows(by_caller, session_id)] == [
        ("done", "cancelled")
    ]
    await by_caller.step("critique", session_id, text="Mend it.")
    (going,) = await workflows(by_caller, session_id)
    assert (going["state"], "stop_reason" in going) == ("running", False)
    guide = await by_caller.step("draft", session_id, "guide", query="Where am I?")
    assert "workflow refine: its steps say how far" in guide.instructions["user"]
    await by_caller.step("revise", session_id, "generic", text=text)
    (ended,) = await workflows(by_caller, session_id)
    assert (ended["state"], ended["stop_reason"]) == ("done", "converged")


async def test_a_loop_that_was_left_for_another_query_does_not_run_any_more(by_caller: Process) -> None:
    session_id = (await refine(by_caller, query="Q?", text="Words.")).session_id
    await refine(by_caller, session_id, query="Another?")
    newest, earlier = await workflows(by_caller, session_id)
    assert (newest["state"], earlier["state"]) == ("running", "left")
    assert earlier["companions"] == {"generic": {"status": "left", "slot": 0, "phase": "critique"}}
    await refine(by_caller, session_id, text="Other words.")
    await by_caller.step("draft", session_id, query="By hand?", text="Words.")
    overview = await Reading(calls=by_caller.calls).overview(OWNER, session_id)
    assert [each["state"] for each in overview["workflows"]["newest"]] == ["left"]
    assert [each["state"] for each in await workflows(by_caller, session_id)] == ["left", "left"]


async def test_reading_workflows_leaves_what_is_stored_as_it_is(process: Process) -> None:
    done = await consult(process, query="Q?")
    stored = [json.dumps(entry.meta) for entry in await process.entries(done.session_id)]
    (told,) = await workflows(process, done.session_id)
    assert told["companions"]["generic"]["phase"] == "critique"
    assert [json.dumps(entry.meta) for entry in await process.entries(done.session_id)] == stored


async def test_many_workflows_come_in_pages(by_caller: Process) -> None:
    session_id = ""
    for number in range(SHOWN_AT_ONCE + 3):
        given = await consult(
            by_caller, session_id or None, query=f"Q{number}?", companion_types=("generic",), text="C."
        )
        session_id = given.session_id
        await consult(by_caller, session_id, text="S.")
    reading = Reading(calls=by_caller.calls)
    first = await reading.part(OWNER, session_id, None, "workflows")
    rest = await reading.part(OWNER, session_id, None, "workflows", offset=first["next_offset"])
    assert (len(first["workflows"]), len(rest["workflows"]), rest["next_offset"]) == (SHOWN_AT_ONCE, 3, None)
    slots = [each["companions"]["strategy"]["slot"] for each in (*first["workflows"], *rest["workflows"])]
    assert slots == list(range(SHOWN_AT_ONCE + 3))[::-1]
    assert {each["state"] for each in (*first["workflows"], *rest["workflows"])} == {"done"}
