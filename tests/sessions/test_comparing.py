"""Two texts side by side: versions of a slot, a fork and its parent, two sessions of one owner."""

import pytest

from companions.errors import InputError, SessionNotFoundError
from companions.word_diff import Piece, word_diff
from sessions import comparing
from sessions.reading import Body, Reading
from tests.sessions.faults import OWNER, Process, until
from tests.sessions.forks import forked

LONG = " ".join(f"word{number}" for number in range(400))


@pytest.fixture
def process(by_caller: Process) -> Process:
    return by_caller


async def compared(process: Process, session_id: str, with_: str | None = None, **given: int) -> Body:
    reading = Reading(calls=process.calls)
    return await reading.part(OWNER, session_id, None, "comparison", compared_with=with_, **given)


async def written(process: Process, *texts: str, query: str = "Where?") -> str:
    session_id = (await process.step("draft", query=query, text=texts[0])).session_id
    for text in texts[1:]:
        await process.step("critique", session_id, text="Say more.")
        await process.step("revise", session_id, text=text)
    return session_id


async def test_a_session_s_answer_is_compared_with_its_draft_or_with_the_version_that_is_named(
    process: Process,
) -> None:
    session_id = await written(process, f"In {LONG} there.", f"At {LONG} there.", f"At {LONG} here.")
    body = await compared(process, session_id)
    place = {"session_id": session_id, "companion_type": "generic", "slot": 0}
    assert (body["before"], body["after"]) == (place | {"version": 0}, place | {"version": 2})
    assert body["text"].startswith("[-In-] {+At+} ")
    assert body["text"].endswith("[-there.-] {+here.+}")
    newer = await compared(process, session_id, "1")
    assert newer["before"]["version"] == 1
    assert 1 > newer["similarity"] > body["similarity"] > 0.9
    assert (await compared(process, session_id, "2"))["similarity"] == 1


async def test_a_version_of_an_earlier_slot_is_found_and_one_that_is_not_there_is_named(process: Process) -> None:
    session_id = await written(process, "One way.", "Another way.")
    await process.step("draft", session_id, query="And then?", text="Home.")
    body = await compared(process, session_id, "0", slot=0)
    assert (body["before"]["slot"], body["text"]) == (0, "[-One-] {+Another+} way.")
    with pytest.raises(InputError, match="no version 7; its versions are 0 to 1"):
        await compared(process, session_id, "7", slot=0)
    with pytest.raises(InputError, match="no version 1; its versions are 0 to 0"):
        await compared(process, session_id, "1")


async def test_a_fork_is_compared_with_its_parent_while_there_is_one(process: Process) -> None:
    parent = await written(process, "By land.")
    fork = (await forked(process, parent)).session_id
    await process.step("critique", fork, text="Faster?")
    await process.step("revise", fork, text="By sea.")
    body = await compared(process, fork)
    assert (body["before"]["session_id"], body["after"]["session_id"]) == (parent, fork)
    assert body["text"] == "By [-land.-] {+sea.+}"
    await process.calls.desk.sessions.forget(OWNER, parent)
    body = await compared(process, fork)
    assert (body["before"]["session_id"], body["before"]["version"]) == (fork, 0)


async def test_two_sessions_of_one_owner_are_compared_and_no_other_s(process: Process) -> None:
    one, two = await written(process, "By land."), await written(process, "By sea.")
    assert (await compared(process, two, one))["text"] == "By [-land.-] {+sea.+}"
    waiting = (await process.step("draft", query="Waits.")).session_id
    with pytest.raises(InputError, match=f"{waiting} has no text of 'generic'"):
        await compared(process, two, waiting)
    with pytest.raises(SessionNotFoundError, match="nobody"):
        await compared(process, two, "nobody")
    with pytest.raises(SessionNotFoundError, match=one):
        await Reading(calls=process.calls).part("bob", one, None, "comparison")


async def test_a_long_comparison_comes_in_pages_and_is_made_once(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def noted(before: str, after: str) -> list[Piece]:
        made.append(after)
        return word_diff(before, after)

    monkeypatch.setattr(comparing, "word_diff", noted)
    reading = Reading(calls=process.calls)
    one, two = [await written(process, "\n".join(f"{n} {letter * 30}" for n in range(4_000))) for letter in "ab"]
    body = await reading.part(OWNER, two, None, "comparison", compared_with=one)
    text, offsets = body["text"], list[int]()
    while body["more"] is not None:
        offsets.append(body["more"]["offset"])
        body = await reading.part(OWNER, two, None, "comparison", compared_with=one, offset=offsets[-1])
        text += body["text"]
    assert text.endswith(f"3999 [-{'a' * 30}-] {{+{'b' * 30}+}}")
    assert text.count("{+bbb") == 4_000
    assert (len(offsets) > 1, len(made)) == (True, 1)
    await reading.part(OWNER, one, None, "comparison", compared_with=two)
    assert len(made) == 2


async def test_nothing_of_a_comparison_stays_behind_a_session_that_is_forgotten(process: Process) -> None:
    one, two = await written(process, "By land."), await written(process, "By sea.")
    for forgotten in (one, two):
        reading = Reading(calls=process.calls)
        await reading.part(OWNER, two, None, "comparison", compared_with=one if forgotten == one else "0")
        assert reading.compared.made is not None
        await process.calls.desk.sessions.forget(OWNER, forgotten)
        await until(lambda compared=reading.compared: compared.made is None)
