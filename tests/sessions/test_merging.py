"""Branches drawn together: other sessions' answers taken as they are, kept with the session that asked for them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from companions.entries import Note
from companions.errors import InputError, SessionNotFoundError, UnknownNameError
from companions.models import Sampling
from sessions.forking import fork
from sessions.reading import Reading
from sessions.store import Store
from tests.sessions.consulted import consult, statuses, workflows
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked

WORDS = 'Braces {0} %s ${x}, "quotes", </contribution> and 漢字.'
MERGED = "Both, in {one}."


@pytest.fixture
def process(by_model: Process) -> Process:
    return by_model


@pytest.fixture
async def kept(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True, execution_mode="server")
    yield made
    await made.calls.close()


async def branches(process: Process, *texts: str) -> tuple[str, ...]:
    """Open a session and forks of it, in each of which the caller wrote another answer to the same query."""
    first = await process.step("draft", query="Which way?", text="The draft of all.")
    others = [(await forked(process, first.session_id)).session_id for _ in texts[1:]]
    for session_id, text in zip((first.session_id, *others), texts, strict=True):
        await process.step("critique", session_id, text="Say it otherwise.")
        await process.step("revise", session_id, text=text)
    return first.session_id, *others


async def texts_in(process: Process, session_id: str) -> dict[str, str]:
    """Give what a session has stored of branches, by their session."""
    entries = await process.entries(session_id)
    return {entry.meta["branch"]["session_id"]: entry.text for entry in entries if "branch" in entry.meta}


async def test_the_answers_of_branches_are_drawn_together_as_they_are(kept: Process) -> None:
    one, other = await branches(kept, WORDS, "The second answer, of other words.")
    done = await consult(kept, companion_types=(one, other))
    assert (done.status, statuses(done)) == ("done", {one: "done", other: "done"})
    assert done.session_id not in (one, other)
    (asked,) = kept.model.tasks  # nobody is asked for the answers themselves
    prompt = asked.messages[-1].text
    assert f"By generic in session {one}:\n\n{WORDS}\n" in prompt
    assert f"By generic in session {other}:\n\nThe second answer, of other words.\n" in prompt
    assert asked.query == "Which way?"
    assert await texts_in(kept, done.session_id) == {one: WORDS, other: "The second answer, of other words."}
    (told,) = await workflows(kept, done.session_id)
    assert told["state"] == "done"
    assert [(each["session_id"], each["companion_type"], each["version"]) for each in told["contributions"]] == [
        (one, "generic", 1),
        (other, "generic", 1),
    ]
    assert told["companions"][one]["status"] == "done"


async def test_asking_twice_writes_once_and_a_lost_branch_takes_nothing_with_it(kept: Process) -> None:
    one, other = await branches(kept, "The first answer.", "The second answer, of other words.")
    done = await consult(kept, companion_types=(one, other))
    stored = await kept.entries(done.session_id)
    await kept.step("critique", one, text="Once more.")
    await kept.step("revise", one, text="Something new altogether.")
    assert await consult(kept, done.session_id, companion_types=(other, one)) == done
    for session_id in (one, other):
        await kept.calls.desk.sessions.forget(OWNER, session_id)
    assert await consult(kept, done.session_id) == done
    entries = [entry for entry in await kept.entries(done.session_id) if entry.kind != "learned"]
    assert entries == [entry for entry in stored if entry.kind != "learned"]
    transcript = await Reading(calls=kept.calls).part(OWNER, done.session_id, None, "transcript", slot=0)
    assert f"Brought from session {one} (generic, slot 0, version 1):\n\nThe first answer.\n" in transcript["text"]
    assert len(kept.model.tasks) == 1


async def test_a_fork_is_drawn_together_with_its_parent_in_the_parent(process: Process) -> None:
    parent, child = await branches(process, "The first answer.", "The second answer, of other words.")
    done = await consult(process, parent, query="Both?", companion_types=(child, parent))
    assert (done.session_id, list(done.companions)) == (parent, [child, parent])
    assert await texts_in(process, parent) == {child: "The second answer, of other words.", parent: "The first answer."}
    again = await fork(process.calls.desk.sessions, OWNER, parent)
    seen = await consult(process, again.session_id)
    assert (seen.shown, len(process.model.tasks)) == (done.shown, 1)


async def test_a_branch_stands_beside_companions_that_draft(process: Process) -> None:
    (one,) = await branches(process, "The first answer.")
    done = await consult(process, query="And now?", companion_types=("generic", one))
    assert statuses(done) == {"generic": "done", one: "done"}
    assert len(process.model.tasks) == 2
    prompt = process.model.tasks[-1].messages[-1].text
    assert prompt.index("By generic:") < prompt.index(f"By generic in session {one}:")
    (told,) = await workflows(process, done.session_id)
    assert told["delegation"] == [{"from": "caller", "to": "strategy"}, {"from": "strategy", "to": "generic"}]


async def test_the_version_that_was_picked_is_what_a_branch_says(process: Process) -> None:
    (one, other) = await branches(process, "The first answer.", "The second answer, of other words.")
    session = await process.calls.desk.sessions.find(OWNER, one)
    awake = await session.wake("generic")
    slot = awake.companion.slot
    assert slot is not None
    note = Note(companion_type="generic", kind="pick", slot=0, meta={"version": 0, "why": "It is better."})
    await session.record(awake, [note])
    done = await consult(process, companion_types=(one, other))
    assert (await texts_in(process, done.session_id))[one] == "The draft of all."
    assert done.companions[one]["version"] == 0


async def test_what_a_branch_answered_last_stands_while_its_next_query_waits(by_caller: Process) -> None:
    one, other = await branches(by_caller, "The first answer.", "The second answer, of other words.")
    await by_caller.step("draft", one, query="What else?")
    done = await consult(by_caller, companion_types=(one, other))
    assert await texts_in(by_caller, done.session_id) == {
        one: "The first answer.",
        other: "The second answer, of other words.",
    }


async def test_a_caller_that_writes_is_handed_the_synthesis_at_once(by_caller: Process) -> None:
    one, other = await branches(by_caller, WORDS, "The second answer, of other words.")
    given = await consult(by_caller, companion_types=(one, other))
    assert given.answer is not None
    assert (given.status, given.answer.companion_type) == ("write", "strategy")
    assert WORDS in given.answer.instructions["user"]
    await by_caller.calls.desk.sessions.forget(OWNER, other)
    for _ in range(2):
        given = await consult(by_caller, given.session_id, text=MERGED, text_for="strategy")
        assert (given.status, given.not_recorded) == ("done", None)
    assert given.shown is not None
    assert given.shown.text == MERGED


async def test_the_offline_editor_puts_the_answers_one_behind_another(by_caller: Process) -> None:
    one, other = await branches(by_caller, "The first answer.", "The second answer, of other words.")
    offline = Sampling(execution_mode="offline")
    done = await consult(by_caller, companion_types=(one, other), sampling=offline)
    assert done.shown is not None
    assert done.shown.text == "The first answer.\n\nThe second answer, of other words."


async def test_another_process_goes_on_where_one_stopped(kept: Process) -> None:
    one, other = await branches(kept, "The first answer.", "The second answer, of other words.")
    kept.model.gate.close()
    begun = await consult(kept, companion_types=(one, other), seconds=0.5)
    assert begun.status == "running"
    await kept.calls.close()
    second = Process.on(kept.store.store, keeps=True, execution_mode="server")
    await second.calls.desk.sessions.forget(OWNER, other)
    assert (await workflows(second, begun.session_id))[0]["state"] == "running"
    done = await consult(second, begun.session_id)
    assert (done.status, statuses(done)) == ("done", {one: "done", other: "done"})
    assert "The second answer, of other words." in second.model.tasks[-1].messages[-1].text
    assert len(second.model.tasks) == 1
    await second.calls.close()


async def test_a_query_that_waited_for_its_draft_becomes_that_of_the_merge(by_caller: Process) -> None:
    one, other = await branches(by_caller, "The first answer.", "The second answer, of other words.")
    waiting = await by_caller.step("draft", None, "strategy", query="Which way?")
    given = await consult(by_caller, waiting.session_id, companion_types=(one, other))
    assert given.answer is not None
    assert "The first answer." in given.answer.instructions["user"]
    assert (given.session_id, given.slot) == (waiting.session_id, 0)


async def refused(process: Process, error: type[Exception], match: str, **asked: Any) -> None:
    session_id = (await process.step("draft", None, "guide", query="Before.", text="Words.")).session_id
    stored = await process.entries(session_id)
    with pytest.raises(error, match=match):
        await consult(process, session_id, **asked)
    assert await process.entries(session_id) == stored
    assert process.model.tasks == []


async def test_a_session_that_is_not_the_callers_is_told_like_an_unknown_one(process: Process) -> None:
    (one,) = await branches(process, "The first answer.")
    theirs = process.calls.desk.sessions.mint("somebody else").session_id
    unknown = "a" * 20
    for session_id in (theirs, unknown):
        what = rf"^There is no session '{session_id}'\. Your newest sessions: "
        await refused(process, SessionNotFoundError, what, companion_types=(one, session_id), query="Q?")


async def test_what_cannot_be_drawn_together_is_refused_before_anything_is_stored(by_caller: Process) -> None:
    (one,) = await branches(by_caller, "The first answer.")
    empty = (await by_caller.step("draft", query="And?")).session_id
    other = (await by_caller.step("draft", query="Something else?", text="No.")).session_id
    for match, asked in {
        f"Session {empty} has no text of 'generic'": {"companion_types": (one, empty)},
        "One session alone": {"companion_types": (one,)},
        "The sessions answer different queries": {"companion_types": (one, other)},
    }.items():
        await refused(by_caller, InputError, match, **asked)
    await refused(by_caller, UnknownNameError, "no companion type 'nobody'", companion_types=(one, "nobody"), query="Q")
    with pytest.raises(InputError, match="1 of them different"):
        await consult(by_caller, companion_types=(one, one))


async def test_long_answers_are_shown_in_part_and_kept_whole(process: Process) -> None:
    long = "A word of many. " * 9_000
    (other,) = await branches(process, "The second answer, of other words.")
    one = (await process.step("draft", query="Which way?", text=long)).session_id
    done = await consult(process, companion_types=(one, other))
    assert (await texts_in(process, done.session_id))[one] == long
    assert len(process.model.tasks[-1].messages[-1].text) < 60_000
    reading = Reading(calls=process.calls)
    body = await reading.part(OWNER, done.session_id, None, "run_log")
    assert (body["run_log"][0]["draft"], body.get("more")) == ("Text 1 of the scripted model.", None)
    told, offset = "", 0
    while True:
        page = await reading.part(OWNER, done.session_id, None, "transcript", offset=offset)
        told += page["text"]
        if page["more"] is None:
            break
        offset = page["more"]["offset"]
    assert long in told
