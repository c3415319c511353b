"""Two processes on one store: nobody's entry is lost, interleaved or written twice, whoever comes first."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from companions.companion import Companion
from companions.errors import ConflictError, SessionNotFoundError
from companions.models import Sampling, Step
from sessions.session import read_companion
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import OWNER, Process

SERVER = Sampling(execution_mode="server")
Two = tuple[Process, Process]


@pytest.fixture
async def two(path: Path) -> AsyncIterator[Two]:
    processes = Process.on(SQLiteStore(path)), Process.on(SQLiteStore(path))
    yield processes
    for process in processes:
        process.model.gate.open()
        await process.calls.close()


async def opened(process: Process, companion_type: str = "generic", *, upto: Step = "draft") -> str:
    """Open a session whose newest slot has its steps up to one."""
    session_id = (await process.step("draft", companion_type=companion_type, query="Q?", text="Draft.")).session_id
    for step in ("critique", "revise"):
        if upto == "draft" or (upto == "critique" and step == "revise"):
            break
        await process.step(step, session_id, companion_type, text=f"The {step}.")
    return session_id


async def texts(process: Process, session_id: str, kind: str) -> list[str]:
    entries = await process.entries(session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.text for entry in entries if entry.kind == kind]


async def live(process: Process, session_id: str, companion_type: str = "generic") -> Companion:
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    awake = await session.wake(companion_type)
    await session.catch_up(awake)
    return awake.companion


async def check_memory(session_id: str, *processes: Process) -> None:
    """See that what each process has in memory is what the store has."""
    for process in processes:
        for companion_type in ("generic", "strategy"):
            stored = await read_companion(process.store.store, session_id, companion_type)
            assert await live(process, session_id, companion_type) == stored


async def under_way(
    process: Process, step: Step, session_id: str, companion_type: str = "generic", **given: Any
) -> Any:
    """Begin a step whose model does not answer before its gate is opened."""
    process.model.gate.close()
    call = asyncio.create_task(process.step(step, session_id, companion_type, sampling=SERVER, **given))
    await process.model.gate.reached.wait()
    return call


async def test_each_process_sees_what_the_other_did_before_its_own_step(two: Two) -> None:
    one, other = two
    session_id = await opened(one)
    for number in range(3):
        await other.step("critique", session_id, text=f"Critique {number}.")
        assert (await one.step("critique", session_id, text="Late.")).already_done
        await one.step("revise", session_id, text=f"Revision {number}.")
        repeat = await other.step("revise", session_id)
        assert (repeat.already_done, repeat.entry and repeat.entry.text) == (True, f"Revision {number}.")
    await other.step("draft", session_id, query="Another?", text="Another draft.")
    assert (await one.step("draft", session_id)).slot == 1
    assert await texts(one, session_id, "critique") == [f"Critique {number}." for number in range(3)]
    assert await texts(one, session_id, "revision") == [f"Revision {number}." for number in range(3)]
    await check_memory(session_id, one, other)


@pytest.mark.parametrize(
    ("step", "kind", "before"), [("critique", "critique", "draft"), ("revise", "revision", "critique")]
)
async def test_of_two_that_write_the_same_step_one_wins_and_the_other_is_told_and_kept(
    two: Two, step: Step, kind: str, before: Step
) -> None:
    one, other = two
    session_id = await opened(one, upto=before)
    one.model.script.append("The loser's words.")
    call = await under_way(one, step, session_id)
    await other.step(step, session_id, text="The winner's words.")
    one.model.gate.open()
    with pytest.raises(ConflictError, match="kept as an alternative"):
        await call
    assert (await texts(one, session_id, kind))[-1] == "The winner's words."
    (kept,) = [entry for entry in await one.entries(session_id) if entry.kind == "alternative"]
    assert (kept.text, kept.meta["of"], kept.meta["usage"]["input_tokens"]) == ("The loser's words.", kind, 7)
    answer = await one.step(step, session_id)
    assert (answer.already_done, answer.entry and answer.entry.text) == (True, "The winner's words.")
    await check_memory(session_id, one, other)


async def test_a_companion_that_was_written_to_loses_also_when_a_sibling_caught_up_meanwhile(two: Two) -> None:
    one, other = two
    session_id = await opened(one)
    one.model.script.append("The loser's words.")
    call = await under_way(one, "critique", session_id)
    await other.step("critique", session_id, text="The winner's words.")
    # This step tells its process how far the session is, which must not make the one under way look up to date.
    await one.step("draft", session_id, "strategy", query="Q?", text="A plan.")
    one.model.gate.open()
    with pytest.raises(ConflictError):
        await call
    assert await texts(one, session_id, "critique") == ["The winner's words."]
    assert await texts(one, session_id, "alternative") == ["The loser's words."]
    await check_memory(session_id, one, other)


async def test_a_companion_that_nobody_wrote_to_goes_on_behind_the_others_entries(two: Two) -> None:
    one, other = two
    session_id = await opened(one)
    call = await under_way(one, "critique", session_id)
    await other.step("draft", session_id, "strategy", query="Q?", text="A plan.")
    await other.step("critique", session_id, "strategy", text="Too short.")
    one.model.gate.open()
    answer = await call
    assert answer.entry.seq == len(await one.entries(session_id))
    assert await texts(one, session_id, "alternative") == []
    await check_memory(session_id, one, other)


async def test_two_processes_on_two_companions_of_a_session_lose_nothing(two: Two) -> None:
    session_id = await opened(two[0])

    async def think(process: Process, companion_type: str) -> list[str]:
        written = list[str]()
        await process.step("draft", session_id, companion_type, query=f"{companion_type}?", text="A draft to begin.")
        for number in range(20):
            for step in ("critique", "revise"):
                written.append(f"{companion_type} {step} {number}")
                answer = await process.step(step, session_id, companion_type, text=written[-1])
                assert not answer.already_done
        return written

    written = await asyncio.gather(think(two[0], "generic"), think(two[1], "strategy"))
    entries = await two[0].entries(session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    for companion_type, expected in zip(("generic", "strategy"), written, strict=True):
        kept = [entry.text for entry in entries if entry.companion_type == companion_type]
        assert [text for text in kept if text in expected] == expected
    await check_memory(session_id, *two)


async def test_steps_that_race_leave_one_text_in_place_and_say_what_became_of_the_others(two: Two) -> None:
    session_id = await opened(two[0])
    for number in range(10):
        step: Step = "revise" if number % 2 else "critique"
        given = [f"{step} {number} of {name}" for name in ("one", "other")]
        calls = (process.step(step, session_id, text=text) for process, text in zip(two, given, strict=True))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        stands = (await texts(two[0], session_id, "revision" if number % 2 else "critique"))[-1]
        assert stands in given
        for text, answer in zip(given, answers, strict=True):
            if isinstance(answer, ConflictError):
                assert text in await texts(two[0], session_id, "alternative")
            else:
                assert not isinstance(answer, BaseException)
                assert answer.entry is not None
                assert answer.entry.text == stands
                assert (answer.not_recorded is not None) == (text != stands)
    assert len(await texts(two[0], session_id, "critique")) == 5
    await check_memory(session_id, *two)


@pytest.mark.parametrize("step", ["draft", "critique", "revise"])
async def test_a_session_that_the_other_process_forgot_is_told_as_unknown(two: Two, step: Step) -> None:
    one, other = two
    session_id = await opened(one, upto="critique")
    await other.calls.desk.sessions.forget(OWNER, session_id)
    with pytest.raises(SessionNotFoundError) as told:
        await one.step(step, session_id, text="More.")
    with pytest.raises(SessionNotFoundError) as unknown:
        await other.step(step, session_id, text="More.")
    assert told.value.what == unknown.value.what
    assert await one.entries(session_id) == []


async def test_a_step_under_way_in_a_session_that_is_forgotten_is_told_so_and_leaves_nothing(two: Two) -> None:
    one, other = two
    session_id = await opened(one)
    call = await under_way(one, "critique", session_id)
    await other.calls.desk.sessions.forget(OWNER, session_id)
    one.model.gate.open()
    with pytest.raises(SessionNotFoundError):
        await call
    assert await one.entries(session_id) == []


async def test_the_same_question_opens_a_new_session_when_its_first_one_was_forgotten(two: Two) -> None:
    one, _ = two
    pending = await one.call("draft", query="Q?", sampling=SERVER, seconds=0.0)
    await one.calls.runs.finish()
    await one.calls.desk.sessions.forget(OWNER, pending.session_id)
    answer = await one.step("draft", query="Q?", sampling=SERVER)
    assert answer.session_id != pending.session_id
    assert not answer.already_done
