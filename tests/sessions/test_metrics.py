"""Metrics: what a person's companions used, as numbers that say what they do not know."""

from collections.abc import AsyncIterator

import pytest

from companions.errors import ModelError
from companions.prices import Price, Prices
from sessions.budgets import Budget
from sessions.metrics import NEWEST, Metrics
from sessions.reading import Reading
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process, ScriptedModel
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
        "cache_read_tokens": 0,
        "cost": 14 + 4 * WRITTEN,
    }
    assert body["models"]["openai:a"] == body["providers"]["openai"] == body["companions"]["generic"]["usage"] == priced
    assert body["currency"] == "EUR"
    assert body["companions"]["generic"]["iterations"] == {"least": 1, "median": 1, "most": 1}
    assert body["sessions"] == {"counted": 1, "newest": NEWEST, "entries": {"least": 7, "median": 7, "most": 7}}
    assert body["limits"] == {
        "session": {"tokens": 100_000, "cost": None},
        "owner_day": {"tokens": None, "cost": None},
    }


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
        "calls_not_reported": 1,
        "cost": "not priced",
    }
    assert (body["usage"]["calls"], body["usage"]["input_tokens"], body["usage"]["cost"]) == (3, 14, "not priced")


async def test_failures_and_seconds_are_those_of_this_process(process: Process) -> None:
    session_id = await used(process)
    process.model.script.append(ModelError("It failed.", "Call again."))
    with pytest.raises(ModelError):
        await process.step("revise", session_id, "generic", sampling=SERVER)
    models = (await metrics(process).of(OWNER))["process"]["models"]
    assert (models["openai:a"]["calls"], models["openai:a"]["failures"]) == (3, 1)
    assert models["openai:a"]["seconds"] >= 0


async def test_another_owner_sees_nothing_of_it(process: Process) -> None:
    await used(process)
    body = await metrics(process).of("bob")
    assert (body["sessions"]["counted"], body["models"], body["companions"]) == (0, {}, {})
    assert body["process"] == {"models": {}}


async def test_an_overview_holds_the_same_sums(process: Process) -> None:
    session_id = await used(process)
    overview = await Reading(calls=process.calls).overview(OWNER, session_id)
    body = await metrics(process).of(OWNER)
    assert overview["models"] == body["models"]
    assert overview["spent"] == body["usage"] | {"currency": "EUR"}
    assert overview["companions"]["generic"].keys().isdisjoint({"models", "day"})
