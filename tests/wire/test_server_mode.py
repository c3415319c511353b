"""With a model of ours: the loopback provider answers, streams, refuses and breaks as providers do."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.provider import replies, writer
from tests.provider.replies import Reply
from tests.provider.server import KEY, Provider
from tests.wire import scripted_caller
from tests.wire.processes import MODEL, PLACES, Era, Kind, Program, Served, Stdio, serving_http, with_model
from tests.wire.reading import part, resource
from tests.wire.scripted_caller import ScriptedCaller, assert_sized

pytest_plugins = ("tests.provider.fixtures",)

MODEL_SECONDS = 4
LIBRARIES = re.compile(
    r"traceback|openai\.|langchain|httpx|pydantic|anyio|Refused with|overloaded|\.py|/v1|127\.0\.0", re.IGNORECASE
)
SENTENCES = re.compile(r"(?<=\.) (?=[A-Z])")


@pytest.fixture(scope="module")
def settings(_served_provider: Provider) -> dict[str, str]:
    return with_model(
        _served_provider,
        COMPANIONS_SILENCE_SECONDS="1",
        COMPANIONS_MODEL_SECONDS=str(MODEL_SECONDS),
        COMPANIONS_MAX_ITERATIONS="9",
    )


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http"), settings) as served:
        yield served


@pytest.fixture
def program(kind: Kind, http: Served, tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Program:
    return http if kind == "http" else Stdio(folder=tmp_path_factory.mktemp("stdio"), settings=settings)


def counted(provider: Provider) -> dict[str, int]:
    """Count words as the provider does, over all that it was asked and wrote by itself."""
    read = wrote = 0
    for body in provider.bodies:
        prompt = [str(message["content"]) for message in body["messages"]]
        read += sum(len(text.split()) for text in prompt)
        wrote += len(writer.write(prompt).split())
    return {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}


@pytest.mark.parametrize(("kind", "era"), PLACES)
async def test_a_loop_that_does_what_next_says_converges_and_counts_what_the_provider_counted(
    program: Program, era: Era, kind: Kind, provider: Provider
) -> None:
    channel = scripted_caller.structured if kind == "http" else scripted_caller.prose
    async with program.client(era) as client:
        caller = ScriptedCaller(client, channel)
        await caller.think(f"What is kept over {kind} in {era}?")
        bodies = [reply.structured_content for reply in caller.replies]
        overview = await resource(client, f"resource://sessions/{bodies[0]['session_id']}")
    assert [body["step"] for body in bodies] == ["draft", *["critique", "revise"] * 4]
    assert [body.get("stop_reason") for body in bodies] == [None] * 8 + ["converged"]
    assert (bodies[-1]["converged"], bodies[-1]["similarity"], bodies[-1]["threshold"]) == (True, 1.0, 1.0)
    assert len(provider.exchanges) == len(bodies)
    whole = counted(provider)
    assert {name: sum(body["usage"][name] for body in bodies) for name in whole} == whole
    assert overview["usage"] == whole
    for body, exchange in zip(bodies, provider.bodies, strict=True):
        assert body["text"]
        assert body["model"] == exchange["model"] == MODEL
        assert exchange["stream"] is True


# Trap 7: the caller's choices were ignored, and the log recorded the ones asked for.
async def test_the_sampling_that_is_asked_for_is_sent_and_recorded(http: Served, provider: Provider) -> None:
    async with http.client("auto") as client:
        asked = {"model": "other-model", "temperature": 0.25, "max_tokens": 321}
        body = (await client.call_tool("draft", {"query": "Sampled?", "sampling": asked})).structured_content
        (slot,) = (await part(client, body["session_id"], "run_log"))["run_log"]
        sent = provider.bodies[0]
        assert {name: sent[name] for name in asked} == asked
        assert body["model"] == slot["variant"] == "other-model"
        assert slot["sampling"] == {"execution_mode": "server", "temperature": 0.25, "max_tokens": 321}
        own = {"model": "third-model", "temperature": 1.5}
        critique = await client.call_tool("critique", {"session_id": body["session_id"], "sampling": own})
        assert (provider.bodies[1]["model"], provider.bodies[1]["temperature"]) == ("third-model", 1.5)
        assert critique.structured_content["model"] == "third-model"


async def begun(client: Any, provider: Provider, query: str) -> dict[str, str]:
    """Open a session whose next step is a critique, and forget what the provider was asked for it."""
    given = {"query": query, "text": "The store keeps every step. Nothing is lost."}
    result = await client.call_tool("draft", given)
    assert provider.exchanges == []
    return {"session_id": result.structured_content["session_id"]}


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_refusal_that_passes_is_retried_unseen(http: Served, provider: Provider, status: int) -> None:
    async with http.client("auto") as client:
        ids = await begun(client, provider, f"Refused with {status} once?")
        provider.queue(replies.refusal(status))
        result = await client.call_tool("critique", ids)
        assert result.structured_content["status"] == "done"
        assert len(provider.exchanges) == 2


FAULTS: dict[str, tuple[list[Reply], str]] = {
    "hang before headers": ([replies.broken("hang_before_headers")], r"sent nothing for 1 seconds"),
    "hang mid stream": ([replies.broken("hang_mid_stream")], r"sent nothing for 1 seconds"),
    "cut stream": ([replies.broken("cut")], r"broke its reply off"),
    "ended early": ([replies.broken("ended_early")], r"was cut off"),
    "broken JSON": ([replies.broken("broken_json")], r"cannot be read"),
    "no choices": ([replies.broken("no_choices")], r"empty|cut off|cannot be read"),
    "error event": ([replies.broken("error_event")], r"cannot be read"),
    "length": ([replies.text("one two", finish="length")], r"stopped at its length limit"),
    "filter": ([replies.text("one two", finish="content_filter")], r"content filter"),
    "blank": ([replies.text(" \n ")], r"empty text"),
    "verdict alone": ([replies.text('{"verdict": "revise"}')], r"empty text"),
    "key refused": ([replies.refusal(401)], r"refused the key.*401"),
    "unknown model": ([replies.refusal(404)], r"does not know the model.*404"),
    "bad request": ([replies.refusal(400)], r"refused the request.*400"),
    "always 500": ([replies.refusal(500)] * 3, r"failed.*500|had not finished.*500|sent nothing.*500"),
    "always 429": ([replies.refusal(429)] * 3, r"refuses more requests|had not finished.*429|sent nothing.*429"),
}


# Trap 9: a provider's error left the call waiting for ever. Trap 4: an error came after the state had changed.
# Trap 21: an exception in a later call lost the earlier ones.
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_one_error_in_time_that_changes_nothing_and_the_next_call_works(
    http: Served, provider: Provider, fault: str
) -> None:
    queued, said = FAULTS[fault]
    async with http.client("legacy" if len(fault) % 2 else "auto") as client:
        ids = await begun(client, provider, f"Will {fault} hurt?")
        before = await part(client, ids["session_id"], "run_log")
        provider.queue(*queued)
        async with asyncio.timeout(MODEL_SECONDS + 2):
            result = await client.call_tool("critique", ids, raise_on_error=False)
        text = scripted_caller.prose_of(result)
        assert result.is_error
        assert re.search(said, text), text
        assert len(SENTENCES.split(text)) <= 3, text
        assert not LIBRARIES.search(text), text
        assert KEY not in text
        assert (await part(client, ids["session_id"], "phase"))["phase"] == "critique"
        assert await part(client, ids["session_id"], "run_log") == before
        again = await client.call_tool("critique", ids)
        assert_sized(again)
        assert (again.structured_content["status"], again.structured_content["iteration"]) == ("done", 1)


async def test_a_first_draft_that_fails_keeps_its_query_and_names_its_session(http: Served, provider: Provider) -> None:
    async with http.client("auto") as client:
        provider.queue(replies.broken("error_event"))
        failed = await client.call_tool("draft", {"query": "Kept {though} failed?"}, raise_on_error=False)
        assert failed.is_error
        found = re.search(r"session ([a-z0-9]{20})", scripted_caller.prose_of(failed))
        assert found is not None
        phase = await part(client, found[1], "phase")
        assert (phase["phase"], phase["query"]) == ("draft", "Kept {though} failed?")
        done = (await client.call_tool("draft", {"session_id": found[1]})).structured_content
        assert (done["status"], done["slot"], done["session_id"]) == ("done", 0, found[1])


async def test_the_repeat_of_a_first_draft_that_failed_gets_its_session(http: Served, provider: Provider) -> None:
    async with http.client("auto") as client:
        provider.queue(replies.broken("cut"))
        failed = await client.call_tool("draft", {"query": "Once more?"}, raise_on_error=False)
        done = (await client.call_tool("draft", {"query": "Once more?"})).structured_content
        assert done["session_id"] in scripted_caller.prose_of(failed)
