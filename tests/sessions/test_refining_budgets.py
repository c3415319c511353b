"""Loops that end by what may be spent, whoever set it: they answer with the text that stands and can go on."""

from dataclasses import replace

import pytest

from companions.errors import BudgetError, ModelError, ModelTimeoutError
from sessions.allowance import Allowance
from sessions.budgets import Budget, Budgets
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Process
from tests.sessions.left_loops import refused
from tests.sessions.looping import kept, loop_of, refine, shown, version, votes
from tests.sessions.spending import SERVER, guessed, running

VERSIONS = (version(0), version(8), version(10))


def allowed(process: Process, **limits: Budget) -> None:
    """Let a process spend more from now on."""
    desk = replace(process.calls.desk, allowance=Allowance(limits=Budgets(**limits)))
    process.calls = replace(process.calls, desk=desk)


@pytest.mark.parametrize("scope", ["session", "owner_day"])
async def test_a_loop_ends_by_its_session_s_or_owner_s_budget_with_its_text_and_goes_on_with_more(scope: str) -> None:
    async with running(MemoryStore(), **{scope: Budget(tokens=820)}) as process:
        process.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
        done = await refine(process, query="Q?", max_iterations=2, sampling=SERVER)
        assert (done.status, done.stop_reason, done.pick, shown(done)) == ("done", "budget", None, (1, VERSIONS[1]))
        assert "is limited to 820 tokens: " in done.why
        asked, entries = len(process.model.tasks), await process.entries(done.session_id)
        again = await refine(process, done.session_id, sampling=SERVER)
        assert (again.status, again.stop_reason, again.why) == ("done", "budget", done.why)
        assert (len(process.model.tasks), await process.entries(done.session_id)) == (asked, entries)
        allowed(process, **{scope: Budget(tokens=100_000)})
        more = await refine(process, done.session_id, sampling=SERVER)
        assert (more.stop_reason, shown(more)) == ("max_iterations", (1, VERSIONS[1]))


async def test_without_a_draft_the_budget_of_a_session_is_an_error() -> None:
    async with running(MemoryStore(), session=Budget(tokens=1)) as process:
        for _ in range(2):
            await refused(refine(process, query="Q?", sampling=SERVER), BudgetError, "limited to 1 tokens")
        assert not process.model.tasks


async def test_a_loop_that_a_session_s_budget_ended_takes_what_the_caller_writes() -> None:
    async with running(MemoryStore(), session=Budget(tokens=820)) as process:
        process.model.script.extend(loop_of(*VERSIONS))
        done = await refine(process, query="Q?", sampling=SERVER)
        (await refine(process, done.session_id, text="Say less.", sampling=SERVER))
        assert [entry.text for entry in await kept(process, done.session_id, "critique")][-1] == "Say less."


async def test_a_comparison_that_keeps_failing_leaves_the_loop_answered_without_a_pick() -> None:
    async with running(MemoryStore()) as process:
        process.model.script.extend([*loop_of(*VERSIONS), *[ModelError("It failed.", "Wait.")] * 4])
        done = await refine(process, query="Q?", max_iterations=2, sampling=SERVER)
        for told in (done, await refine(process, done.session_id, sampling=SERVER)):
            assert (told.status, told.pick, shown(told)) == ("done", None, (2, VERSIONS[2]))
            assert told.advice[-1].startswith("No versions were compared. It failed.")
        process.model.script.extend(votes("A", "D"))
        assert shown(await refine(process, done.session_id, sampling=SERVER)) == (1, VERSIONS[1])


async def test_calls_that_went_past_their_time_count_against_the_loop_in_later_calls() -> None:
    async with running(MemoryStore()) as process:
        late = ModelTimeoutError("It took too long.", "Call again.")
        process.model.script.extend([version(0), *[late] * 9])
        begun = await refine(process, query="Q?", sampling=SERVER, budget_tokens=100_000, text="A draft.", seconds=0)
        await process.calls.runs.finish()
        asked = process.model.tasks[-1]
        assert begun.status == "running"
        done = None
        for _ in range(9):
            try:
                done = await refine(process, begun.session_id, sampling=SERVER, budget_tokens=6 * guessed(asked))
            except ModelTimeoutError:
                continue
            break
        assert done is not None
        assert (done.stop_reason, done.status) == ("budget", "done")
        assert 3 < len(process.model.tasks) < 8
