"""Critics that call functions of the server: what that costs, where its bounds are, and how it is shown to people."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from companions.attachments import Attachment
from companions.entries import Entry
from companions.errors import BudgetError, ModelTimeoutError
from companions.filters import FilteredModel, Named
from companions.model_catalog import ModelCatalog
from companions.models import Message, Task
from companions.patience import Bounds
from companions.prices import Price, Prices
from companions.tool_use import ToolUser
from sessions.budgets import Budget, Budgets
from sessions.inspecting import Inspecting
from sessions.reading import Reading
from sessions.report import SlotTold, report_html
from sessions.stores.memory.store import MemoryStore
from sessions.usage import account_of, cost_told
from tests.provider import replies
from tests.provider.looking_up import LookUp
from tests.provider.server import Provider
from tests.sessions.archived import bring, export
from tests.sessions.fallbacks import FALLBACKS, FIRST, SECOND
from tests.sessions.faults import OWNER, Process
from tests.sessions.own_companions import Open, critique, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.sessions.own_companion_fixtures")

Catalog = Callable[..., ModelCatalog]
TOOLS = "critic_tools: [read_attachment, read_version]\n"
USED = {"prompt_tokens": 8_000, "completion_tokens": 900, "total_tokens": 8_900}
STRANGE = "<img src=x onerror=alert(1)>\n```\n# Not a heading {x}\n````"
PAGE = Attachment(name="page.html", mime_type="text/html", data=STRANGE.encode())
TASK = Task(step="critique", messages=(Message("human", "Q?"),), query="Q?")


@pytest.fixture
async def process(opened: Open, open_catalog: Catalog) -> Process:
    return await opened(TOOLS, open_catalog(), model=FIRST)


async def looked_up(process: Process, provider: Provider) -> Entry:
    """Have a critic read a strange attachment, and something that is not there."""
    given = await process.step("draft", companion_type="own", query="Q?", text="A text.", attachments=(PAGE,))
    provider.queue(
        replies.call("read_attachment", '{"name": "page.html"}', '{"name": "<b>"}', usage=USED),
        replies.text("Say more.", usage=USED),
    )
    made = await process.step("critique", given.session_id)
    assert made.entry is not None
    return made.entry


def limited(process: Process, *, tokens: int) -> None:
    allowance = replace(process.calls.desk.allowance, limits=Budgets(session=Budget(tokens=tokens)))
    process.calls = replace(process.calls, desk=replace(process.calls.desk, allowance=allowance))


async def test_every_call_of_the_model_is_counted_with_what_it_cost(process: Process, provider: Provider) -> None:
    prices = Prices(table={FIRST: Price(input=1_000_000, output=0)})
    allowance = replace(process.calls.desk.allowance, prices=prices)
    process.calls = replace(process.calls, desk=replace(process.calls.desk, allowance=allowance))
    entry = await looked_up(process, provider)
    account = account_of(entry)
    assert (account["calls"], account["input_tokens"], account["largest_output_tokens"]) == (2, 16_000, 900)
    assert entry.meta["usage"]["input_tokens"] == 16_000
    assert cost_told(entry) == (16_000.0, prices.currency)
    assert "cost" not in entry.meta
    assert entry.meta["seconds"] == pytest.approx(sum(each["seconds"] for each in entry.meta["rounds"]))


async def test_a_budget_holds_for_every_call_and_what_was_used_before_counts(
    process: Process, provider: Provider
) -> None:
    session_id = await drafted(process)
    limited(process, tokens=9_000)
    provider.queue(replies.call("read_version", '{"version": 0}', usage=USED))
    for _ in range(2):
        with pytest.raises(BudgetError) as refused:
            await critique(process, session_id)
        assert refused.value.spent == 8_900
    assert len(provider.bodies) == 1


async def test_where_a_model_goes_down_between_calls_the_next_begins_anew_and_both_are_paid_for(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    process = await opened(TOOLS + FALLBACKS, open_catalog(), model=FIRST)
    session_id = await drafted(process)
    provider.queue(
        replies.call("read_version", '{"version": 0}', usage=USED),
        replies.refusal(401),
        replies.text("Say more.", usage=USED),
    )
    entry = await critique(process, session_id)
    assert (entry.meta["asked_model"], [each["model"] for each in entry.meta["failed_models"]]) == (SECOND, [FIRST])
    assert "tool_calls" not in entry.meta
    assert [message["role"] for message in provider.bodies[-1]["messages"]] == ["system", "user"]
    assert account_of(entry)["calls"] == 1
    limited(process, tokens=17_900)
    with pytest.raises(BudgetError) as refused:
        await process.step("revise", session_id)
    assert refused.value.spent == 2 * 8_900


async def test_a_bound_counts_from_the_first_of_several_calls(open_catalog: Catalog, provider: Provider) -> None:
    provider.queue(replies.broken("hang_mid_stream"))
    model = open_catalog(bounds=Bounds(total_seconds=50, silence_seconds=40)).get("critic")
    with pytest.raises(ModelTimeoutError, match="had not finished after 50 seconds"):
        await model.write(replace(TASK, began=time.monotonic() - 100))


async def test_a_cancelled_critic_closes_its_connection_between_its_calls_too(
    open_catalog: Catalog, provider: Provider
) -> None:
    looking, dropped = LookUp("It is blue."), list[str]()
    provider.queue(replies.call("look_up", '{"word": "sky"}'), replies.broken("hang_mid_stream"))

    def drop(texts: Sequence[object]) -> None:
        dropped.extend(map(str, texts))

    user = ToolUser(model=open_catalog().get("critic"), drop=drop)
    writing = asyncio.create_task(user.write(replace(TASK, tools=(looking.tool,))))
    await provider.asked(2)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await provider.exchanges[1].left.wait()
    assert len(dropped) == 1


async def test_a_filter_stands_between_a_model_and_its_tools_both_ways(
    open_catalog: Catalog, provider: Provider
) -> None:
    class Redacting:
        def to_model(self, text: str) -> str:
            return text.replace("Ann", "[name]")

        def from_model(self, text: str) -> str:
            return text.replace("[name]", "Ann")

    async def load() -> Sequence[Named]:
        return (Named("redacting", Redacting()),)

    looking = LookUp("Ann's cat is grey.")
    provider.queue(replies.call("look_up", '{"word": "[name]"}'), replies.text("[name] has a cat."))
    user = ToolUser(model=FilteredModel(open_catalog().get("critic"), load))
    written = await user.write(replace(TASK, tools=(looking.tool,)))
    assert [call.arguments for call in looking.calls] == [{"word": "Ann"}]
    assert "[name]'s cat is grey." in provider.bodies[1]["messages"][-1]["content"]
    assert written.text == "Ann has a cat."


async def test_people_read_what_was_looked_up_and_nothing_in_it_is_marked_up(
    process: Process, provider: Provider
) -> None:
    entry = await looked_up(process, provider)
    session_id = (await process.calls.desk.sessions.list(OWNER))[0].opening.session_id
    reading = Reading(calls=process.calls)
    told = await reading.part(OWNER, session_id, "own", "timeline")
    assert [line.get("looked_up") for line in told["timeline"]] == [None, None, "read_attachment"]
    log = (await reading.part(OWNER, session_id, "own", "run_log"))["run_log"]
    assert log[0]["tool_calls"]["0"][0]["result"] == STRANGE
    text = (await reading.part(OWNER, session_id, "own", "transcript"))["text"]
    fence = "`" * 5
    assert f'{fence}text\nread_attachment {{"name": "page.html"}}\n\n{STRANGE}\n{fence}\n' in text
    assert "The critic looked this up, in vain:" in text
    shown = await Inspecting(reading=reading).entry(OWNER, session_id, "own", entry.seq)
    assert [call["name"] for call in shown["calls"]] == ["read_attachment"] * 2
    analysis = await reading.newest_convergence(OWNER, session_id, "own", slot=0)
    overview = await reading.overview(OWNER, session_id)
    html = "".join(report_html(overview, {"own": [SlotTold(entries=[entry], analysis=analysis)]}))
    assert ("&lt;img src=x onerror=alert(1)&gt;" in html, "<img" in html) == (True, False)


async def test_several_critics_are_told_apart_by_their_names(
    opened: Open, provider: Provider, open_catalog: Catalog
) -> None:
    settings = "critics: [{name: tone, model: plain}, facts]\n" + TOOLS
    process = await opened(settings, open_catalog(), model=FIRST)
    session_id = await drafted(process)
    provider.by_model = {"plain": replies.text("Nothing.")}
    provider.author = lambda prompt: (
        replies.text("Say more.") if "<result" in prompt[-1] else replies.call("read_version", '{"version": 0}')
    )
    await critique(process, session_id)
    text = (await Reading(calls=process.calls).part(OWNER, session_id, "own", "transcript"))["text"]
    assert "The critic facts looked this up:" in text


async def test_an_archive_holds_what_was_looked_up(process: Process, provider: Provider, tmp_path: Path) -> None:
    entry = await looked_up(process, provider)
    await process.calls.desk.sessions.projector.flush()
    await export(process, tmp_path / "all.zip")
    other = Process.on(MemoryStore())
    await bring(other, tmp_path / "all.zip")
    (head,) = await other.calls.desk.sessions.list(OWNER)
    brought = await other.entries(head.opening.session_id)
    assert [each.meta["tool_calls"] for each in brought if each.kind == "critique"] == [entry.meta["tool_calls"]]
    assert next(each.meta["critic_tools"] for each in brought if each.kind == "configure") == [
        "read_attachment",
        "read_version",
    ]
    await other.calls.close()
