"""Metrics: what a person's companions used, as numbers that say what they do not know."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from companions.errors import ModelError
from companions.prices import Price, Prices
from sessions.budgets import Budget
from sessions.metrics import NEWEST, Metrics
from sessions.reading import Reading
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process, ScriptedModel
from tests.sessions.looping import CONTENT, loop_of, process_on, refine, version, votes
from tests.sessions.spending import SERVER, Silent, spending, with_models

PRICES = Prices(table={"openai:a": Price(input=1_000_000, output=2_000_000)}, currency="EUR")
WRITTEN = len("Text 1 of the scripted model.")


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = spending(MemoryStore(), prices=PRICES, session=Budget(tokens=100_000))
    made.model.name = "openai:a"
    with_models(made, default=made.model, silent=Silent(ScriptedModel(name="local:b")))
    yield made
    await made.calls.close()


def metrics(process: Process) -> Metrics:
    desk = process.calls.desk
    return Metrics(sessions=desk.sessions, allowance=desk.allowance)


async def used(process: Process) -> str:
    """Have one session with a priced model, and in it a companion whose provider reports nothing."""
    session_id = (await process.step("draft", query="Q?", sampling=SERVER)).session_id
    await process.step("critique", session_id, sampling=SERVER)
    silent = SERVER.__class__(execution_mode="server", model="silent")
    await process.step("draft", session_id, "strategy", query="Q?", sampling=silent)
    return session_id


async def test_usage_is_told_by_companion_model_and_provider_with_its_cost(process: Process) -> None:
    await used(process)
    body = await metrics(process).of(OWNER)
    priced = {
        "calls": 2,
        "input_tokens": 14,
        "output_tokens": 2 * WRITTEN,
        "cache_read_tokens": "not reported",
        "reasoning_tokens": "not reported",
        "retries": "not counted",
        "model_seconds": 0,
        "first_token_seconds": "not measured",
        "cost": 14 + 4 * WRITTEN,
    }
    assert body["models"]["openai:a"] == body["providers"]["openai"] == body["companions"]["generic"]["usage"] == priced
    assert body["currency"] == "EUR"
    assert body["companions"]["generic"]["iterations"] == {"in_all": 1, "least": 1, "median": 1, "most": 1}
    sessions = body["sessions"]
    assert (sessions["counted"], sessions["newest"]) == (1, NEWEST)
    assert sessions["entries"] == {"least": 7, "median": 7, "most": 7}
    assert sessions["companions"] == {"least": 2, "median": 2, "most": 2}
    assert 0 <= sessions["seconds"]["most"] < 60
    assert body["limits"] == {
        "session": {"tokens": 100_000, "cost": None},
        "owner_day": {"tokens": None, "cost": None},
    }


async def test_each_entry_tells_what_it_cost_by_the_prices_that_were_in_force(process: Process) -> None:
    entries = await process.entries(await used(process))
    told = {entry.meta["asked_model"]: entry.meta.get("cost") for entry in entries if "asked_model" in entry.meta}
    assert told == {"openai:a": {"amount": 7 + 2 * WRITTEN, "currency": "EUR"}, "local:b": None}


async def test_what_is_not_reported_or_not_priced_is_called_so(process: Process) -> None:
    await used(process)
    body = await metrics(process).of(OWNER)
    silent = body["models"]["local:b"]
    assert silent.pop("estimated_tokens") > 0
    assert silent == {
        "calls": 1,
        "input_tokens": "not reported",
        "output_tokens": "not reported",
        "cache_read_tokens": "not reported",
        "reasoning_tokens": "not reported",
        "retries": "not counted",
        "model_seconds": 0,
        "first_token_seconds": "not measured",
        "calls_not_reported": 1,
        "cost": "not priced",
    }
    assert (body["usage"]["calls"], body["usage"]["input_tokens"], body["usage"]["cost"]) == (3, 14, "not priced")


async def test_failures_and_seconds_are_those_of_this_process(process: Process) -> None:
    session_id = await used(process)
    process.model.script.append(ModelError("It failed.", "Call again."))
    with pytest.raises(ModelError):
        await process.step("revise", session_id, "generic", sampling=SERVER)
    seen = (await metrics(process).of(OWNER))["process"]
    assert (seen["models"]["openai:a"]["calls"], seen["models"]["openai:a"]["failures"]) == (3, 1)
    assert seen["models"]["openai:a"]["seconds"] >= 0
    assert seen["providers"] == {"local": seen["models"]["local:b"], "openai": seen["models"]["openai:a"]}


async def test_the_models_of_one_provider_are_told_together(process: Process) -> None:
    other = ScriptedModel(name="openai:other")
    with_models(process, default=process.model, other=other)
    await process.step("draft", query="Q?", sampling=SERVER)
    other.script.append(ModelError("It failed.", "Call again."))
    with pytest.raises(ModelError):
        await process.step("draft", query="And then?", sampling=replace(SERVER, model="other"))
    seen = (await metrics(process).of(OWNER))["process"]
    assert [(name, each["calls"]) for name, each in seen["models"].items()] == [("openai:a", 1), ("openai:other", 1)]
    assert (seen["providers"]["openai"]["calls"], seen["providers"]["openai"]["failures"]) == (2, 1)


async def test_iterations_of_earlier_queries_count_in_all_and_one_written_again_counts_once(process: Process) -> None:
    session_id = await used(process)
    await process.step("critique", session_id, "generic", redo=True, sampling=SERVER)
    await process.step("draft", session_id, "generic", query="And then?", sampling=SERVER)
    body = await metrics(process).of(OWNER)
    assert body["companions"]["generic"]["iterations"] == {"in_all": 1, "least": 0, "median": 0, "most": 0}


async def test_of_all_picks_it_is_told_how_many_fell_on_a_revision_and_how_many_not_on_the_last() -> None:
    async with process_on(MemoryStore()) as process:
        first = [*loop_of(version(0), version(8), version(10)), *votes("A", "D")]
        process.model.script.extend([*first, version(0), CONTENT, *loop_of(version(0), version(8)), *votes("A", "D")])
        session_id = (await refine(process, query="A revision, not the last?", max_iterations=2)).session_id
        await refine(process, session_id, query="The draft, and there is no other?")
        await refine(process, session_id, companion="strategy", query="The draft, not the revision?", max_iterations=1)
        body = await metrics(process).of(OWNER)
        assert body["refining"] == {"picks": 3, "helped": 1, "flips": 2}
        generic = body["companions"]["generic"]
        assert (generic["picks"], generic["helped"], generic["flips"]) == (2, 1, 1)


async def test_another_owner_sees_nothing_of_it(process: Process) -> None:
    await used(process)
    body = await metrics(process).of("bob")
    assert (body["sessions"]["counted"], body["models"], body["companions"]) == (0, {}, {})
    assert (body["workflows"], body["refining"]) == ({}, {"picks": 0, "helped": 0, "flips": 0})
    assert body["process"] == {"models": {}, "providers": {}}


async def test_an_overview_holds_the_same_sums(process: Process) -> None:
    session_id = await used(process)
    overview = await Reading(calls=process.calls).overview(OWNER, session_id)
    body = await metrics(process).of(OWNER)
    assert overview["models"] == body["models"]
    assert overview["spent"] == body["usage"] | {"currency": "EUR"}
    assert overview["companions"]["generic"].keys().isdisjoint({"models", "day"})
