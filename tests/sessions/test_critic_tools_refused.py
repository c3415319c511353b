"""Critics whose models take no tools: they are asked without, and a provider that refused is spared asking again."""

from collections.abc import Callable

import pytest

from companions.model_catalog import ModelCatalog
from companions.models import Sampling
from sessions.reading import Reading
from tests.provider import replies
from tests.provider.server import Provider
from tests.sessions.faults import OWNER, Process
from tests.sessions.own_companions import Open, critique, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.sessions.own_companion_fixtures")

WORDS = "Say more about it."
LOOKS = replies.call("read_version", '{"version": 0}')


@pytest.fixture
async def process(opened: Open, open_catalog: Callable[..., ModelCatalog]) -> Process:
    return await opened("critic_tools: [read_version]\n", open_catalog(), model="critic")


def offered(provider: Provider) -> list[bool]:
    """Tell which requests offered tools."""
    return ["tools" in body for body in provider.bodies]


@pytest.mark.parametrize("status", [400, 404, 501])
async def test_a_model_that_takes_no_tools_is_asked_without_and_not_with_them_again_and_the_entries_say_so(
    process: Process, provider: Provider, status: int
) -> None:
    session_id = await drafted(process)
    tries = 3 if status == 501 else 1
    provider.queue(*[replies.refusal(status, retry_after="0.01")] * tries, replies.text(WORDS), replies.text(WORDS))
    entry = await critique(process, session_id)
    why = f"The provider refused the request with tools to the model 'critic' (HTTP {status})."
    assert (entry.text, entry.meta["without_tools"]) == (WORDS, why)
    assert "tool_calls" not in entry.meta
    text = (await Reading(calls=process.calls).part(OWNER, session_id, "own", "transcript"))["text"]
    assert f"{why} The critic went on without." in text
    again = await critique(process, await drafted(process))
    assert again.meta["without_tools"] == f"{why} It has not been asked with tools since."
    assert offered(provider) == [True] * tries + [False, False]


async def test_whatever_is_wrong_with_a_request_besides_its_tools_is_still_an_error_and_says_nothing_of_tools(
    process: Process, provider: Provider
) -> None:
    session_id = await drafted(process)
    provider.queue(replies.refusal(400), replies.refusal(400), replies.text(WORDS))
    with pytest.raises(Exception, match="refused the request to the model"):
        await critique(process, session_id)
    assert [entry.kind for entry in await process.entries(session_id)][-1] == "draft"
    await critique(process, session_id)
    assert offered(provider) == [True, False, True]


async def test_a_model_that_called_a_tool_before_its_provider_refused_is_offered_them_again(
    process: Process, provider: Provider
) -> None:
    provider.queue(LOOKS, replies.refusal(400), replies.text(WORDS), replies.text(WORDS))
    entry = await critique(process, await drafted(process))
    assert "(HTTP 400)" in entry.meta["without_tools"]
    await critique(process, await drafted(process))
    assert offered(provider) == [True, True, False, True]


async def test_another_model_is_offered_tools_meanwhile(process: Process, provider: Provider) -> None:
    provider.queue(replies.refusal(400), replies.text(WORDS), replies.text(WORDS))
    await critique(process, await drafted(process))
    entry = await critique(process, await drafted(process), sampling=Sampling(model="openai:other"))
    assert ("without_tools" in entry.meta, offered(provider)) == (False, [True, False, True])
