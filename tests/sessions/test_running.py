"""Steps under way: joined, waited for, told once, and finished whatever becomes of those who asked."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from companions.errors import ModelError
from companions.models import Sampling
from sessions.answers import Answer
from sessions.calls import Pending
from sessions.running import KEPT_FAILURES, Key, Running, Runs
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Process, until
from tests.sessions.gate import Gate
from tests.sessions.writing import log_of

PLACE = ("s1", "generic", "critique")
BARE = Key(PLACE)
SERVER = Sampling(execution_mode="server")
FAILED = ModelError("The model failed.", "Call again.")
FLAVOUR: contextvars.ContextVar[str] = contextvars.ContextVar("flavour", default="none")


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    made.model.gate.open()
    await made.calls.close()


@dataclass(slots=True)
class Work:
    """A step as ``Runs`` sees it: it waits at a gate, then answers or fails."""

    answer: Answer
    gate: Gate = field(default_factory=Gate)
    fails: BaseException | None = None
    asks: bool = False
    made: int = 0
    flavours: list[str] = field(default_factory=list[str])

    async def make(self, run: Running) -> Answer:
        self.made += 1
        self.flavours.append(FLAVOUR.get())
        run.ask(self.asks)
        await self.gate.passed()
        run.ask(False)
        if self.fails is not None:
            raise self.fails
        return self.answer


@pytest.fixture
async def work(process: Process) -> AsyncIterator[Work]:
    made = Work(await process.step("draft", query="Q?", text="Words."))
    made.gate.close()
    yield made
    made.gate.open()


async def nothing(_run: Running) -> None:
    """Report to nobody."""


def wait(runs: Runs, key: Key, work: Work, *, seconds: float = 30.0) -> Coroutine[Any, Any, Answer | None]:
    until = asyncio.get_running_loop().time() + seconds
    return runs.run(key, work.make, until=until, every=seconds, on_wait=nothing)


def left(runs: Runs) -> list[object]:
    """Give what is kept of steps, ended or not."""
    return [kept for name in ("_runs", "_failures") for kept in getattr(runs, name)]


async def test_two_callers_of_one_step_share_one_making_and_both_are_answered(work: Work) -> None:
    runs, key = Runs(), Key(PLACE, ("text",))
    calls = [asyncio.create_task(wait(runs, key, work)) for _ in range(2)]
    await work.gate.reached.wait()
    work.gate.open()
    assert await asyncio.gather(*calls) == [work.answer, work.answer]
    assert work.made == 1
    assert left(runs) == []


async def test_a_bare_call_joins_whatever_is_under_way_and_a_different_one_does_not(work: Work) -> None:
    runs = Runs()
    keys = [Key(PLACE, ("text",)), BARE, Key(PLACE, ("other text",)), Key(("s1", "strategy", "critique"))]
    calls = [asyncio.create_task(wait(runs, key, work)) for key in keys]
    await until(lambda: work.made == 3)
    work.gate.open()
    assert await asyncio.gather(*calls) == [work.answer] * 4
    assert work.made == 3
    assert left(runs) == []


async def test_a_call_past_its_budget_is_told_so_and_the_step_goes_on(work: Work) -> None:
    runs = Runs()
    assert await wait(runs, BARE, work, seconds=0.02) is None
    again = asyncio.create_task(wait(runs, BARE, work))
    await asyncio.wait({again}, timeout=0)
    work.gate.open()
    assert await again == work.answer
    assert work.made == 1
    assert left(runs) == []


async def test_waiting_is_reported_and_ends_with_the_budget(work: Work) -> None:
    runs, heard = Runs(), list[int]()

    async def report(run: Running) -> None:
        run.hear("generic", "four")
        heard.append(run.heard.characters)

    until = asyncio.get_running_loop().time() + 0.1
    assert await runs.run(BARE, work.make, until=until, every=0.02, on_wait=report) is None
    assert 3 <= len(heard) <= 7
    assert heard == [4 * number for number in range(1, len(heard) + 1)]


async def test_a_failure_is_told_to_everyone_who_waits_and_to_nobody_afterwards(work: Work) -> None:
    runs, work.fails = Runs(), FAILED
    calls = [asyncio.create_task(wait(runs, BARE, work)) for _ in range(2)]
    await work.gate.reached.wait()
    work.gate.open()
    assert await asyncio.gather(*calls, return_exceptions=True) == [FAILED, FAILED]
    work.fails = None
    assert await wait(runs, BARE, work) == work.answer
    assert left(runs) == []


@pytest.mark.parametrize("next_key", [BARE, Key(PLACE, ("text",))], ids=["bare", "same"])
async def test_a_failure_after_running_is_told_once_and_the_call_after_that_tries_again(
    work: Work, next_key: Key
) -> None:
    runs, work.fails = Runs(), FAILED
    assert await wait(runs, Key(PLACE, ("text",)), work, seconds=0) is None
    work.gate.open()
    await runs.finish()
    with pytest.raises(ModelError):
        await wait(runs, next_key, work)
    assert work.made == 1
    work.fails = None
    assert await wait(runs, next_key, work) == work.answer
    assert work.made == 2
    assert left(runs) == []


async def test_a_call_for_something_else_is_not_told_an_old_failure(work: Work) -> None:
    runs, work.fails = Runs(), FAILED
    assert await wait(runs, Key(PLACE, ("text",)), work, seconds=0) is None
    work.gate.open()
    await runs.finish()
    work.fails = None
    assert await wait(runs, Key(PLACE, ("other text",)), work) == work.answer
    assert await wait(runs, BARE, work) == work.answer
    assert left(runs) == []


async def test_failures_that_nobody_asks_for_are_forgotten_in_the_end(work: Work) -> None:
    runs, work.fails = Runs(), FAILED
    work.gate.open()
    for number in range(KEPT_FAILURES + 10):
        assert await wait(runs, Key((f"s{number}", "generic", "critique")), work, seconds=0) is None
        await runs.finish()
    assert len(left(runs)) == KEPT_FAILURES


async def test_an_unforeseen_failure_that_nobody_waited_for_is_logged_and_not_told(work: Work) -> None:
    runs, work.fails = Runs(), ZeroDivisionError("a bug")
    with log_of("companions.running") as said:
        assert await wait(runs, BARE, work, seconds=0) is None
        work.gate.open()
        await runs.finish()
    assert len(said) == 1
    work.fails = None
    assert await wait(runs, BARE, work) == work.answer
    assert left(runs) == []


async def test_a_caller_that_goes_away_leaves_the_step_to_finish(work: Work) -> None:
    runs = Runs()
    gone, stays = (asyncio.create_task(wait(runs, BARE, work)) for _ in range(2))
    await work.gate.reached.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    work.gate.open()
    assert await stays == work.answer
    assert work.made == 1
    assert left(runs) == []


async def test_a_step_does_not_see_the_context_of_the_request_that_began_it(work: Work) -> None:
    FLAVOUR.set("of the request")
    work.gate.open()
    await wait(Runs(), BARE, work)
    assert work.flavours == ["none"]


async def test_closing_answers_who_waits_drops_who_asks_and_lets_the_others_finish(work: Work) -> None:
    runs, storing = Runs(), Work(work.answer)
    storing.gate.close()
    work.asks = True
    calls = [asyncio.create_task(wait(runs, BARE, work))]
    calls.append(asyncio.create_task(wait(runs, Key(("s2", "generic", "revise")), storing)))
    await asyncio.gather(work.gate.reached.wait(), storing.gate.reached.wait())
    runs.close()
    assert await asyncio.gather(*calls) == [None, None]
    finish = asyncio.create_task(runs.finish())
    await asyncio.wait({finish}, timeout=0.02)
    assert not finish.done()
    storing.gate.open()
    await finish
    assert left(runs) == []


async def test_a_step_that_would_ask_its_model_only_after_the_close_is_dropped_too(process: Process) -> None:
    session_id = (await process.step("draft", query="Q?", text="Words.")).session_id
    process.model.gate.close()
    asking = asyncio.create_task(process.call("critique", session_id, sampling=SERVER))
    await process.model.gate.reached.wait()
    # It waits for the lock of the first, and would ask as soon as that one is dropped.
    behind = asyncio.create_task(process.call("critique", session_id, sampling=SERVER, evidence="Facts."))
    await until(lambda: len(left(process.calls.runs)) == 2)
    async with asyncio.timeout(5):
        await process.calls.rest()
    assert all(isinstance(answer, Pending) for answer in await asyncio.gather(asking, behind))
    assert len(process.model.tasks) == 1
    assert [entry.kind for entry in await process.entries(session_id)] == ["configure", "query", "draft"]
    process.calls.open()
    process.model.gate.open()
    assert not (await process.step("critique", session_id, sampling=SERVER)).already_done


async def test_a_call_that_comes_after_the_close_is_answered_at_once_and_leaves_nothing(work: Work) -> None:
    runs, work.asks = Runs(), True
    runs.close()
    assert await wait(runs, BARE, work) is None
    async with asyncio.timeout(5):
        await runs.finish()
    assert left(runs) == []
    runs.open()
    work.gate.open()
    assert await wait(runs, BARE, work) == work.answer
