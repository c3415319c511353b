"""Models that rest since they were down, and what is told of those that failed: who was passed over, and retries."""

import asyncio

from sessions.calls import Waiting
from sessions.simulating import Variant, simulate
from sessions.usage import account_of
from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import Provider
from tests.sessions.fallbacks import BOUNDS, FALLBACKS, FIRST, WORDS, Catalog, Scripted, drafted, entry_of
from tests.sessions.own_companions import Open

pytest_plugins = ("tests.provider.fixtures", "tests.sessions.own_companion_fixtures")


async def test_who_was_passed_over_is_told_even_if_its_rest_ends_while_the_fallback_writes(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    gate = Signal()
    scripted = Scripted.of(provider, second=replies.text(WORDS, gate=gate))
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    outages = process.calls.desk.outages
    outages.note(FIRST, "It was down.")
    drafting = asyncio.create_task(drafted(process))
    await provider.asked(1)
    outages.over(FIRST)  # as it is once the while has passed
    gate.set()
    assert entry_of(await drafting).meta["failed_models"] == [{"model": FIRST, "error": "It was down.", "asked": False}]
    assert scripted.asked == ["second"]


async def test_the_retries_of_a_model_that_failed_are_told_and_counted(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    Scripted.of(provider, first=replies.refusal(429, retry_after="0.01"))
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    entry = entry_of(await drafted(process))
    retries = [body["model"] for body in provider.bodies].count("first") - 1
    assert retries > 0
    assert (entry.meta["failed_models"][0]["retries"], entry.meta["retries"]) == (retries, 0)
    assert account_of(entry)["retries"] == retries


async def test_a_simulation_does_not_ask_first_what_was_down_a_moment_ago(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    scripted = Scripted.of(provider)
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    answer = await drafted(process)
    process.calls.desk.outages.note(FIRST, "It was down.")
    session = await process.calls.desk.sessions.find("ann", answer.session_id)

    async def report(*_: object) -> None: ...

    waiting = Waiting(seconds=60, every=60, report=report)
    compared = await simulate(process.calls, session, "own", Variant(given_by="me"), waiting)
    assert compared.simulated.written_by == ("second",)
    assert scripted.asked == ["first", "second"]
