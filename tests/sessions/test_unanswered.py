"""A question asked again before its session was seen gets that session; once it was seen, it is a new question."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from companions.errors import InputError, ModelError
from companions.models import Sampling
from sessions import unanswered
from sessions.store import Store
from sessions.unanswered import KEPT, KEPT_SECONDS, OWNERS, Unanswered
from tests.sessions.faults import OWNER, Process

SERVER = Sampling(execution_mode="server")


@dataclass
class Clock:
    now: float = 1_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the module a clock of the test's own: nobody waits ten minutes."""
    made = Clock()
    monkeypatch.setattr(unanswered, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture
def mint() -> Callable[[], str]:
    numbers = count()
    return lambda: f"s{next(numbers)}"


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store)
    yield made
    made.model.gate.open()
    await made.calls.close()


async def ids(process: Process) -> set[str]:
    return {head.opening.session_id for head in await process.calls.desk.sessions.list(OWNER)}


def test_the_same_question_gets_the_same_session_while_it_is_unanswered(mint: Callable[[], str]) -> None:
    calls = Unanswered()
    assert [calls.claim(OWNER, asked, mint) for asked in ("a", "b", "a")] == ["s0", "s1", "s0"]
    calls.answered(OWNER, "a")
    assert [calls.claim(OWNER, asked, mint) for asked in ("a", "b")] == ["s2", "s1"]


def test_a_question_is_remembered_for_ten_minutes_after_its_caller_was_seen_to_go(
    mint: Callable[[], str], clock: Clock
) -> None:
    calls = Unanswered()
    calls.claim(OWNER, "a", mint)
    clock.now += 10 * KEPT_SECONDS
    assert calls.claim(OWNER, "a", mint) == "s0"
    calls.left(OWNER, "a")
    clock.now += KEPT_SECONDS - 0.001
    assert calls.claim(OWNER, "a", mint) == "s0"
    clock.now += 0.001
    assert calls.claim(OWNER, "a", mint) == "s1"
    assert KEPT_SECONDS == 600


def test_leaving_or_answering_a_question_that_nobody_asked_changes_nothing(mint: Callable[[], str]) -> None:
    calls = Unanswered()
    calls.left(OWNER, "a")
    calls.answered(OWNER, "a")
    assert calls.claim(OWNER, "a", mint) == "s0"


def test_the_oldest_questions_are_forgotten_first_and_one_asked_anew_is_not_old(
    mint: Callable[[], str], clock: Clock
) -> None:
    calls = Unanswered()
    for number in range(KEPT):
        calls.claim(OWNER, number, mint)
    calls.left(OWNER, 0)
    clock.now += KEPT_SECONDS
    renewed = calls.claim(OWNER, 0, mint)
    calls.claim(OWNER, "one more", mint)
    assert calls.claim(OWNER, 0, mint) == renewed
    assert calls.claim(OWNER, 1, mint) not in {f"s{number}" for number in range(KEPT + 2)}


def test_however_much_one_owner_asks_the_questions_of_others_are_remembered(mint: Callable[[], str]) -> None:
    calls = Unanswered()
    first = calls.claim(OWNER, "Q?", mint)
    for number in range(2 * KEPT):
        calls.claim("bob", number, mint)
        calls.left("bob", number)
    assert calls.claim(OWNER, "Q?", mint) == first


def test_of_so_many_owners_those_that_asked_longest_ago_are_forgotten_and_answered_ones_take_no_place(
    mint: Callable[[], str],
) -> None:
    calls = Unanswered()
    first, second = (calls.claim(owner, "Q?", mint) for owner in (OWNER, "bob"))
    for number in range(OWNERS):
        calls.claim(f"answered {number}", "Q?", mint)
        calls.answered(f"answered {number}", "Q?")
    assert [calls.claim(owner, "Q?", mint) for owner in (OWNER, "bob")] == [first, second]
    calls.claim(OWNER, "Another?", mint)
    for number in range(OWNERS - 1):
        calls.claim(f"waiting {number}", "Q?", mint)
    assert calls.claim(OWNER, "Q?", mint) == first
    assert calls.claim("bob", "Q?", mint) != second


async def test_a_draft_repeated_while_it_runs_gets_one_session_and_one_model_call(process: Process) -> None:
    process.model.gate.close()
    calls = [asyncio.create_task(process.step("draft", query="Q?", sampling=SERVER)) for _ in range(3)]
    await process.model.gate.reached.wait()
    process.model.gate.open()
    answers = await asyncio.gather(*calls)
    assert {answer.session_id for answer in answers} == await ids(process)
    assert len(await ids(process)) == len(process.model.tasks) == 1


async def test_a_draft_whose_caller_went_away_is_there_for_the_repeat(process: Process) -> None:
    process.model.gate.close()
    call = asyncio.create_task(process.step("draft", query="Q?", sampling=SERVER))
    await process.model.gate.reached.wait()
    call.cancel()
    await asyncio.wait({call})
    process.model.gate.open()
    await process.calls.runs.finish()
    answer = await process.step("draft", query="Q?", sampling=SERVER)
    assert (answer.already_done, {answer.session_id}) == (True, await ids(process))


async def test_a_draft_that_was_answered_as_running_is_there_for_the_repeat(process: Process) -> None:
    process.model.gate.close()
    pending = await process.call("draft", query="Q?", sampling=SERVER, seconds=0.0)
    process.model.gate.open()
    answer = await process.step("draft", query="Q?", sampling=SERVER)
    assert answer.session_id == pending.session_id
    assert len(process.model.tasks) == 1
    assert (await process.step("draft", query="Q?", sampling=SERVER)).session_id != pending.session_id


@pytest.mark.parametrize(
    "other",
    [{"query": "Another?"}, {"companion_type": "strategy"}, {"sampling": Sampling(execution_mode="offline")}],
    ids=["query", "companion", "sampling"],
)
async def test_a_draft_that_asks_anything_else_gets_a_session_of_its_own(
    process: Process, other: dict[str, Any]
) -> None:
    process.model.gate.close()
    given: dict[str, Any] = {"query": "Q?", "sampling": SERVER}
    first = await process.call("draft", **given, seconds=0.0)
    second = await process.call("draft", **given | other, seconds=0.0)
    assert first.session_id != second.session_id


async def test_a_draft_whose_model_failed_keeps_its_session_for_the_repeat(process: Process) -> None:
    process.model.script.extend([ModelError("It failed.", "Call again."), "The draft."])
    with pytest.raises(ModelError) as failure:
        await process.step("draft", query="Q?", sampling=SERVER)
    answer = await process.step("draft", query="Q?", sampling=SERVER)
    assert answer.session_id in failure.value.remedy
    assert [entry.text for entry in await process.entries(answer.session_id)] == ["", "Q?", "The draft."]


async def test_a_bug_in_a_model_does_not_keep_a_question_for_ever(process: Process, clock: Clock) -> None:
    process.model.script.append(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        await process.step("draft", query="Q?", sampling=SERVER)
    (first,) = await ids(process)
    clock.now += KEPT_SECONDS
    assert (await process.step("draft", query="Q?", sampling=SERVER)).session_id != first


async def test_a_draft_that_could_not_be_asked_leaves_no_session(process: Process) -> None:
    for _ in range(2):
        with pytest.raises(InputError):
            await process.step("draft")
    assert await ids(process) == set()
    assert getattr(process.calls.unanswered, "_owners") == {}  # noqa: B009 - the type checker forbids the plain way
