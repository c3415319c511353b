import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from companions.errors import ModelError, ModelTimeoutError
from companions.model_catalog import ModelCatalog
from companions.models import Message, Sampling, Task
from companions.patience import Bounds
from companions.providers import PROVIDERS, Account
from companions.tool_use import ToolUser
from tests.provider import replies
from tests.provider.cases import CASES, Case
from tests.provider.editor import NobodysEditor
from tests.provider.looking_up import LookUp
from tests.provider.server import KEY, Provider
from tests.provider.spoken import SPOKEN, Spoken

pytest_plugins = ("tests.provider.fixtures",)
# LangChain warns of a tool that nobody offered, which is what our own error says.
pytestmark = pytest.mark.filterwarnings("ignore:Received unexpected tool content block")

Open = Callable[..., ModelCatalog]
ODD_TEXT = "Braces {x} {{}} %s %(y)d, quotes \"'`, line\u2028breaks, \U0001f600 日本語 עברית \x07 end\n\n  "
PRIVATE_QUESTION = "Why is the sky over Brno blue?"
SAMPLING = Sampling(temperature=0.25, max_tokens=7)
PROMPT = (Message("system", "Be brief."), Message("human", PRIVATE_QUESTION))
TASK = Task(step="draft", messages=PROMPT, query=PRIVATE_QUESTION, sampling=SAMPLING)
LATEST = 15
"""Seconds in which a call with small bounds has ended on the slowest machine."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.fixture(params=list(SPOKEN))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def spoken(name: str) -> Spoken:
    return SPOKEN[name]


@pytest.fixture(autouse=True)
def watched_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that logs the key anywhere, or what a person asked above the level of debugging."""
    caplog.set_level(logging.DEBUG)
    yield
    told = [(record, record.getMessage() + str(record.exc_text)) for record in caplog.get_records("call")]
    assert [text for _, text in told if KEY in text] == []
    assert [text for record, text in told if record.levelno > logging.DEBUG and PRIVATE_QUESTION in text] == []


async def test_a_prompt_arrives_byte_for_byte_with_its_sampling(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    provider.queue(replies.text("Because.", model="the-one-that-wrote"))
    prompt = (Message("system", "{0}"), Message("human", "%"), Message("ai", "{}"), Message("human", ODD_TEXT * 99))
    task = Task(step="draft", messages=prompt, query="%", sampling=SAMPLING)
    written = await open_catalog().get(spoken.model).write(task)
    (body,) = provider.bodies
    assert (written.text, written.model) == ("Because.", "the-one-that-wrote")
    assert [text for _, text in spoken.prompt(body)] == ["{0}", "%", "{}", ODD_TEXT * 99]
    assert [role for role, _ in spoken.prompt(body)][:2] == ["system", "user"]
    assert body["model"] == spoken.model.partition(":")[2]
    assert spoken.sent(body) == {"temperature": 0.25, "limit": 7}
    assert written.meta["sampling"] == {"execution_mode": "server", "temperature": 0.25, "max_tokens": 7}
    assert 0 < written.meta["first_token_seconds"] <= written.meta["seconds"]


async def test_pieces_are_heard_as_they_come_and_none_is_lost(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    gate, first = replies.Signal(), asyncio.Event()
    heard: list[str] = []

    def hear(piece: str) -> None:
        heard.append(piece)
        first.set()

    provider.queue(replies.text(ODD_TEXT * 9, pieces=17, gate=gate))
    writing = asyncio.create_task(open_catalog().get(spoken.model).write(TASK, hear))
    await asyncio.wait_for(first.wait(), LATEST)
    assert not writing.done()
    assert len(heard) == 1
    gate.set()
    assert (await writing).text == "".join(heard) == ODD_TEXT * 9
    assert len(heard) > 10


async def test_usage_is_recorded_alike_with_what_came_from_a_cache_and_what_was_thought(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    provider.queue(replies.text("Because it is so.", pieces=3, usage=spoken.usage))
    assert (await open_catalog().get(spoken.model).write(TASK)).usage == spoken.counted


async def test_a_tool_that_a_model_calls_gives_its_result_to_the_same_model_and_all_that_was_used_is_summed(
    provider: Provider, open_catalog: Open, spoken: Spoken, name: str
) -> None:
    looking = LookUp(ODD_TEXT)
    provider.queue(
        replies.call("look_up", '{"word": "sky"}', words="I look.", usage=spoken.usage),
        replies.text("It is blue.", usage=spoken.usage),
    )
    heard: list[str] = []
    asked = ToolUser(model=open_catalog().get(spoken.model))
    written = await asked.write(replace(TASK, step="critique", tools=(looking.tool,)), heard.append)
    assert (written.text, [call.arguments for call in looking.calls]) == ("It is blue.", [{"word": "sky"}])
    assert "".join(heard) == "I look.\n\n[It calls look_up.]\n\nIt is blue."
    first, second = provider.bodies
    assert spoken.offered(first) == spoken.offered(second) == ["look_up"]
    assert ODD_TEXT in spoken.result(second)
    assert written.usage == {counted: 2 * count for counted, count in spoken.counted.items()}
    assert [each["result"] for each in written.meta["tool_calls"]] == [ODD_TEXT]
    assert ("c2lnbmVk" in str(second)) == (name == "google")  # what Gemini signed is sent back


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_case_ends_as_the_table_says(
    provider: Provider, open_catalog: Open, spoken: Spoken, name: str, case: Case
) -> None:
    provider.queue(*case.answers)
    hang = case.ends is ModelTimeoutError
    bounds = Bounds(total_seconds=LATEST, silence_seconds=0.5 if hang else LATEST)
    with pytest.raises(ModelError) as failed:
        await asyncio.wait_for(open_catalog(bounds=bounds).get(spoken.model).write(TASK), 2 * LATEST)
    assert type(failed.value) is case.ends
    assert case.said in str(failed.value)
    assert len(provider.bodies) == case.asked
    assert KEY not in str(failed.value) + repr(failed.value)
    if hang:
        await provider.exchanges[0].left.wait()
    if case.name.startswith("401"):
        assert f"Check the key ({PROVIDERS[name].key})." in failed.value.remedy


async def test_a_whole_call_ends_with_its_time_however_lively_it_is(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    provider.queue(replies.text("word " * 200, pieces=200, seconds=60))
    hasty = open_catalog(bounds=Bounds(total_seconds=0.8)).get(spoken.model)
    with pytest.raises(ModelTimeoutError, match=r"had not finished after 0\.8 seconds"):
        await asyncio.wait_for(hasty.write(TASK), LATEST)
    await provider.exchanges[0].left.wait()


@pytest.mark.parametrize("fault", ["hang_after_finish", "cut_after_finish"])
async def test_a_whole_reply_is_kept_whatever_comes_behind_its_end(
    provider: Provider, open_catalog: Open, spoken: Spoken, fault: replies.Fault
) -> None:
    provider.queue(replies.broken(fault, words="whole"))
    hasty = open_catalog(bounds=Bounds(silence_seconds=0.5)).get(spoken.model)
    assert (await asyncio.wait_for(hasty.write(TASK), LATEST)).text == "whole"


async def test_a_providers_wish_to_wait_is_followed_and_is_no_silence(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    provider.queue(replies.refusal(429, retry_after="1.2"), replies.refusal(503, retry_after="0.01"), "There it is.")
    model = open_catalog(bounds=Bounds(silence_seconds=1)).get(spoken.model)
    assert (await asyncio.wait_for(model.write(TASK), LATEST)).text == "There it is."
    first, second, _ = provider.exchanges
    assert second.began - first.began >= 1.2


async def test_a_providers_wish_to_wait_ends_with_the_whole_time(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    provider.queue(replies.refusal(429, retry_after="60"))
    with pytest.raises(ModelTimeoutError, match="last refused with HTTP 429"):
        await asyncio.wait_for(open_catalog(bounds=Bounds(total_seconds=1)).get(spoken.model).write(TASK), LATEST)
    assert len(provider.bodies) == 1


async def test_a_provider_that_is_not_there_is_told_so(open_catalog: Open, spoken: Spoken, name: str) -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        catalog = open_catalog(openai_base_url=nowhere, accounts={name: Account(key=KEY, url=nowhere)})
        with pytest.raises(ModelError, match="could not be reached") as failed:
            await catalog.get(spoken.model).write(TASK)
    assert f"({PROVIDERS[name].url})" in failed.value.remedy


async def test_a_cancelled_call_is_cancelled_and_its_connection_closed(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    provider.queue(replies.broken("hang_mid_stream"))
    writing = asyncio.create_task(open_catalog().get(spoken.model).write(TASK))
    await provider.asked(1)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await provider.exchanges[0].left.wait()


async def test_a_call_after_each_fault_is_as_good_as_new_and_one_client_makes_them_all(
    provider: Provider, open_catalog: Open, spoken: Spoken
) -> None:
    model = open_catalog().get(spoken.model)
    for _ in range(3):
        await model.write(TASK)
    assert len({exchange.peer for exchange in provider.exchanges}) == 1
    for fault in ("cut", "broken_json", "error_event"):
        provider.queue(replies.broken(fault), "Well again.")
        with pytest.raises(ModelError):
            await model.write(TASK)
        assert (await model.write(TASK)).text == "Well again."


def test_one_catalog_serves_one_event_loop_after_another(provider: Provider, spoken: Spoken, name: str) -> None:
    accounts = {name: Account(key=KEY, url=provider.root)}
    catalog = ModelCatalog(offline=NobodysEditor(), openai_base_url=provider.url, accounts=accounts)

    async def write() -> str:
        try:
            return (await catalog.get(spoken.model).write(TASK)).text
        finally:
            await catalog.aclose()

    assert asyncio.run(write()) == asyncio.run(write())


async def test_no_variable_of_the_environment_changes_a_request(
    provider: Provider, open_catalog: Open, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in spoken.stray:
        stray = "http://127.0.0.1:9/stray" if variable.endswith(("URL", "HOST", "PROXY")) else "stray: stray"
        monkeypatch.setenv(variable, stray)
    monkeypatch.setenv("LANGSMITH_GATEWAY", "http://127.0.0.1:9/stray")
    await open_catalog().get(spoken.model).write(TASK)
    (exchange,) = provider.exchanges
    keys = {exchange.headers.get(header) for header in ("authorization", "x-api-key", "x-goog-api-key")} - {None}
    assert keys <= {KEY, f"Bearer {KEY}"}
    assert [header for header in exchange.headers.items() if "stray" in str(header)] == []


def test_the_table_in_the_documents_is_the_one_that_is_tested() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").partition("| what the provider does |")[2].partition("\n\n")[0]
    told = [tuple(row.strip("| ").split(" | ")) for row in table.splitlines()[2:]]
    assert told == [(case.name, str(case.asked), f"`{case.ends.code}`", case.said) for case in CASES]
