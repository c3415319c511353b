"""Callers that wait for a model of ours, go away, come back, or ask the same thing twice."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import Provider
from tests.wire.processes import Era, Kind, Program, Served, Stdio, serving_http, with_model
from tests.wire.reading import part
from tests.wire.scripted_caller import assert_sized, prose_of

pytest_plugins = ("tests.provider.fixtures",)

WORDS = "The store keeps every step. Nothing that was answered is lost."


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, _served_provider: Provider) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http"), with_model(_served_provider)) as served:
        yield served


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, _served_provider: Provider) -> Iterator[Served]:
    """A server that answers ``running`` after a second, and gives a silent model up after two."""
    settings = with_model(_served_provider, COMPANIONS_REPLY_SECONDS="1", COMPANIONS_SILENCE_SECONDS="2")
    with serving_http(tmp_path_factory.mktemp("quick"), settings) as served:
        yield served


@pytest.fixture
def program(kind: Kind, http: Served, tmp_path_factory: pytest.TempPathFactory, _served_provider: Provider) -> Program:
    return (
        http
        if kind == "http"
        else Stdio(folder=tmp_path_factory.mktemp("stdio"), settings=with_model(_served_provider))
    )


class Ears:
    """Hears the progress of calls; ``all`` is set when each of them was told something."""

    def __init__(self, calls: int) -> None:
        self.heard: list[list[str]] = [[] for _ in range(calls)]
        self.all = asyncio.Event()

    def of(self, call: int) -> Any:
        async def hear(progress: float, total: float | None, message: str | None) -> None:
            del progress, total
            self.heard[call].append(str(message))
            if all(self.heard):
                self.all.set()

        return hear


# Trap 5: progress that was told with a message alone raised. Trap 9: whoever joined a stream waited for ever.
@pytest.mark.parametrize(("kind", "era"), [("stdio", "legacy"), ("http", "auto")])
async def test_two_equal_calls_at_once_ask_once_hear_the_progress_and_are_both_answered(
    program: Program, era: Era, provider: Provider
) -> None:
    ears, gate = Ears(2), Signal()
    provider.queue(replies.text(WORDS, pieces=30, gate=gate))
    async with program.client(era) as client, asyncio.timeout(30):
        query = {"query": f"At once in {era}?"}
        calls = [client.call_tool("draft", query, progress_handler=ears.of(number)) for number in range(2)]
        answers = asyncio.gather(*calls)
        await ears.all.wait()
        gate.set()
        first, second = [answer.structured_content for answer in await answers]
        assert first["text"] == second["text"] == WORDS
        assert first["session_id"] == second["session_id"]
        assert first["seq"] == second["seq"]
        assert all("draft" in message and "characters" in message for each in ears.heard for message in each)
    assert len(provider.exchanges) == 1


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_slow_step_is_answered_running_and_exactly_next_gives_the_result(
    quick: Served, era: Era, provider: Provider
) -> None:
    async with quick.client(era) as client, asyncio.timeout(30):
        told = await client.call_tool("draft", {"query": f"Slow {{draft}} in {era}?", "text": WORDS})
        gate = Signal()
        provider.queue(replies.text('{"as": "it is"}\nSay more.', gate=gate, pieces=9))
        ids = {"session_id": told.structured_content["session_id"], "evidence": "3 of 4 tests pass"}
        told = await client.call_tool("critique", ids)
        assert_sized(told)
        coming = told.structured_content["next"]
        assert (told.structured_content["status"], coming["tool"]) == ("running", "critique")
        assert prose_of(told).splitlines()[-1].startswith("Next: call critique with session_id=")
        waiting = asyncio.create_task(client.call_tool(coming["tool"], coming["arguments"]))
        gate.set()
        while (told := await waiting).structured_content["status"] == "running":
            waiting = asyncio.create_task(client.call_tool(coming["tool"], coming["arguments"]))
        assert told.structured_content["text"] == '{"as": "it is"}\nSay more.'
        assert len(provider.exchanges) == 1
        assert (await part(client, ids["session_id"], "latest_critique"))["evidence"] == ids["evidence"]


# Trap 9: a provider that failed left the waiter hanging. Trap 17: a failure was dropped without a word.
async def test_a_failure_after_running_is_told_once_and_the_call_after_that_tries_again(
    quick: Served, provider: Provider
) -> None:
    async with quick.client("auto") as client, asyncio.timeout(30):
        provider.queue(replies.broken("hang_mid_stream"))
        told = await client.call_tool("draft", {"query": "Told once?"})
        assert told.structured_content["status"] == "running"
        await provider.exchanges[0].left.wait()
        again = told.structured_content["next"]["arguments"]
        failed = await client.call_tool("draft", again, raise_on_error=False)
        assert failed.is_error
        assert "sent nothing for 2 seconds" in prose_of(failed)
        provider.queue(WORDS)
        done = await client.call_tool("draft", again)
        assert done.structured_content["text"] == WORDS
        assert len(provider.exchanges) == 2


@pytest.mark.parametrize(("kind", "era"), [("stdio", "legacy"), ("http", "auto"), ("http", "legacy")])
async def test_a_step_whose_caller_goes_away_is_finished_and_kept_and_its_repeat_finds_it(
    program: Program, kind: Kind, era: Era, provider: Provider
) -> None:
    query = {"query": f"Left alone over {kind} in {era}?"}
    gate = Signal()
    provider.queue(replies.text(WORDS, pieces=9, gate=gate))
    async with program.client(era) as client, asyncio.timeout(30):
        leaving = asyncio.create_task(client.call_tool("draft", query))
        await provider.asked(1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        gate.set()
        found = (await client.call_tool("draft", query)).structured_content
        assert (found["status"], found["text"]) == ("done", WORDS)
        assert len(provider.exchanges) == 1
        listed = await client.call_tool("list_sessions", {"search": f"over {kind} in {era}"})
        (session,) = listed.structured_content["sessions"]
        assert session["session_id"] == found["session_id"]
        other = (await client.call_tool("draft", query)).structured_content
        assert other["session_id"] != found["session_id"]


async def test_a_caller_that_closes_its_connection_mid_step_finds_the_step_on_a_new_one(
    http: Served, provider: Provider
) -> None:
    gate = Signal()
    async with http.client("auto") as client:
        begun = await client.call_tool("draft", {"query": "Hung up?", "text": WORDS})
        ids = {"session_id": begun.structured_content["session_id"]}
        provider.queue(replies.text("Too short.", pieces=3, gate=gate))
        leaving = asyncio.create_task(client.call_tool("critique", ids, raise_on_error=False))
        await provider.asked(1)
    await asyncio.wait({leaving})
    gate.set()
    async with http.client("auto") as client, asyncio.timeout(30):
        done = await client.call_tool("critique", ids)
        assert done.structured_content["text"] == "Too short."
    assert len(provider.exchanges) == 1
    assert leaving.cancelled() or leaving.exception() is not None
