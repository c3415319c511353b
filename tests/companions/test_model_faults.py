import asyncio
import socket
from collections.abc import Callable

import pytest

from companions.errors import ModelError, ModelReplyError, ModelTimeoutError, ReplyLengthError
from companions.model_catalog import ModelCatalog
from companions.models import Message, Model, Sampling, Task
from companions.patience import Bounds
from tests.provider import replies
from tests.provider.replies import Fault
from tests.provider.server import KEY, Provider

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
TASK = Task(step="draft", messages=(Message("human", "Why?"),), query="Why?", sampling=Sampling(max_tokens=9))
HANGS: list[Fault] = ["hang_before_headers", "hang_after_headers", "hang_mid_stream"]
LATEST = 5
"""Seconds in which a call with small bounds has ended on the slowest machine."""


@pytest.fixture
def model(open_catalog: Open) -> Model:
    return open_catalog(bounds=Bounds(total_seconds=20, silence_seconds=10)).get("gpt-4.1")


async def failure(model: Model, kind: type[ModelError] = ModelError, task: Task = TASK) -> ModelError:
    """Give the error in which a call ends, which must be of exactly this kind and come in time."""
    with pytest.raises(kind) as failed:
        await asyncio.wait_for(model.write(task), LATEST)
    assert type(failed.value) is kind
    return failed.value


@pytest.mark.parametrize("fault", HANGS)
async def test_a_silent_provider_ends_in_an_error_and_a_closed_connection(
    provider: Provider, open_catalog: Open, fault: Fault
) -> None:
    provider.queue(replies.broken(fault))
    hasty = open_catalog(bounds=Bounds(silence_seconds=0.5)).get("gpt-4.1")
    error = await failure(hasty, ModelTimeoutError)
    assert "sent nothing for 0.5 seconds" in error.what
    await provider.exchanges[0].left.wait()
    assert len(provider.bodies) == 1


@pytest.mark.parametrize("fault", HANGS)
async def test_a_call_past_its_whole_time_ends_in_an_error_and_a_closed_connection(
    provider: Provider, open_catalog: Open, fault: Fault
) -> None:
    provider.queue(replies.broken(fault))
    hasty = open_catalog(bounds=Bounds(total_seconds=0.5)).get("gpt-4.1")
    error = await failure(hasty, ModelTimeoutError)
    assert "had not finished after 0.5 seconds" in error.what
    await provider.exchanges[0].left.wait()


@pytest.mark.parametrize("fault", ["hang_after_finish", "cut_after_finish"])
async def test_a_whole_reply_is_kept_whatever_comes_behind_its_end(
    provider: Provider, open_catalog: Open, fault: Fault
) -> None:
    provider.queue(replies.broken(fault, words="whole"))
    hasty = open_catalog(bounds=Bounds(silence_seconds=0.5)).get("gpt-4.1")
    assert (await asyncio.wait_for(hasty.write(TASK), LATEST)).text == "whole"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (replies.broken("cut"), "broke its reply off"),
        (replies.broken("ended_early"), "was cut off"),
        (replies.broken("broken_json"), "cannot be read"),
        (replies.broken("error_event"), "broke its reply off"),
        (replies.broken("error_event", words=""), "broke its reply off"),
        (replies.broken("no_choices"), "was cut off"),
        (replies.text(""), "empty text"),
        (replies.text(" \n "), "empty text"),
        (replies.text("half", finish="content_filter"), "content filter"),
    ],
)
async def test_a_reply_that_cannot_be_used_is_an_error_and_not_a_short_success(
    provider: Provider, model: Model, reply: replies.Reply, said: str
) -> None:
    provider.queue(reply)
    error = await failure(model, ModelReplyError)
    assert said in error.what
    assert len(provider.bodies) == 1


@pytest.mark.parametrize("text", ["half a sen", ""])
async def test_a_length_limit_says_what_to_raise(provider: Provider, model: Model, text: str) -> None:
    provider.queue(replies.text(text, finish="length"))
    error = await failure(model, ReplyLengthError)
    assert "stopped at its length limit of 9 tokens" in error.what
    assert error.remedy == "Raise max_tokens or shorten the text."
    assert len(provider.bodies) == 1


@pytest.mark.parametrize(
    ("status", "calls", "said"),
    [
        (400, 1, "refused the request to the model 'gpt-4.1'"),
        (401, 1, "Check the key"),
        (403, 1, "Check the key"),
        (404, 1, "does not know the model 'gpt-4.1'"),
        (413, 1, "Shorten the text"),
        (429, 3, "refuses more requests"),
        (500, 3, "failed (HTTP 500)"),
        (503, 3, "failed (HTTP 503)"),
    ],
)
async def test_a_refusal_is_retried_where_that_can_help_and_then_told_without_the_key(
    provider: Provider, model: Model, status: int, calls: int, said: str
) -> None:
    provider.queue(*[replies.refusal(status, retry_after="0.01")] * 3)
    error = await failure(model)
    assert said in str(error)
    assert len(provider.bodies) == calls
    assert KEY in str(error.__cause__)  # the provider repeats the key, and the library repeats the provider
    assert KEY not in str(error) + repr(error)
    assert "Refused with" not in str(error)


async def test_a_retry_that_succeeds_is_a_success(provider: Provider, model: Model) -> None:
    provider.queue(replies.refusal(429, retry_after="0.01"), replies.refusal(503, retry_after="0.01"), "There it is.")
    assert (await model.write(TASK)).text == "There it is."
    assert len(provider.bodies) == 3


async def test_a_providers_wish_to_wait_is_no_silence(provider: Provider, open_catalog: Open) -> None:
    provider.queue(replies.refusal(429, retry_after="0.9"), "There it is.")
    model = open_catalog(bounds=Bounds(silence_seconds=0.5)).get("gpt-4.1")
    assert (await asyncio.wait_for(model.write(TASK), LATEST)).text == "There it is."


async def test_silence_counts_again_once_the_client_has_asked_again(provider: Provider, open_catalog: Open) -> None:
    provider.queue(replies.refusal(503, retry_after="0.01"), replies.broken("hang_before_headers"))
    error = await failure(open_catalog(bounds=Bounds(silence_seconds=0.5)).get("gpt-4.1"), ModelTimeoutError)
    assert "sent nothing for 0.5 seconds" in error.what
    assert len(provider.bodies) == 2


async def test_a_providers_wish_to_wait_ends_with_the_whole_time(provider: Provider, open_catalog: Open) -> None:
    provider.queue(replies.refusal(429, retry_after="60"))
    error = await failure(open_catalog(bounds=Bounds(total_seconds=0.5)).get("gpt-4.1"), ModelTimeoutError)
    assert error.what.endswith("Its provider last refused with HTTP 429.")
    assert len(provider.bodies) == 1


async def test_a_provider_that_is_not_there_is_told_so(open_catalog: Open) -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        error = await failure(open_catalog(openai_base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1").get("x"))
    assert "could not be reached" in error.what


async def test_a_cancelled_call_is_cancelled_and_its_connection_closed(provider: Provider, model: Model) -> None:
    provider.queue(replies.broken("hang_mid_stream"))
    writing = asyncio.create_task(model.write(TASK))
    await provider.asked(1)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await provider.exchanges[0].left.wait()


@pytest.mark.parametrize("own", [KeyError("own"), TimeoutError("own")])
async def test_a_listeners_own_error_passes_untouched(provider: Provider, model: Model, own: Exception) -> None:
    def hear(piece: str) -> None:
        assert piece
        raise own

    provider.queue(replies.broken("hang_mid_stream"))
    with pytest.raises(type(own), match="own") as raised:
        await asyncio.wait_for(model.write(TASK, hear), LATEST)
    assert raised.value is own


async def test_the_librarys_error_is_the_cause(provider: Provider, model: Model) -> None:
    provider.queue(replies.broken("broken_json"))
    error = await failure(model, ModelReplyError)
    assert isinstance(error.__cause__, ValueError)
    assert str(error.__cause__) not in str(error)


async def test_a_call_after_each_fault_is_as_good_as_new(provider: Provider, open_catalog: Open) -> None:
    model = open_catalog(bounds=Bounds(silence_seconds=0.3)).get("gpt-4.1")
    for fault in (*HANGS, "cut", "broken_json", "error_event"):
        provider.queue(replies.broken(fault), "Well again.")
        with pytest.raises(ModelError):
            await model.write(TASK)
        assert (await model.write(TASK)).text == "Well again."


@pytest.mark.parametrize("bounds", [{"total_seconds": 0}, {"silence_seconds": -1}, {"total_seconds": float("nan")}])
def test_a_bound_that_no_call_could_keep_is_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="bounds are positive seconds"):
        Bounds(**bounds)
