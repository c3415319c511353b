"""Consultations: companions side by side, then a synthesis; what fails, what is resumed, and how it is read."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from companions.errors import InputError, ModelError, StoreError, UnknownNameError
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.consulted import THREE, consult, statuses, workflows
from tests.sessions.faults import Fault, Process, until
from tests.sessions.keeping_apart import home, started
from tests.sessions.writing import log_of

pytest_plugins = ("tests.sessions.own_companion_fixtures",)

FAILED = ModelError("The provider refused.", "Wait a moment.")


@pytest.fixture
def process(by_model: Process) -> Process:
    return by_model


async def test_contributors_are_asked_at_the_same_time_and_the_synthesizer_sees_what_they_wrote(
    process: Process,
) -> None:
    process.model.gate.close()
    begun = await consult(process, query="What {now}?", seconds=0.0)
    assert begun.status == "running"
    await until(lambda: len(process.model.tasks) == 3)  # none is answered before the gate opens
    process.model.gate.open()
    done = await consult(process, begun.session_id)
    assert (done.status, done.synthesizer, statuses(done)) == ("done", "strategy", dict.fromkeys(THREE, "done"))
    assert len(process.model.tasks) == 4
    asked = process.model.tasks[3].messages[-1].text
    for number, name in enumerate(THREE, 1):
        assert f"<contribution>\nBy {name}:\n\nText {number} of the scripted model.\n</contribution>" in asked
    assert asked.index("</contribution>") < asked.index("<query>\nWhat {now}?\n</query>")
    assert done.shown is not None
    assert done.shown.text == "Text 4 of the scripted model."
    assert {task.messages[-1].text for task in process.model.tasks[:3]} == {"What {now}?"}


async def test_the_same_call_again_asks_nobody_anything(process: Process) -> None:
    done = await consult(process, query="Q?")
    stored = await process.entries(done.session_id)
    assert await consult(process, done.session_id) == done
    assert await consult(process, done.session_id, query="Q?", companion_types=THREE[::-1]) == done
    assert len(process.model.tasks) == 4
    assert await process.entries(done.session_id) == stored


async def test_one_that_fails_is_reported_and_the_others_are_drawn_together(process: Process) -> None:
    process.model.script = deque([FAILED])
    done = await consult(process, query="Q?")
    (failed,) = [name for name, status in statuses(done).items() if status == "failed"]
    assert done.status == "done"
    assert done.advice == (f"{failed} failed: The provider refused.",)
    assert process.model.tasks[3].messages[-1].text.count("<contribution>") == 2
    (told,) = await workflows(process, done.session_id)
    assert told["companions"][failed] == {"status": "failed", "error": "The provider refused.", "phase": "draft"}
    assert [each["companion_type"] for each in told["contributions"]] == [name for name in THREE if name != failed]


async def test_if_all_fail_the_first_error_is_told_and_the_next_call_tries_again(process: Process) -> None:
    process.model.script = deque([FAILED, FAILED, FAILED])
    with pytest.raises(ModelError, match=r"The provider refused.*The query is kept in session") as told:
        await consult(process, query="Q?")
    session_id = str(told.value).rsplit(" ", 1)[1].rstrip(".")
    assert (await workflows(process, session_id))[0]["state"] == "running"
    done = await consult(process, session_id)
    assert (done.status, set(statuses(done).values())) == ("done", {"done"})
    assert len(process.model.tasks) == 7


async def test_a_store_that_fails_is_no_failure_of_one_contributor(by_caller: Process) -> None:
    by_caller.store.breaks("append", None, None, Fault(StoreError("Refused.", "Wait.")))  # the text's own
    with pytest.raises(StoreError):
        await consult(by_caller, query="Q?", companion_types=("generic", "marketing"), text="One.")
    assert len(by_caller.store.batches) == 3


@pytest.mark.parametrize("failing", [0, 1])
async def test_another_process_goes_on_without_asking_again_for_what_is_stored(process: Process, failing: int) -> None:
    process.model.gate.close()
    process.model.script = deque([FAILED] * failing)
    begun = await consult(process, query="Q?", seconds=0.0)
    await until(lambda: len(process.model.tasks) == 3)
    process.model.gate.open()
    process.model.gate.close()  # those who wait pass, the synthesis is held
    await until(lambda: len(process.model.tasks) == 4)
    await process.calls.close()

    other = Process.on(process.store.store, keeps=True, execution_mode="server")
    assert (await workflows(other, begun.session_id))[0]["state"] == "running"
    done = await consult(other, begun.session_id)
    assert (done.status, set(statuses(done).values())) == ("done", {"done"})
    assert len(other.model.tasks) == 1 + failing
    kinds = [entry.kind for entry in await other.entries(begun.session_id)]
    assert [kinds.count(kind) for kind in ("query", "draft", "workflow")] == [4, 4, 2]
    await other.calls.close()


async def test_a_caller_that_goes_away_pauses_it_before_the_synthesis(process: Process) -> None:
    process.model.gate.close()
    first = await process.step("draft", query="Before.", text="Words.")
    waiting = asyncio.create_task(consult(process, first.session_id, query="Q?"))
    await until(lambda: len(process.model.tasks) == 3)
    waiting.cancel()
    await until(waiting.done)
    process.model.gate.open()
    await process.calls.runs.finish()
    assert len(process.model.tasks) == 3
    done = await consult(process, first.session_id)
    assert (done.status, len(process.model.tasks)) == ("done", 4)


async def test_a_contributor_that_answered_the_query_before_answers_it_anew(process: Process) -> None:
    session_id = (await process.step("draft", query="Q?")).session_id
    await process.step("draft", session_id, "marketing", query="Q?")
    await process.step("critique", session_id, "marketing")
    done = await consult(process, session_id, query="Q?")
    assert (done.companions["generic"]["slot"], done.companions["marketing"]["slot"]) == (0, 1)
    assert process.model.tasks[-1].messages[-1].text.count("<contribution>") == 3
    assert len(process.model.tasks) == 3 + 4


async def test_calls_that_ask_in_other_words_at_the_same_time_have_it_done_once(process: Process) -> None:
    session_id = (await process.step("draft", query="Q?")).session_id
    process.model.gate.close()
    one = asyncio.create_task(consult(process, session_id, query="Q?"))
    other = asyncio.create_task(consult(process, session_id, query="Q?", companion_types=THREE))
    await until(lambda: len(process.model.tasks) == 1 + 3)
    process.model.gate.open()
    assert await one == await other
    assert len(process.model.tasks) == 1 + 4


async def test_a_caller_that_writes_is_handed_one_text_after_the_other(by_caller: Process) -> None:
    given = await consult(by_caller, query="Q?")
    turns = list[str]()
    for text in ("One.", "Two.", "Three.", "Whole."):
        assert given.answer is not None
        turns.append(given.answer.companion_type)
        prompt = given.answer.instructions["user"]
        given = await consult(by_caller, given.session_id, text=text)
        again = await consult(by_caller, given.session_id, text=text)
        assert (again.status, again.answer) == (given.status, given.answer)
    assert turns == [*THREE, "strategy"]
    assert all(f"By {name}:\n\n{text}" in prompt for name, text in zip(THREE, ("One.", "Two.", "Three."), strict=True))
    assert (given.status, given.not_recorded) == ("done", None)
    assert given.shown is not None
    assert (given.shown.text, given.shown.meta["model"]) == ("Whole.", "host:tests")
    late = await consult(by_caller, given.session_id, text="Another.")
    assert (late.status, late.shown) == ("done", given.shown)
    assert late.not_recorded is not None


async def test_a_text_that_was_written_for_another_companion_is_not_taken_for_the_one_whose_turn_it_is(
    by_caller: Process,
) -> None:
    begun = await consult(by_caller, query="Q?")
    await consult(by_caller, begun.session_id, text="One.", text_for="generic")
    late = await consult(by_caller, begun.session_id, text="Uno.", text_for="generic")
    assert late.not_recorded == "The text was not recorded: it is generic's, and now it is marketing's turn."
    assert late.answer is not None
    assert late.answer.companion_type == "marketing"
    again = await consult(by_caller, begun.session_id, text="One.", text_for="generic")
    assert (again.not_recorded, statuses(again)["marketing"]) == (None, "waiting")


async def test_a_text_may_come_with_the_first_call(by_caller: Process) -> None:
    given = await consult(by_caller, query="Q?", text="One.")
    assert statuses(given) == {"generic": "done", "marketing": "waiting", "bug_triage": "waiting"}
    assert given.answer is not None
    assert given.answer.companion_type == "marketing"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"companion_types": ("generic", "nobody")}, UnknownNameError),
        ({"synthesizer": "nobody"}, UnknownNameError),
        ({"query": None}, InputError),
    ],
    ids=["unknown contributor", "unknown synthesizer", "no query"],
)
async def test_what_cannot_be_held_is_refused_before_anything_is_stored(
    process: Process, asked: dict[str, Any], error: type[Exception]
) -> None:
    given: dict[str, Any] = {"query": "Q?"} | asked
    session_id = (await process.step("draft", query="Before.", text="Words.")).session_id
    stored = await process.entries(session_id)
    with pytest.raises(error):
        await consult(process, session_id, **given)
    assert await process.entries(session_id) == stored
    assert process.model.tasks == []


async def test_a_query_that_is_put_to_others_already_is_refused(process: Process) -> None:
    done = await consult(process, query="Q?")
    with pytest.raises(InputError, match="This query is put to generic, marketing, bug_triage here"):
        await consult(process, done.session_id, query="Q?", companion_types=("generic",))
    await process.step("draft", done.session_id, "guide", query="Else?")
    with pytest.raises(InputError, match="has answered this query already"):
        await consult(process, done.session_id, query="Else?", synthesizer="guide")


async def test_it_goes_on_while_the_store_is_away(sqlite: SQLiteStore, tmp_path: Path) -> None:
    process = started(sqlite, tmp_path)
    session_id = (await process.step("draft", query="Before.", text="Words.")).session_id
    with log_of("companions.store"), log_of("companions.keeping"):
        process.store.away = True
        await process.step("critique", session_id, text="Shorter.")
        given = await consult(process, session_id, query="Q?")
        for text in ("One.", "Two.", "Three.", "Whole."):
            given = await consult(process, session_id, text=text)
        assert (given.status, set(statuses(given).values())) == ("done", {"done"})
        await home(process)
    assert [entry.text for entry in await process.entries(session_id) if entry.kind == "draft"][-1] == "Whole."
    await process.calls.rest()
