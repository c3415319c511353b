"""Consultations of a caller that writes: whose text is whose, and what holds where models write beside it."""

from collections import deque

import pytest

from companions.errors import ModelError
from companions.models import Sampling
from tests.sessions.consulted import consult, statuses, workflows
from tests.sessions.faults import Process

FAILED = ModelError("The provider refused.", "Wait a moment.")
PAIR = ("generic", "marketing")


@pytest.fixture
def process(by_caller: Process) -> Process:
    return by_caller


async def mixed(process: Process) -> str:
    """Open a session in which a model of ours writes for generic, and the caller for all others."""
    opened = await process.step("draft", None, "generic", query="Before?", sampling=Sampling(execution_mode="server"))
    process.model.tasks.clear()
    return opened.session_id


async def test_texts_that_are_equal_are_told_apart_by_whose_they_are(process: Process) -> None:
    given = await consult(process, query="Q?", companion_types=PAIR)
    for name in (*PAIR, "strategy"):
        assert given.answer is not None
        assert given.answer.companion_type == name
        for _ in range(2):  # a repeat of each is known
            given = await consult(process, given.session_id, text="No objection.", text_for=name)
            assert given.not_recorded is None
    assert (given.status, set(statuses(given).values())) == ("done", {"done"})
    drafts = [entry for entry in await process.entries(given.session_id) if entry.kind == "draft"]
    assert [entry.companion_type for entry in drafts] == [*PAIR, "strategy"]


async def test_a_text_may_come_out_of_turn_for_whoever_waits(process: Process) -> None:
    begun = await consult(process, query="Q?", companion_types=PAIR)
    given = await consult(process, begun.session_id, text="Two.", text_for="marketing")
    assert (statuses(given), given.not_recorded) == ({"generic": "waiting", "marketing": "done"}, None)
    early = await consult(process, begun.session_id, text="Whole.", text_for="strategy")
    assert early.not_recorded == "The text was not recorded: it is strategy's, and now it is generic's turn."


@pytest.mark.parametrize("named", [True, False])
async def test_a_contributor_whose_model_fails_does_not_keep_the_caller_s_texts_from_being_taken(
    process: Process, named: bool
) -> None:
    session_id = await mixed(process)
    process.model.script = deque([FAILED] * 9)
    given = await consult(process, session_id, query="Q?", companion_types=PAIR)
    told = {"generic": "failed", "marketing": "waiting"}
    for name, text, calls in (("marketing", "Two.", 1), ("strategy", "Whole.", 2)):
        assert given.answer is not None
        assert (given.answer.companion_type, statuses(given)) == (name, told)
        assert (given.advice, len(process.model.tasks)) == (("generic failed: The provider refused.",), calls)
        given = await consult(process, session_id, text=text, text_for=name if named else None)
        assert given.not_recorded is None
        told = {"generic": "failed", "marketing": "done"}
    assert (given.status, statuses(given), len(process.model.tasks)) == ("done", told, 2)
    assert given.shown is not None
    assert given.shown.text == "Whole."
    (known,) = await workflows(process, session_id)
    assert known["companions"]["generic"] | {"phase": ""} == {
        "status": "failed",
        "error": "The provider refused.",
        "phase": "",
    }


async def test_a_contributor_that_failed_is_asked_again_by_a_call_without_a_text(process: Process) -> None:
    session_id = await mixed(process)
    process.model.script = deque([FAILED, FAILED, FAILED, "One."])
    await consult(process, session_id, query="Q?", companion_types=PAIR)
    handed = await consult(process, session_id, text="Two.", text_for="marketing")
    stored = await process.entries(session_id)
    again = await consult(process, session_id)
    assert (again.answer, again.advice) == (handed.answer, handed.advice)
    assert await process.entries(session_id) == stored
    better = await consult(process, session_id)
    assert (statuses(better), better.advice) == (dict.fromkeys(PAIR, "done"), ())
    assert better.answer is not None
    assert better.answer.instructions["user"].count("<contribution>") == 2
    done = await consult(process, session_id, text="Whole.", text_for="strategy")
    assert (done.status, statuses(done)) == ("done", dict.fromkeys(PAIR, "done"))


async def test_another_process_knows_who_failed_before_the_synthesis_was_handed_out(process: Process) -> None:
    session_id = await mixed(process)
    process.model.script = deque([FAILED, FAILED])
    await consult(process, session_id, query="Q?", companion_types=PAIR)
    await consult(process, session_id, text="Two.", text_for="marketing")
    other = Process.on(process.store.store, keeps=True)
    assert (await workflows(other, session_id))[0]["companions"]["generic"]["error"] == "The provider refused."
    done = await consult(other, session_id, text="Whole.", text_for="strategy")
    assert (done.status, done.advice, other.model.tasks) == ("done", ("generic failed: The provider refused.",), [])
    await other.calls.close()
