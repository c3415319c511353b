"""Queries that are corrected after they were put: by which text each is known, listed and found."""

from collections.abc import AsyncIterator

import pytest

from sessions.labelling import set_title
from sessions.reading import Reading
from sessions.store import Store
from tests.sessions.consulted import THREE, consult, statuses
from tests.sessions.edited import companion_of, edited
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked
from tests.sessions.labelled import head_of, listed, opened


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True)
    yield made
    await made.calls.close()


async def test_a_corrected_query_that_is_put_again_in_either_text_is_answered_already(by_caller: Process) -> None:
    session_id = (await by_caller.step("draft", query="Wich?", text="This one.")).session_id
    await edited(by_caller, session_id, 0, query="Wihch?")
    await edited(by_caller, session_id, 0, query="Which?")
    fresh = Process.on(by_caller.store.store, keeps=True)
    for process in (by_caller, fresh):
        for query in ("Wich?", "Which?"):
            answer = await process.step("draft", session_id, query=query)
            assert (answer.already_done, answer.slot) == (True, 0)
    await fresh.calls.close()
    other = await by_caller.step("draft", session_id, query="Who?")
    assert (other.already_done, other.slot) == (False, 1)


async def test_a_consultation_asks_nobody_again_for_a_query_that_is_corrected(by_caller: Process) -> None:
    begun = await consult(by_caller, query="Wich?", companion_types=THREE)
    for name in THREE[:2]:
        await consult(by_caller, begun.session_id, text=f"What {name} says.", text_for=name)
    await edited(by_caller, begun.session_id, 0, "strategy", query="Which?")
    await edited(by_caller, begun.session_id, 0, THREE[0], query="Which, then?")
    for query in ("Wich?", "Which?", None):
        given = await consult(by_caller, begun.session_id, query=query)
        assert list(statuses(given).values()) == ["done", "done", "waiting"]
        assert given.answer is not None
        assert given.answer.companion_type == THREE[2]
        assert given.answer.instructions is not None
        assert "Which?" in given.answer.instructions["user"]
    await consult(by_caller, begun.session_id, text="The third.", text_for=THREE[2])
    await edited(by_caller, begun.session_id, 0, THREE[2], query="Which one?")
    given = await consult(by_caller, begun.session_id, text="All in one.", text_for="strategy")
    assert (given.status, set(statuses(given).values())) == ("done", {"done"})
    again = await consult(by_caller, begun.session_id, query="Wich?")
    assert again.shown is not None
    assert (again.status, again.shown.text, again.slot) == ("done", "All in one.", 0)
    for name in (*THREE, "strategy"):
        slot = (await companion_of(by_caller, begun.session_id, name)).slot
        assert slot is not None
        assert slot.number == 0


async def test_a_session_goes_by_its_corrected_first_query_unless_a_person_gave_it_a_title(process: Process) -> None:
    sessions = process.calls.desk.sessions
    session_id, named = await opened(process, "Wich price?", "Wich market?")
    before = (await process.entries(session_id))[-1].seq
    await process.step("draft", session_id, query="And then?", text="Nothing.")
    await set_title(sessions, OWNER, named, "Markets")
    await edited(process, named, 0, query="Which market?")
    await edited(process, session_id, 1, query="And what then?")
    await edited(process, session_id, 0, query="Whihc price?", left_out=True)
    await edited(process, session_id, 0, query="Which price?", answer="9.")
    await process.step("draft", session_id, query="And else?", text="Nothing.")
    forks = [(await forked(process, session_id, at)).session_id for at in (None, before)]
    await process.calls.rest()
    fresh = Process.on(process.store.store, keeps=True)
    for reader in (process, fresh):
        told = {each: title for each, title, _ in await listed(reader)}
        assert [told[each] for each in (session_id, named, *forks)] == [
            "Which price?",
            "Markets",
            "Which price?",
            "Wich price?",
        ]
        heads = [await head_of(reader, each) for each in (session_id, named, *forks)]
        assert [each.projection and each.projection.title for each in heads] == [
            told[each.opening.session_id] for each in heads
        ]
    await edited(fresh, forks[1], 0, query="Which one?")
    assert (await listed(fresh))[0][:2] == (forks[1], "Which one?")
    await fresh.calls.close()


async def test_a_search_tells_of_a_text_that_it_cites_that_it_was_corrected_since(by_caller: Process) -> None:
    (session_id,) = await opened(by_caller, "Wich price?")
    await by_caller.step("critique", session_id, text="Too short.")
    await edited(by_caller, session_id, 0, query="Whihc price?")
    await edited(by_caller, session_id, 0, query="Which price?")
    await edited(by_caller, session_id, 0, answer="Ninety.")
    cited = {"companion_type": "generic", "slot": 0, "kind": "query"}
    for word, excerpt in (
        ("wich", cited | {"text": "Wich price?", "corrected": True}),
        ("whihc", cited | {"text": "Whihc price?", "corrected": True}),
        ("ninety", None),  # its title and newest answer have it
    ):
        (session,) = (await Reading(calls=by_caller.calls).listing(OWNER, search=word))["sessions"]
        assert session.get("found") == excerpt
    await by_caller.step("draft", session_id, query="And then?", text="Nothing.")
    (session,) = (await Reading(calls=by_caller.calls).listing(OWNER, search="ninety"))["sessions"]
    assert session["found"] == cited | {"kind": "draft", "text": "Ninety."}
