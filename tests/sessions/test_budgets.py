"""Budgets of sessions and loops: a call that would exceed is not made; what was spent is known exactly."""

import asyncio
import math
from pathlib import Path

import pytest

from companions.errors import (
    BudgetError,
    ConflictError,
    ModelError,
    ModelReplyError,
    ModelTimeoutError,
    StoreError,
)
from companions.models import Sampling, Step, Task
from sessions.budgets import Budget, Loop
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import OWNER, Fault, until
from tests.sessions.spending import (
    PLENTY,
    SERVER,
    Silent,
    asked_bytes,
    drafted,
    guessed,
    looped,
    refused,
    reported,
    running,
    stopped,
    with_models,
)

NEXT: tuple[Step, ...] = ("critique", "revise") * 10
LONG = "A long text. " * 20


async def test_a_loop_stops_before_the_call_that_would_exceed_and_its_numbers_are_the_provider_s() -> None:
    async with running(MemoryStore(), session=Budget(tokens=160)) as process:
        session_id = await drafted(process)
        refusal = await stopped(process, session_id)
        assert len(process.model.tasks) > 1
        assert (refusal.scope, refusal.unit, refusal.limit) == ("session", "tokens", 160)
        assert refusal.spent == reported(process) <= 160
        assert reported(process) + (refusal.estimate or 0) > 160
        assert f"limited to 160 tokens: {refusal.spent} are spent" in refusal.what
        assert "COMPANIONS_SESSION_TOKENS" in refusal.remedy


async def test_a_step_that_the_caller_writes_is_free() -> None:
    async with running(MemoryStore(), session=Budget(tokens=0), owner_day=Budget(tokens=0)) as process:
        session_id = (await process.step("draft", query="Q?", text="By hand.")).session_id
        await refused(process, session_id)
        await process.step("critique", session_id, text="By hand, too.")


async def test_the_offline_editor_is_free() -> None:
    async with running(MemoryStore(), session=Budget(tokens=0, cost=0)) as process:
        session_id = (await process.step("draft", query="Q?", text="It is very very unique.")).session_id
        answer = await process.step("critique", session_id, sampling=Sampling(execution_mode="offline"))
        assert answer.entry is not None
        assert "asked_model" not in answer.entry.meta


async def asked_first() -> list[Task]:
    """Give what a model is asked for a draft, and then for a critique of a long one."""
    async with running(MemoryStore()) as free:
        free.model.script.append(LONG)
        await free.step("critique", await drafted(free), sampling=SERVER)
        return free.model.tasks


async def test_before_anything_was_measured_a_call_is_estimated_by_its_bytes_and_its_own_limit() -> None:
    first, second = await asked_first()
    async with running(MemoryStore(), session=Budget(tokens=guessed(first) - 1)) as process:
        with pytest.raises(BudgetError):
            await drafted(process)
    async with running(MemoryStore(), session=Budget(tokens=guessed(first))) as process:
        process.model.script.append(LONG)
        session_id = await drafted(process)
        assert (await refused(process, session_id)).spent == 7 + len(LONG)
    async with running(MemoryStore(), session=Budget(tokens=guessed(second, 50) - 1)) as process:
        session_id = (await process.step("draft", query="Q?", text=LONG)).session_id
        limited = Sampling(execution_mode="server", max_tokens=50)
        assert (await refused(process, session_id, sampling=limited)).estimate == guessed(second, 50)


async def test_later_calls_are_estimated_by_what_earlier_ones_of_the_session_measured() -> None:
    first, second = await asked_first()
    expected = math.ceil(asked_bytes(second) * 7 / asked_bytes(first)) + len(LONG)
    async with running(MemoryStore(), session=Budget(tokens=guessed(first))) as process:
        process.model.script.append(LONG)
        session_id = await drafted(process)
        assert (await refused(process, session_id)).estimate == expected


async def test_a_new_process_estimates_by_the_largest_reply_that_the_session_has_stored() -> None:
    store = MemoryStore()
    async with running(store, keeps=True) as before:
        before.model.script.append("A long text. " * 40)
        session_id = await drafted(before)
        await before.calls.rest()
    async with running(store, session=Budget(tokens=600)) as process:
        assert ((await refused(process, session_id)).estimate or 0) > len("A long text. " * 40)


async def test_calls_under_way_are_set_aside_so_that_several_at_once_do_not_exceed_together() -> None:
    async with running(MemoryStore()) as free:
        await drafted(free, "strategy")
        alone = guessed(free.model.tasks[0])
    async with running(MemoryStore(), session=Budget(tokens=alone + 10)) as process:
        session_id = (await process.step("draft", query="Q?", text="By hand.")).session_id
        process.model.gate.close()
        first = asyncio.create_task(drafted(process, "strategy", session_id))
        await process.model.gate.reached.wait()
        assert (await refused(process, session_id)).spent == alone
        process.model.gate.open()
        await first
        assert process.calls.desk.allowance.account(OWNER).open == []


@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (ModelError("It refused.", "Call again."), False),
        (ModelTimeoutError("It took too long.", "Call again."), True),
        (ModelReplyError("It was cut.", "Call again."), True),
    ],
    ids=["refused", "late", "cut"],
)
async def test_a_failed_call_counts_unless_the_provider_refused_it(failure: ModelError, counts: bool) -> None:
    async with running(MemoryStore(), session=PLENTY) as process:
        session_id = (await process.step("draft", query="Q?", text="By hand.")).session_id
        process.model.script.append(failure)
        with pytest.raises(type(failure)):
            await process.step("critique", session_id, sampling=SERVER)
        estimate = guessed(process.model.tasks[0], 0) if counts else 0
    account = process.calls.desk.allowance.account(OWNER)
    assert account.open == []
    assert sum(each.get("estimated_input_tokens", 0) for each in account.unstored(session_id).values()) == estimate
    assert (account.tallies["scripted"].calls, account.tallies["scripted"].failures) == (1, 1)


async def test_a_text_that_could_not_be_stored_is_spent_all_the_same() -> None:
    async with running(MemoryStore(), session=Budget(tokens=200)) as process:
        session_id = await drafted(process)
        process.store.breaks("append", Fault(StoreError("Full.", "Wait.")))
        with pytest.raises(StoreError):
            await process.step("critique", session_id, sampling=SERVER)
        spent = reported(process)
        assert (await stopped(process, session_id)).spent == reported(process) > spent


async def test_a_text_that_lost_is_counted_once(path: Path) -> None:
    async with running(SQLiteStore(path), session=PLENTY) as one, running(SQLiteStore(path)) as other:
        session_id = await drafted(one)
        one.model.gate.close()
        loses = asyncio.create_task(one.step("critique", session_id, sampling=SERVER))
        await until(lambda: len(one.model.tasks) == 2)
        await other.step("critique", session_id, text="First.")
        one.model.gate.open()
        with pytest.raises(ConflictError):
            await loses
        account = one.calls.desk.allowance.account(OWNER)
        assert (account.open, account.unstored()) == ([], {})


async def test_what_another_process_spent_on_the_session_counts_before_the_next_call(path: Path) -> None:
    async with running(SQLiteStore(path), session=Budget(tokens=160)) as one, running(SQLiteStore(path)) as other:
        session_id = await drafted(one)
        for step in NEXT[:4]:
            await other.step(step, session_id, sampling=SERVER)
        assert (await refused(one, session_id)).spent == reported(one) + reported(other)


async def test_a_usage_that_is_not_reported_is_estimated_and_marked() -> None:
    async with running(MemoryStore(), session=Budget(tokens=260)) as process:
        with_models(process, default=Silent(process.model))
        session_id = await drafted(process)
        entry = (await process.entries(session_id))[-1]
        task = process.model.tasks[0]
        estimate = {"input_tokens": math.ceil(asked_bytes(task) / 4), "output_tokens": math.ceil(len(entry.text) / 4)}
        assert (entry.meta["estimated_usage"], entry.meta["asked_model"]) == (estimate, "scripted")
        assert "usage" not in entry.meta
        refusal = await stopped(process, session_id)
        assert "of them estimated" in refusal.what
        assert (refusal.spent or 0) >= sum(estimate.values())


async def test_a_loop_has_a_budget_of_its_own() -> None:
    async with running(MemoryStore()) as process:
        session_id = await drafted(process)
        loop = Loop(budget=Budget(tokens=120))
        with pytest.raises(BudgetError, match="budget_tokens") as caught:
            await looped(process, session_id, loop)
        before = 7 + len("Text 1 of the scripted model.")
        assert caught.value.scope == "loop"
        assert caught.value.spent == loop.spent.tokens == reported(process) - before > 0
        phase = (await process.calls.desk.sessions.find(OWNER, session_id)).shown["generic"]["phase"]
        await process.step(phase, session_id, sampling=SERVER)


async def test_what_one_call_of_a_step_has_used_counts_once_against_the_loop_for_the_next() -> None:
    """As with several critics, whose critique is stored when the last of them has written."""
    async with running(MemoryStore()) as process:
        desk, session_id = process.calls.desk, await drafted(process)
        session, (work,) = await desk.sessions.find(OWNER, session_id), process.model.tasks
        loop = Loop(budget=PLENTY)
        with desk.allowance.spending(desk.sessions, session, loop) as spending:
            model = spending.model(process.model)
            first = await model.write(work)
            loop.budget = Budget(tokens=7 + first.usage["output_tokens"] + guessed(work, 0))
            await model.write(work)
            with pytest.raises(BudgetError) as caught:
                await model.write(work)
        assert caught.value.spent == loop.spent.tokens == reported(process) - 7 - len("Text 1 of the scripted model.")


async def test_a_budget_below_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="-1"):
        Budget(tokens=-1)
    with pytest.raises(ValueError, match="inf"):
        Budget(cost=math.inf)
