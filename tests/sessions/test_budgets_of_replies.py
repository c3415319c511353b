"""What a reply may be long: where a budget is in force a model is asked for no more than what remains."""

from dataclasses import dataclass, replace
from math import ceil

import pytest

from companions.errors import BudgetError, ReplyLengthError
from companions.models import OnText, Sampling, Task, Written
from companions.prices import Price, Prices
from sessions.budgets import Budget
from sessions.estimates import CAPPED, FIRST
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, ScriptedModel
from tests.sessions.looping import kept, refine, shown
from tests.sessions.own_companions import CRITICS, Named, Open, drafted
from tests.sessions.spending import SERVER, asked_bytes, guessed, running, with_models

pytest_plugins = ("tests.sessions.own_companion_fixtures",)

LONG = "Say more of it. " * 500


@dataclass(frozen=True, slots=True)
class Obedient:
    """The scripted model of a provider that cuts a reply at the most tokens that were asked for: one a character."""

    model: ScriptedModel

    @property
    def name(self) -> str:
        return self.model.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        written, most = await self.model.write(task, on_text), task.sampling.max_tokens
        if most is not None and len(written.text) > most:
            raise ReplyLengthError("The model stopped at its length limit.", "Raise max_tokens.")
        return written


@pytest.mark.parametrize("asked", [None, 50, 4_000])
async def test_a_model_is_asked_for_at_most_what_remains(asked: int | None) -> None:
    async with running(MemoryStore(), session=Budget(tokens=2_000)) as process:
        sampling = replace(SERVER, max_tokens=asked)
        process.model.script.append("A" * 40)
        if asked == 4_000:
            with pytest.raises(BudgetError):
                await process.step("draft", query="Q?", sampling=sampling)
            return
        await process.step("draft", query="Q?", sampling=sampling)
        (task,) = process.model.tasks
        assert task.sampling.max_tokens == (asked or 2_000 - ceil(asked_bytes(task) / 4))


async def test_a_reply_s_length_is_the_model_s_own_where_much_remains() -> None:
    async with running(MemoryStore()) as free:
        await free.step("draft", query="Q?", sampling=SERVER)
        prompt = guessed(free.model.tasks[0], 0)
    for more, most in ((0, CAPPED), (1, None)):
        async with running(MemoryStore(), owner_day=Budget(tokens=prompt + CAPPED + more)) as process:
            await process.step("draft", query="Q?", sampling=SERVER)
            assert process.model.tasks[0].sampling.max_tokens == most


async def test_a_limit_of_money_bounds_a_reply_by_what_its_tokens_cost() -> None:
    prices = Prices(table={"scripted": Price(input=0, output=500_000)})
    async with running(MemoryStore(), prices=prices, session=Budget(cost=50)) as process:
        await process.step("draft", query="Q?", sampling=SERVER)
        assert process.model.tasks[0].sampling.max_tokens == 100


async def test_a_loop_whose_reply_was_cut_at_what_remained_ends_by_its_budget_and_spends_no_more() -> None:
    async with running(MemoryStore()) as process:
        with_models(process, default=Obedient(process.model))
        process.model.script.extend(["A short draft of few words.", LONG])
        done = await refine(process, query="Q?", sampling=SERVER, budget_tokens=600)
        most = process.model.tasks[1].sampling.max_tokens
        assert most is not None
        assert (done.status, done.stop_reason, shown(done)[0]) == ("done", "budget", 0)
        assert done.why.endswith(f"the reply of 'scripted' was cut at the {most:,} tokens that were left for it.")
        assert "limited to 600 tokens: 34 were spent" in done.why
        lost = process.calls.desk.allowance.account(OWNER).unstored(done.session_id)["scripted"]
        assert lost["estimated_output_tokens"] == most
        assert 34 + most + lost["estimated_input_tokens"] == 600
        assert [entry.kind for entry in await kept(process, done.session_id, "critique")] == []


async def test_a_first_call_that_leaves_nothing_useful_for_its_reply_is_not_made() -> None:
    async with running(MemoryStore()) as free:
        await free.step("draft", query="Q?", sampling=SERVER)
        prompt = guessed(free.model.tasks[0], 0)
    async with running(MemoryStore(), session=Budget(tokens=prompt + FIRST - 1)) as process:
        with pytest.raises(BudgetError, match=f"estimated at {prompt + FIRST}"):
            await process.step("draft", query="Q?", sampling=SERVER)
        assert not process.model.tasks


async def test_a_critique_that_the_budget_allows_only_some_critics_of_is_not_stored(opened: Open) -> None:
    models = Named()
    models.say(one="Mend this.", two=BudgetError("This session is limited.", "Wait."), three="Mend that.")
    process = await opened(CRITICS, models)
    session_id = await drafted(process)
    with pytest.raises(BudgetError, match="This session is limited"):
        await process.step("critique", session_id)
    assert [entry.kind for entry in await process.entries(session_id)] == ["configure", "query", "draft"]


async def test_a_call_that_asks_for_less_itself_is_cut_as_it_asked() -> None:
    async with running(MemoryStore(), session=Budget(tokens=2_000)) as process:
        with_models(process, default=Obedient(process.model))
        process.model.script.append(LONG)
        with pytest.raises(ReplyLengthError):
            await process.step("draft", query="Q?", sampling=Sampling(execution_mode="server", max_tokens=40))
