"""Fallback models: which failures let the next one write, what is kept and told of it, and who pays."""

from dataclasses import replace
from typing import Any

import pytest

from companions.errors import BudgetError, ModelError
from companions.falling_back import KEPT, Outages
from companions.models import Sampling
from companions.prices import Price, Prices
from companions.requests import Request
from sessions.asked import Caller
from sessions.budgets import Budget, Budgets
from tests.provider import replies
from tests.provider.replies import Reply
from tests.provider.server import Provider
from tests.sessions.fallbacks import (
    BOUNDS,
    FALLBACKS,
    FIRST,
    HASTY,
    SECOND,
    THIRD,
    WORDS,
    Catalog,
    Scripted,
    drafted,
    entry_of,
)
from tests.sessions.faults import Process
from tests.sessions.own_companions import Open

pytest_plugins = ("tests.provider.fixtures", "tests.sessions.own_companion_fixtures")


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (replies.refusal(401), "refused the key"),
        (replies.refusal(404), "does not know the model 'first'"),
        (replies.refusal(429, retry_after="0.01"), "refuses more requests"),
        (replies.refusal(529, retry_after="0.01"), "failed (HTTP 529)"),
        (replies.broken("hang_before_headers"), "sent nothing for 2 seconds"),
        (replies.broken("hang_mid_stream"), "sent nothing for 2 seconds"),
        (replies.broken("cut"), "broke its reply off"),
        (replies.broken("ended_early"), "was cut off"),
    ],
)
async def test_where_the_model_in_force_is_down_the_next_writes_and_the_entry_says_so(
    opened: Open, provider: Provider, open_catalog: Catalog, failure: Reply, why: str
) -> None:
    scripted = Scripted.of(provider, first=failure, second="Written by the second.")
    bounds = HASTY if str(failure.fault).startswith("hang") else BOUNDS
    process = await opened(FALLBACKS, open_catalog(bounds=bounds), model=FIRST)
    answer = await drafted(process)
    entry = entry_of(answer)
    assert entry.text == "Written by the second."
    assert (entry.meta["model"], entry.meta["asked_model"]) == ("second", SECOND)
    (failed,) = entry.meta["failed_models"]
    assert failed["model"] == FIRST
    assert why in failed["error"]
    (line,) = [line for line in answer.advice if "in place of" in line]
    assert line.startswith(f"second wrote in place of {FIRST}: ")
    assert why in line
    assert scripted.asked == ["first", "second"]


@pytest.mark.parametrize(
    "reply",
    [
        replies.text("Too long.", finish="length"),
        replies.text("Not this.", finish="content_filter"),
        replies.refusal(400),
        replies.refusal(413),
        replies.text(" "),
    ],
)
async def test_what_another_model_would_hardly_do_better_is_an_error_at_once(
    opened: Open, provider: Provider, open_catalog: Catalog, reply: Reply
) -> None:
    scripted = Scripted.of(provider, first=reply)
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    with pytest.raises(ModelError):
        await drafted(process)
    assert scripted.asked == ["first"]


async def test_they_are_asked_in_order_and_if_all_are_down_the_error_is_the_first_s_and_names_the_others(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    away = replies.refusal(401)
    scripted = Scripted.of(provider, first=away, second=away, third=away)
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    with pytest.raises(ModelError) as failed:
        await drafted(process)
    assert scripted.asked == ["first", "second", "third"]
    assert "refused the key for the model 'first'" in failed.value.what
    assert f"Asked in its place, '{SECOND}', '{THIRD}' failed too." in failed.value.what


async def test_a_model_that_was_down_a_moment_ago_is_not_asked_first_until_a_while_has_passed(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    Scripted.of(provider, first=replies.refusal(401))
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    answer = await drafted(process)
    again = await process.step("critique", answer.session_id)
    assert [body["model"] for body in provider.bodies] == ["first", "second", "second"]
    (failed,) = entry_of(again).meta["failed_models"]
    assert (failed["model"], failed["asked"]) == (FIRST, False)
    process.calls.desk.outages.over(FIRST)  # as it is once the while has passed
    await process.step("revise", answer.session_id)
    assert [body["model"] for body in provider.bodies][3:] == ["first", "second"]


async def test_a_model_is_asked_first_again_once_it_has_answered(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    scripted = Scripted.of(provider)
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    outages = process.calls.desk.outages
    for name in (FIRST, SECOND, THIRD):
        outages.note(name, "It was down.")
    answer = await drafted(process)
    assert scripted.asked == ["first"]
    assert outages.of(FIRST) is None
    assert "failed_models" not in entry_of(answer).meta


def test_only_so_many_outages_are_remembered_and_none_for_ever() -> None:
    outages = Outages()
    for number in range(KEPT + 1):
        outages.note(f"openai:{number}", "It was down.")
    assert outages.of("openai:0") is None
    assert outages.of(f"openai:{KEPT}") == "It was down."
    brief = Outages(seconds=0.0)
    brief.note(FIRST, "It was down.")
    assert brief.of(FIRST) is None


async def test_a_caller_that_named_a_model_gets_its_fallback_but_hears_that_there_is_no_such_model(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    scripted = Scripted.of(provider, first=replies.refusal(404), named=replies.refusal(401), typo=replies.refusal(404))
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    assert entry_of(await drafted(process, sampling=Sampling(model="named"))).meta["asked_model"] == SECOND
    with pytest.raises(ModelError, match="does not know the model 'typo'"):
        await drafted(process, sampling=Sampling(model="typo"))
    assert scripted.asked == ["named", "second", "typo"]


def limited(process: Process, **budget: Any) -> Process:
    """Give the same process a budget for each session, and prices for all models but the second."""
    priced = Prices(table={name: Price(input=1, output=1) for name in (FIRST, THIRD)})
    allowance = replace(process.calls.desk.allowance, limits=Budgets(session=Budget(**budget)), prices=priced)
    process.calls = replace(process.calls, desk=replace(process.calls.desk, allowance=allowance))
    return process


async def test_a_budget_holds_over_all_of_them_and_one_that_may_not_be_asked_is_passed_over(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    scripted = Scripted.of(provider, first=replies.refusal(401))
    process = limited(await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST), cost=100.0)
    entry = entry_of(await drafted(process))
    assert scripted.asked == ["first", "third"]
    assert [each["model"] for each in entry.meta["failed_models"]] == [FIRST, SECOND]
    assert "has no price" in entry.meta["failed_models"][1]["error"]


async def test_what_a_model_may_have_been_paid_before_it_broke_off_counts(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    scripted = Scripted.of(provider, first=replies.broken("cut"))
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    answer = await drafted(process)
    spent = sum(entry_of(answer).meta["usage"][name] for name in ("input_tokens", "output_tokens"))
    limited(process, tokens=spent + 1)
    with pytest.raises(BudgetError) as refused:
        await process.step("critique", answer.session_id)
    assert (refused.value.spent or 0) > spent
    assert scripted.asked == ["first", "second"]


async def test_each_of_several_critics_falls_back_by_itself(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    scripted = Scripted.of(provider, away=replies.refusal(401))
    critics = "critics: [tone, {name: facts, model: away}]\n"
    process = await opened(FALLBACKS + critics, open_catalog(bounds=BOUNDS), model=FIRST)
    answer = await process.step("draft", companion_type="own", query="Q?", text=WORDS)
    given = await process.step("critique", answer.session_id)
    tone, facts = entry_of(given).meta["critics"]
    assert (tone["asked_model"], facts["asked_model"]) == (FIRST, SECOND)
    assert facts["failed_models"][0]["model"] == "openai:away"
    assert any("in place of openai:away" in line for line in given.advice)
    assert sorted(scripted.asked) == ["away", "first", "second"]


async def test_whoever_listens_hears_that_another_model_writes_the_text_anew(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    Scripted.of(provider, first=replies.broken("cut", words="Half of a text"), second=WORDS)
    process = await opened(FALLBACKS, open_catalog(bounds=BOUNDS), model=FIRST)
    session = process.calls.desk.sessions.mint("ann")
    heard: list[str] = []
    request, caller = Request(step="draft", query="Q?"), Caller(on_text=heard.append)
    await process.calls.desk.step(session, "own", request, caller)
    said = "".join(heard)
    assert f"[The text broke off; {SECOND} writes it anew.]" in said
    assert said.endswith(WORDS)
