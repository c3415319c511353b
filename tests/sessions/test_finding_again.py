"""What was concluded stays findable, whatever was asked since."""

import pytest

from companions.errors import InputError
from sessions import searching
from sessions.reading import Reading
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked


@pytest.fixture
def process(by_caller: Process) -> Process:
    return by_caller


async def test_a_new_query_that_waits_does_not_hide_the_answer_before_it(process: Process) -> None:
    reading = Reading(calls=process.calls)
    session_id = (await process.step("draft", query="Which animal?", text="A zebra.")).session_id
    await process.step("draft", session_id, query="And which plant?")

    (listed,) = (await reading.listing(OWNER, search="zebra"))["sessions"]
    with pytest.raises(InputError, match="with slot 0"):
        await reading.part(OWNER, session_id, None, "answer")
    assert listed["preview"] == "A zebra."
    assert (await reading.part(OWNER, session_id, None, "answer", slot=0))["text"] == "A zebra."


async def found(process: Process, words: str, limit: int = 10) -> list[str]:
    body = await Reading(calls=process.calls).listing(OWNER, search=words, limit=limit)
    assert "searched" not in body
    return [session["session_id"] for session in body["sessions"]]


async def test_every_word_of_a_search_may_stand_in_another_text_of_a_session(process: Process) -> None:
    older = (await process.step("draft", query="Which river?", text="The Danube.")).session_id
    for query, text in (("How long is it?", "2,850 km from BREG to Sulina."), ("And the Rhine?", "1,230 km.")):
        await process.step("draft", older, query=query, text=text)
    newer = (await process.step("draft", query="Which river is longest?", text="Perhaps the Danube.")).session_id
    await process.step("critique", newer, text="The volga is longer.")
    await process.step("revise", newer, text="The Volga, at 3,530 km.")

    assert await found(process, "danube") == [newer, older]
    assert await found(process, "danube", limit=1) == [newer]
    assert await found(process, "sulina RIVER long") == [older]
    assert await found(process, "volga perhaps") == [newer]
    assert await found(process, "volga sulina") == []
    assert await found(process, older) == [older]


async def test_a_search_says_where_a_word_was_found_and_a_critique_is_no_answer(process: Process) -> None:
    opened = await process.step("draft", query="Where?", text=f"{'Far ' * 99}\n\nin the {{north}}, {'far ' * 99}")
    await process.step("critique", opened.session_id, text="Name the Yukon.")
    await process.step("draft", opened.session_id, query="When?", text="In June.")
    (session,) = (await Reading(calls=process.calls).listing(OWNER, search="{North}"))["sessions"]
    excerpt = session["found"]
    assert (excerpt["companion_type"], excerpt["slot"], excerpt["kind"]) == ("generic", 0, "draft")
    assert "in the {north}, far" in excerpt["text"]
    assert await found(process, "yukon") == []
    assert await found(process, "   ") == [opened.session_id]


async def test_a_search_that_has_not_read_all_says_so_and_still_finds_titles(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED", 4)
    old = [(await process.step("draft", query=f"Old {name}?", text="Kept.")).session_id for name in ("oak", "elm")]
    for number in range(8):
        await process.step("draft", query=f"Question {number}?", text="oak and elm")
    body = await Reading(calls=process.calls).listing(OWNER, search="old oak")
    assert [session["session_id"] for session in body["sessions"]] == old[:1]
    assert "only title and newest answer" in body["searched"]


async def test_a_session_that_is_too_long_to_be_read_to_its_end_is_owned_up_to(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = (await process.step("draft", query="Which fish?", text="A haddock.")).session_id
    for query in ("And then?", "And else?"):
        await process.step("draft", session_id, query=query, text="Nothing.")
    assert await found(process, "haddock") == [session_id]
    monkeypatch.setattr(searching, "DEEPEST", 3)
    body = await Reading(calls=process.calls).listing(OWNER, search="haddock")
    assert (body["sessions"], "of very long ones" in body["searched"]) == ([], True)


async def test_a_search_over_a_slow_store_says_that_it_has_not_read_all_and_leaves_the_store_to_steps(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = (await process.step("draft", query="Which fish?", text="A haddock.")).session_id
    gate = process.store.holds("page")
    monkeypatch.setattr(process.calls.desk.sessions.store, "seconds", 0.05)
    body = await Reading(calls=process.calls).listing(OWNER, search="nothing")
    gate.open()
    assert "searched" in body
    assert not process.calls.desk.sessions.store.away
    monkeypatch.undo()
    assert (await process.step("critique", session_id, text="Why?")).iteration == 1


async def test_a_search_reads_what_a_fork_shares_and_nothing_of_another_owner(process: Process) -> None:
    parent = (await process.step("draft", query="A plan?", text="Build a zeppelin.")).session_id
    fork = (await forked(process, parent)).session_id
    await process.calls.desk.sessions.forget(OWNER, parent)
    assert await found(process, "zeppelin") == [fork]
    assert (await Reading(calls=process.calls).listing("bob", search="zeppelin"))["sessions"] == []
