"""What is one provider's own, and what a line does before a call and without one."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from companions.errors import ModelError
from companions.model_catalog import ModelCatalog
from companions.models import Message, Sampling, Task
from companions.provider_lines import open_lines
from companions.providers import PROVIDERS, Account
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.provider.spoken import SPOKEN

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
TASK = Task(step="draft", messages=(Message("human", "Why?"),), query="Why?")


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
async def test_a_picture_reaches_the_provider_in_its_own_form(provider: Provider, name: str) -> None:
    spoken = SPOKEN[name]
    line = open_lines({name: Account(key=KEY, url=provider.url if name == "openai" else provider.root)})[name]
    chat = await line.chat(spoken.model.partition(":")[2])
    pixels = base64.b64encode(b"\x89PNG pixels").decode()
    picture = {"type": "image", "base64": pixels, "mime_type": "image/png"}
    asked = HumanMessage(content=[{"type": "text", "text": "What is this?"}, picture])
    assert "".join([str(chunk.text) async for chunk in chat.astream([asked])])
    assert pixels in str(spoken.picture(provider.bodies[0]))
    await line.aclose()


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


async def test_a_redirection_takes_no_key_along(provider: Provider, open_catalog: Open) -> None:
    elsewhere = replies.Reply(status=307, headers={"Location": f"{provider.root}/api/chat"})
    provider.queue(elsewhere)
    with pytest.raises(ModelError, match="HTTP 307"):
        await open_catalog().get("google:gemini-2.5-flash").write(TASK)
    assert len(provider.bodies) == 1


def test_an_account_shows_neither_key_nor_address() -> None:
    assert repr(Account(key=KEY, url=f"http://me:{KEY}@host")) == "Account()"
    assert Account(key=" ", url="") == Account()
