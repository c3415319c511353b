"""Drafts through the Responses API: what is sent, what the entry keeps, and how each way of failing ends."""

import asyncio
import logging
from typing import Any

import pytest

from companions.errors import ModelError, ModelReplyError, ModelTimeoutError, ReplyLengthError
from companions.patience import Bounds
from tests.companions.native_drafts import MODEL, SYSTEM, Open, draft, sent, written
from tests.provider import replies
from tests.provider.replies import Reply
from tests.provider.server import KEY, Provider

pytest_plugins = ("tests.provider.fixtures",)

ODD = "Braces {x} \"'` \u2028 \U0001f600 日本語\n\n"


async def test_the_next_draft_sends_its_query_alone_and_is_told_everything(
    provider: Provider, open_catalog: Open
) -> None:
    catalog, history = open_catalog(), list[tuple[str, str]]()
    known: dict[str, Any] = {}
    for query in ("one", ODD, "three"):
        came = await written(catalog, draft(query, history, known))
        history.append((query, came.text))
        known = came.meta["native"]

    (first, one), (second, two), (third, three) = sent(provider)
    assert (first, one, two, three) == (None, ["one"], [ODD], ["three"])
    assert [second, third] == list(provider.responses.kept)[:2]
    assert known["sent"] == "new"
    whole = [SYSTEM, *(text for exchange in history for text in exchange)][:-1]
    assert provider.exchanges[-1].prompt == whole  # what the provider's model was shown
    assert [body["instructions"] for body in provider.bodies] == [SYSTEM] * 3


@pytest.mark.parametrize(
    "changed",
    [
        {"history": [("one", "Another answer.")]},
        {"history": [("Another query.", "first")]},
        {"history": []},
        {"system": "Be long."},
        {"model": "gpt-4.1"},
        {"kept": {"characters": 96_001}},
    ],
)
async def test_it_never_goes_on_from_a_response_that_holds_something_else(
    provider: Provider, open_catalog: Open, changed: dict[str, Any]
) -> None:
    provider.queue("first")
    catalog = open_catalog()
    known = (await written(catalog, draft("one"))).meta["native"]
    given: dict[str, Any] = {"history": [("one", "first")], **changed}
    model = given.pop("model", MODEL)
    came = await written(catalog, draft("two", **given | {"kept": known | given.get("kept", {})}), model)
    assert sent(provider)[1] == (None, [*(text for each in given["history"] for text in each), "two"])
    assert (came.meta["native"]["sent"], "fell_back" in came.meta["native"]) == ("whole", False)


async def test_an_expired_response_is_made_up_for_within_the_same_step(provider: Provider, open_catalog: Open) -> None:
    catalog = open_catalog()
    first = await written(catalog, draft("one"))
    provider.responses.forget()
    heard: list[str] = []
    task = draft("two", [("one", first.text)], first.meta["native"])
    came = await catalog.get(MODEL).write(task, heard.append)
    assert provider.exchanges[-1].prompt == [SYSTEM, "one", first.text, "two"]
    assert "".join(heard) == came.text
    kept = came.meta["native"]
    assert (kept["sent"], kept["fell_back"], kept["response_id"] in provider.responses.kept) == (
        "whole",
        "expired",
        True,
    )
    await written(catalog, draft("three", [("one", first.text), ("two", came.text)], kept))
    assert sent(provider)[-1] == (kept["response_id"], ["three"])


async def test_a_server_without_the_api_is_asked_through_chat_completions_and_the_log_says_so_once(
    provider: Provider, open_catalog: Open, caplog: pytest.LogCaptureFixture
) -> None:
    provider.responses.there = False
    catalog = open_catalog()
    with caplog.at_level(logging.WARNING):
        came = [await written(catalog, draft(query, [("q", "a")])) for query in ("one", "two")]
    assert [each.meta["native"] for each in came] == [{"sent": "whole", "fell_back": "unsupported"}] * 2
    assert [[message["content"] for message in body["messages"]] for body in provider.bodies] == [
        [SYSTEM, "q", "a", "one"],
        [SYSTEM, "q", "a", "two"],
    ]
    assert len([each for each in caplog.records if "Responses API" in each.message]) == 1


async def test_a_server_that_ignores_what_it_is_to_go_on_from_is_not_believed(
    provider: Provider, open_catalog: Open
) -> None:
    catalog = open_catalog()
    first = await written(catalog, draft("one"))
    provider.responses.keeps = False
    heard: list[str] = []
    task = draft("two", [("one", first.text)], first.meta["native"])
    came = await catalog.get(MODEL).write(task, heard.append)
    assert came.meta["native"] == {"sent": "whole", "fell_back": "unsupported"}
    assert "".join(heard) == came.text  # nothing is heard of the answer that lacked the history
    assert [message["content"] for message in provider.bodies[-1]["messages"]] == [SYSTEM, "one", first.text, "two"]
    assert "input" not in provider.bodies[-1]


async def test_what_a_server_does_not_keep_is_not_gone_on_from(provider: Provider, open_catalog: Open) -> None:
    provider.responses.keeps = False
    came = await written(open_catalog(), draft("one"))
    assert came.meta["native"] == {"sent": "whole"}


async def test_usage_sampling_and_finish_are_recorded_as_of_chat_completions(
    provider: Provider, open_catalog: Open
) -> None:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 30},
        "total_tokens": 150,
    }
    provider.queue(replies.text("Because.", usage=usage, model="gpt-4.1-mini-2025-04-14"))
    came = await written(open_catalog(), draft("one", temperature=0.2, max_tokens=77))
    assert came.usage == {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "cache_read_tokens": 64,
        "reasoning_tokens": 30,
    }
    assert (came.model, came.meta["finish_reason"]) == ("gpt-4.1-mini-2025-04-14", "stop")
    assert came.meta["sampling"] == {"execution_mode": "server", "temperature": 0.2, "max_tokens": 77}
    assert 0 < came.meta["first_token_seconds"] <= came.meta["seconds"]
    body = provider.bodies[0]
    assert (body["temperature"], body["max_output_tokens"], body["store"]) == (0.2, 77, True)


@pytest.mark.parametrize(
    ("reply", "error", "what"),
    [
        (replies.text("one two", finish="length"), ReplyLengthError, "length limit of 40 tokens"),
        (replies.text("one two", finish="content_filter"), ModelReplyError, "content filter"),
        (replies.text("I cannot.", finish="refusal"), ModelReplyError, "content filter"),
        (replies.text("one two", finish="stopped_somehow"), ModelReplyError, "broke its reply off"),
        (replies.text("one two", finish="failed"), ModelError, "refuses more requests"),
        (replies.text(""), ModelReplyError, "empty text"),
        (replies.broken("cut"), ModelReplyError, "broke its reply off"),
        (replies.broken("ended_early"), ModelReplyError, "cut off"),
        (replies.broken("broken_json"), ModelReplyError, "broke its reply off"),
        (replies.broken("error_event"), ModelError, "failed (HTTP 500)"),
        (replies.broken("hang_mid_stream"), ModelTimeoutError, "sent nothing for 0.5 seconds"),
        (replies.refusal(401), ModelError, "refused the key"),
        (replies.refusal(400), ModelError, "refused the request"),
    ],
)
async def test_each_way_of_failing_ends_as_with_chat_completions_and_leaves_nothing_behind(
    provider: Provider,
    open_catalog: Open,
    *,
    caplog: pytest.LogCaptureFixture,
    reply: Reply,
    error: type[ModelError],
    what: str,
) -> None:
    provider.queue(reply)
    catalog = open_catalog(bounds=Bounds(total_seconds=30, silence_seconds=0.5))
    with pytest.raises(error) as failed:
        await written(catalog, draft("one", max_tokens=40))
    assert what in str(failed.value)
    assert KEY not in str(failed.value) + caplog.text
    await catalog.responses.settled()
    assert not provider.responses.kept


async def test_a_cancelled_draft_ends_the_connection_and_is_deleted(provider: Provider, open_catalog: Open) -> None:
    gate, first, catalog = replies.Signal(), asyncio.Event(), open_catalog()
    provider.queue(replies.text("one two three", pieces=3, gate=gate))
    task = asyncio.create_task(catalog.get(MODEL).write(draft("one"), lambda _: first.set()))
    await asyncio.wait_for(first.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await provider.exchanges[0].left.wait()
    await catalog.responses.settled()
    assert provider.responses.deleted


async def test_the_total_bound_holds_over_both_attempts(provider: Provider, open_catalog: Open) -> None:
    catalog = open_catalog(bounds=Bounds(total_seconds=1, silence_seconds=30))
    first = await written(catalog, draft("one"))
    provider.responses.forget()
    provider.queue(replies.broken("hang_mid_stream"))
    began = asyncio.get_running_loop().time()
    with pytest.raises(ModelTimeoutError, match="had not finished"):
        await written(catalog, draft("two", [("one", first.text)], first.meta["native"]))
    assert asyncio.get_running_loop().time() - began < 15


async def test_what_the_client_asked_again_is_counted_over_all_attempts(provider: Provider, open_catalog: Open) -> None:
    catalog = open_catalog()
    first = await written(catalog, draft("one"))
    provider.responses.keeps = False
    provider.queue(replies.refusal(503), replies.text("Without the history."), replies.text("With it."))
    came = await written(catalog, draft("two", [("one", first.text)], first.meta["native"]))
    assert (came.text, came.meta["native"]["fell_back"], came.meta["retries"]) == ("With it.", "unsupported", 1)


async def test_a_draft_that_fails_in_the_end_counts_the_attempts_before_its_last(
    provider: Provider, open_catalog: Open
) -> None:
    catalog = open_catalog()
    first = await written(catalog, draft("one"))
    provider.responses.keeps = False
    provider.queue(
        replies.refusal(503), replies.text("Without the history."), replies.refusal(503), replies.refusal(400)
    )
    with pytest.raises(ModelError) as failed:
        await written(catalog, draft("two", [("one", first.text)], first.meta["native"]))
    assert failed.value.retries == 2
