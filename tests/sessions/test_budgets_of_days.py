"""Budgets of a person's day, and of money: over all sessions and processes, and never past what is known."""

from pathlib import Path

import pytest

from companions.errors import (
    BudgetError,
    StoreAwayError,
    StoreError,
)
from companions.requests import Request
from sessions.budgets import Budget
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.faults import OWNER, Fault, Process
from tests.sessions.spending import (
    PLENTY,
    PRICES,
    SERVER,
    Silent,
    drafted,
    refused,
    reported,
    running,
    stopped,
    with_models,
)
from tests.sessions.writing import log_of

AWAY = Fault(StoreAwayError("Away.", "Wait."))


async def drafted_for_ever(process: Process) -> None:
    for _ in range(20):
        process.calls.desk.sessions.open.leave(await drafted(process))


async def test_what_another_process_spent_on_the_day_counts(path: Path) -> None:
    async with running(SQLiteStore(path)) as other, running(SQLiteStore(path), owner_day=Budget(tokens=160)) as one:
        for _ in range(4):
            await drafted(other)
        await other.calls.desk.sessions.projector.flush()
        session_id = (await one.step("draft", query="Mine?", text="By hand.")).session_id
        refusal = await refused(one, session_id)
        assert (refusal.scope, refusal.spent) == ("owner_day", reported(other))


async def test_the_day_s_budget_is_over_all_sessions_of_the_process_also_those_that_are_not_in_memory() -> None:
    async with running(MemoryStore(), owner_day=Budget(tokens=220)) as process:
        with pytest.raises(BudgetError) as caught:
            await drafted_for_ever(process)
        assert len(process.model.tasks) > 1
        assert caught.value.spent == reported(process)


async def test_with_the_store_away_nothing_is_spent_on_a_day_of_which_nothing_is_known(path: Path) -> None:
    async with running(SQLiteStore(path), owner_day=PLENTY) as process:
        session_id = (await process.step("draft", query="Q?", text="By hand.")).session_id
        process.store.breaks("list", *[AWAY] * 10)
        with log_of("companions.store"), pytest.raises(StoreAwayError):
            await process.step("critique", session_id, sampling=SERVER)
        assert process.model.tasks == []


async def test_a_day_of_which_something_is_known_goes_on_when_a_later_look_fails(path: Path) -> None:
    async with running(SQLiteStore(path), owner_day=Budget(tokens=100)) as process:
        session_id = await drafted(process)
        # As if the last look were a while ago.
        process.calls.desk.allowance.account(OWNER).day.looked = -1e9
        process.store.breaks("list", Fault(StoreError("Broken.", "Wait.")))
        with log_of("companions.accounts") as said:
            await process.step("critique", session_id, sampling=SERVER)
        assert any("Broken" in line for line in said)
        assert (await refused(process, session_id, redo=True)).spent == reported(process)


async def test_a_limit_of_money_refuses_a_model_without_a_price_before_it_is_asked() -> None:
    async with running(MemoryStore(), session=Budget(cost=1000.0)) as process:
        session_id = (await process.step("draft", query="Q?", text="By hand.")).session_id
        refusal = await refused(process, session_id)
        assert "'scripted' has no price" in refusal.what
        assert "COMPANIONS_PRICES" in refusal.remedy
        assert (refusal.spent, refusal.estimate) == (0, None)


async def test_a_limit_of_money_refuses_once_something_without_a_price_was_spent() -> None:
    store = MemoryStore()
    async with running(store, keeps=True) as before:
        other = Silent(before.model)
        with_models(before, default=other)
        before.model.name = "unpriced"
        session_id = await drafted(before)
        await before.calls.rest()
    async with running(store, session=Budget(cost=1000.0), prices=PRICES) as process:
        assert "'unpriced', which was asked before, has no price" in (await refused(process, session_id)).what


async def test_a_limit_of_money_stops_a_loop_before_the_call_that_would_exceed_it() -> None:
    async with running(MemoryStore(), session=Budget(cost=100.0), prices=PRICES) as process:
        session_id = await drafted(process)
        refusal = await stopped(process, session_id)
        assert (refusal.spent, refusal.unit) == (7 * len(process.model.tasks), "USD")


async def test_a_first_draft_that_is_refused_keeps_its_query_and_names_its_session() -> None:
    async with running(MemoryStore(), owner_day=Budget(tokens=1)) as process:
        request = Request(step="draft", query="Q?", sampling=SERVER)
        remedies: list[str] = []
        for _ in range(2):
            with pytest.raises(BudgetError) as caught:
                await process.ask(request, None, None)
            remedies.append(caught.value.remedy)
        (listed,) = await process.calls.desk.sessions.list(OWNER)
        assert remedies[0] == remedies[1]
        assert listed.opening.session_id in remedies[0]
