"""Queries that are corrected after they were put: they are known by both texts, so nothing is asked or paid for twice."""

from tests.sessions.consulted import THREE, consult, statuses
from tests.sessions.edited import companion_of, edited
from tests.sessions.faults import Process


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
