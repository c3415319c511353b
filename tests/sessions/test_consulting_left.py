"""Consultations whose synthesizer is asked something else, or is asked for by another way than ``consult``."""

import asyncio

import pytest

from companions.errors import InputError, SlotLeftError
from companions.models import Sampling
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.consulted import THREE, consult, statuses, workflows
from tests.sessions.faults import Process, until
from tests.sessions.left_loops import only_session
from tests.sessions.looping import kept, refine, stop

CLIENT = Sampling(execution_mode="client")
LEFT = "Another query was put to 'strategy' meanwhile"
WAITS = r"This query waits for its consultation.*Call consult with the session_id and synthesizer 'strategy'"


@pytest.fixture
def process(by_model: Process) -> Process:
    return by_model


async def asked(process: Process) -> str:
    """Begin a consultation whose contributors are at the model; gives its session."""
    process.model.gate.close()
    begun = await consult(process, query="Q?", seconds=0.0)
    await until(lambda: len(process.model.tasks) == 3)
    return begun.session_id


@pytest.mark.parametrize("text", ["Mine.", None])
async def test_a_synthesizer_that_is_asked_something_else_meanwhile_writes_no_synthesis(
    process: Process, text: str | None
) -> None:
    session_id = await asked(process)
    await process.step("draft", session_id, "strategy", query="Another?", text=text, sampling=CLIENT)
    process.model.gate.open()
    with pytest.raises(SlotLeftError, match=LEFT):
        await consult(process, session_id)
    assert len(process.model.tasks) == 3
    drafts = [entry.text for entry in await kept(process, session_id, "draft") if entry.companion_type == "strategy"]
    assert drafts == ([] if text is None else [text])
    assert {entry.companion_type for entry in await kept(process, session_id, "draft")} >= {*THREE}
    done = await consult(process, session_id, query="Q?", synthesizer="guide")
    assert (done.status, set(statuses(done).values())) == ("done", {"done"})


async def test_a_consultation_that_another_process_left_is_begun_in_a_new_session_by_the_same_call(
    sqlite: SQLiteStore,
) -> None:
    process, other = Process.on(sqlite, keeps=True, execution_mode="server"), Process.on(sqlite, keeps=True)
    process.model.gate.close()
    first = asyncio.create_task(consult(process, query="Q?"))
    await until(lambda: len(process.model.tasks) == 3)
    session_id = await only_session(process)
    await other.step("draft", session_id, "strategy", query="Another?", text="Mine.")
    process.model.gate.open()
    with pytest.raises(SlotLeftError, match=LEFT):
        await first
    done = await consult(process, query="Q?")
    assert (done.status, done.session_id == session_id) == ("done", False)
    await other.calls.close()
    await process.calls.close()


async def test_a_synthesis_that_was_made_is_told_though_its_slot_was_left_at_once(process: Process) -> None:
    session_id = await asked(process)
    process.model.gate.open()
    process.model.gate.close()
    await until(lambda: len(process.model.tasks) == 4)
    other = asyncio.create_task(process.step("draft", session_id, "strategy", query="Another?", text="Mine."))
    waiting = asyncio.create_task(consult(process, session_id))
    await asyncio.sleep(0)
    process.model.gate.open()
    done = await waiting
    assert (await other).slot == 1
    assert done.shown is not None
    assert (done.status, done.slot, done.shown.text) == ("done", 0, "Text 4 of the scripted model.")


async def test_a_consultation_that_is_not_stored_yet_is_not_told_as_an_earlier_text(process: Process) -> None:
    session_id = (await process.step("draft", None, "strategy", query="Before?", text="Mine.")).session_id
    begun = await consult(process, session_id, query="Q?", seconds=0.0)
    assert (begun.status, begun.shown, begun.workflow_id) == ("running", None, None)


async def test_a_loop_or_a_draft_by_hand_does_not_take_the_place_of_a_synthesis(by_caller: Process) -> None:
    session_id = (await consult(by_caller, query="Q?", companion_types=("generic", "marketing"))).session_id
    stored = await by_caller.entries(session_id)
    for call in (
        refine(by_caller, session_id, companion="strategy"),
        refine(by_caller, session_id, companion="strategy", query="Q?", text="Mine."),
        stop(by_caller, session_id, companion="strategy"),
        by_caller.step("draft", session_id, "strategy", text="Mine."),
        by_caller.step("draft", session_id, "strategy", sampling=Sampling(execution_mode="server")),
    ):
        with pytest.raises(InputError, match=WAITS):
            await call
    assert await by_caller.entries(session_id) == stored
    for text in ("One.", "Two.", "Whole."):
        given = await consult(by_caller, session_id, text=text)
    assert (given.status, set(statuses(given).values())) == ("done", {"done"})
    assert (await refine(by_caller, session_id, companion="strategy")).due == "critique 1 of slot 0"


async def test_a_loop_that_a_model_runs_does_not_take_the_place_of_a_synthesis(process: Process) -> None:
    session_id = await asked(process)
    with pytest.raises(InputError, match=WAITS):
        await refine(process, session_id, companion="strategy")
    process.model.gate.open()
    assert (await consult(process, session_id)).status == "done"


async def test_a_draft_by_hand_that_sees_all_contributions_is_the_synthesis(by_caller: Process) -> None:
    session_id = (await consult(by_caller, query="Q?", companion_types=("generic", "marketing"))).session_id
    for text in ("One.", "Two."):
        await consult(by_caller, session_id, text=text)
    handed = await by_caller.step("draft", session_id, "strategy")
    assert handed.instructions["user"].count("<contribution>") == 2
    await by_caller.step("draft", session_id, "strategy", text="Whole.")
    done = await consult(by_caller, session_id)
    assert done.shown is not None
    assert (done.status, done.shown.text) == ("done", "Whole.")
    assert (await workflows(by_caller, session_id))[0]["state"] == "done"
