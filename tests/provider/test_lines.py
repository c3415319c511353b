"""What is one provider's own, and what a line does before a call and without one."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith import run_trees
from langsmith import utils as langsmith_utils

from companions.errors import ModelError
from companions.model_catalog import ModelCatalog
from companions.models import Message, Sampling, Task
from companions.native_sessions import NativeSession
from companions.providers import PROVIDERS, Account
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.provider.spoken import SPOKEN
from tests.wire.collector import Collector, collecting

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
TASK = Task(step="draft", messages=(Message("human", "Why?"),), query="Why?")
NATIVE = replace(TASK, native=NativeSession.of(["Why?"], None))


@pytest.mark.parametrize("name", [name for name, known in PROVIDERS.items() if known.extra])
async def test_a_provider_whose_extra_is_missing_says_what_to_install(
    open_catalog: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = SPOKEN[name]
    monkeypatch.setitem(sys.modules, spoken.package, None)  # how Python itself marks what cannot be imported
    catalog = open_catalog(default=spoken.model)
    await asyncio.to_thread(catalog.warm)
    with pytest.raises(ModelError) as failed:
        await catalog.get().write(TASK)
    assert failed.value.remedy == f"Install it: uv tool install 'persistent-companions[{name}]'."


@pytest.mark.parametrize("name", SPOKEN)
async def test_a_base_url_that_is_none_is_told_by_its_setting(open_catalog: Open, name: str) -> None:
    accounts = {name: Account(key=KEY, url="http://[nonsense")}
    with pytest.raises(ModelError) as failed:
        await open_catalog(openai_base_url="http://[nonsense", accounts=accounts).get(SPOKEN[name].model).write(TASK)
    assert PROVIDERS[name].url in failed.value.remedy


@pytest.mark.parametrize(
    "model",
    ["openai:gpt-5-mini", "anthropic:claude-fable-5", "anthropic:claude-sonnet-5-5", "google:gemini-3.6-flash"],
)
async def test_a_model_that_takes_no_temperature_gets_none(provider: Provider, open_catalog: Open, model: str) -> None:
    task = Task(step="draft", messages=TASK.messages, query="Why?", sampling=Sampling(temperature=0.2))
    written = await open_catalog().get(model).write(task)
    assert "temperature" not in json.dumps(provider.bodies[0])
    assert written.meta["not_sent"] == {"temperature": 0.2}


@pytest.mark.parametrize("model", [spoken.model for spoken in SPOKEN.values()])
async def test_what_nobody_asked_for_is_left_to_the_provider(
    provider: Provider, open_catalog: Open, model: str
) -> None:
    written = await open_catalog().get(model).write(TASK)
    assert "temperature" not in json.dumps(provider.bodies[0])
    assert "temperature" not in written.meta["sampling"]


@pytest.mark.parametrize(("model", "limit"), [("claude-from-next-year", 32_000), ("claude-haiku-5-5", 128_000)])
async def test_anthropic_is_asked_for_as_much_as_the_model_writes_or_a_long_text_where_that_is_unknown(
    provider: Provider, open_catalog: Open, model: str, limit: int
) -> None:
    written = await open_catalog().get(f"anthropic:{model}").write(TASK)
    assert provider.bodies[0]["max_tokens"] == written.meta["sampling"]["max_tokens"] == limit


async def test_anthropics_wish_in_milliseconds_is_none_to_wait_an_hour_for(
    provider: Provider, open_catalog: Open
) -> None:
    provider.queue(replies.Reply(status=429, headers={"Retry-After-Ms": "3600000"}))
    with pytest.raises(ModelError, match="refuses more requests for now"):
        await open_catalog().get("anthropic:claude-test").write(TASK)
    assert len(provider.bodies) == 1


def _busy(detail: dict[str, Any]) -> replies.Reply:
    """Refuse as Gemini does, which tells in the body how long to wait."""
    return replies.Reply(status=429, details=(detail,))


RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


async def test_google_says_in_the_body_how_long_to_wait(provider: Provider, open_catalog: Open) -> None:
    provider.queue(_busy({"@type": RETRY_INFO, "retryDelay": "1.5s"}), "There it is.")
    assert (await open_catalog().get("google:gemini-2.5-flash").write(TASK)).text == "There it is."
    first, second = provider.exchanges
    assert second.began - first.began >= 1.5


async def test_a_wait_that_nobody_would_wait_for_is_told_at_once(provider: Provider, open_catalog: Open) -> None:
    provider.queue(_busy({"@type": RETRY_INFO, "retryDelay": "3600s"}))
    with pytest.raises(ModelError, match="refuses more requests for now"):
        await open_catalog().get("google:gemini-2.5-flash").write(TASK)
    assert len(provider.bodies) == 1


@pytest.mark.parametrize("detail", [{"@type": RETRY_INFO}, {"@type": RETRY_INFO, "retryDelay": "soon"}, {}])
async def test_a_wish_that_cannot_be_read_is_none(
    provider: Provider, open_catalog: Open, detail: dict[str, Any]
) -> None:
    provider.queue(_busy(detail), "There it is.")
    assert (await open_catalog().get("google:gemini-2.5-flash").write(TASK)).text == "There it is."


async def test_a_day_is_a_time_to_wait_for_too(provider: Provider, open_catalog: Open) -> None:
    provider.queue(replies.refusal(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), "There it is.")
    assert (await open_catalog().get("ollama:llama3.2").write(TASK)).text == "There it is."


async def test_a_prompt_that_google_blocks_is_told_as_its_filter(provider: Provider, open_catalog: Open) -> None:
    provider.queue(replies.broken("no_choices", words=""))
    with pytest.raises(ModelError, match="content filter"):
        await open_catalog().get("google:gemini-2.5-flash").write(TASK)


@pytest.mark.parametrize(
    ("given", "sent"),
    [((None, ""), None), ((KEY, ""), f"Bearer {KEY}"), ((None, "ann:pass%40word@"), "Basic YW5uOnBhc3NAd29yZA==")],
)
async def test_ollama_is_told_who_asks_only_where_that_is_set(
    provider: Provider,
    open_catalog: Open,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str | None, str],
    sent: str | None,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-stray")  # the SDK reads it by itself
    key, person = given
    account = Account(key=key, url=re.sub("^http://", f"http://{person}", provider.root))
    await open_catalog(accounts={"ollama": account}).get("ollama:llama3.2").write(TASK)
    assert provider.exchanges[0].headers.get("authorization") == sent


@pytest.mark.parametrize("name", SPOKEN)
async def test_a_redirection_takes_neither_prompt_nor_key_along(
    provider: Provider, open_catalog: Open, name: str
) -> None:
    provider.queue(replies.Reply(status=307, headers={"Location": f"{provider.url}/chat/completions"}))
    with pytest.raises(ModelError, match="HTTP 307"):
        await open_catalog().get(SPOKEN[name].model).write(TASK)
    assert len(provider.bodies) == 1


def test_an_account_shows_neither_key_nor_address() -> None:
    assert repr(Account(key=KEY, url=f"http://me:{KEY}@host")) == "Account()"
    assert Account(key=" ", url="") == Account()


@pytest.fixture
def langsmith(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Stand for LangSmith, with its variables set and read anew, and a client of this test's own."""
    with collecting() as collector:
        read_anew: Callable[[], None] = getattr(langsmith_utils.get_env_var, "cache_clear")  # noqa: B009 -- its type hides it
        for name, value in {"TRACING": "true", "ENDPOINT": collector.url, "API_KEY": "lsv2_loopback"}.items():
            monkeypatch.setenv(f"LANGSMITH_{name}", value)
        monkeypatch.setattr(run_trees, "_CLIENT", None)
        read_anew()
        _program().invoke("What a program asks is the program's to send; and what blocks at first is done here.")
        wait_for_all_tracers()
        assert collector.bodies != []
        collector.bodies.clear()
        yield collector
    read_anew()


def _program() -> GenericFakeChatModel:
    """Give a chat model as a program in Python brings one along."""
    return GenericFakeChatModel(messages=iter([AIMessage("Seen.")]))


async def test_nothing_of_a_call_goes_to_a_tracing_service_unless_a_program_brings_the_chat_model(
    provider: Provider, open_catalog: Open, langsmith: Collector
) -> None:
    catalog = open_catalog()
    for spoken in SPOKEN.values():
        await catalog.get(spoken.model).write(TASK)
    provider.responses.there = False  # the draft is asked through chat completions instead
    await catalog.get("gpt-4.1").write(NATIVE)
    provider.queue(replies.refusal(401))
    with pytest.raises(Exception, match="refused the key"):
        await catalog.get("gpt-4.1").write(TASK)
    await asyncio.to_thread(wait_for_all_tracers)
    assert langsmith.bodies == []
    assert len(provider.bodies) > len(SPOKEN)
    await catalog.wrap(_program()).write(TASK)
    await asyncio.to_thread(wait_for_all_tracers)
    assert langsmith.bodies != []
