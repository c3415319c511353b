"""Where a provider told no usage, that is said, and what the others told is not told as the whole."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from mcp_types import TextContent

from companions.prices import Prices
from sessions.answers import Answer
from sessions.paged_views import overview
from sessions.reading import Reading
from sessions.report import SlotTold, report_html
from sessions.stores.memory.store import MemoryStore
from sessions.usage import in_words, usage_of
from tests.sessions.building import note, placed
from tests.sessions.faults import OWNER, Process, ScriptedModel
from tests.sessions.spending import SERVER, Silent, spending, with_models
from tools.replies import reply


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = spending(MemoryStore())
    with_models(made, default=made.model, silent=Silent(ScriptedModel(name="local:b")))
    yield made
    await made.calls.close()


async def drafted(process: Process, *companions: str) -> list[Answer]:
    """Have drafts made of one session, the first by a model that tells nothing."""
    answers, silent = list[Answer](), replace(SERVER, model="silent")
    for name in companions:
        session_id = answers[0].session_id if answers else None
        answers.append(
            await process.step("draft", session_id, name, query="Q?", sampling=SERVER if answers else silent)
        )
    return answers


async def told_of(process: Process, session_id: str) -> dict[str, Any]:
    sessions = process.calls.desk.sessions
    session = await sessions.find(OWNER, session_id)
    return overview(session, await sessions.head(session), Prices())


def prose_of(answer: Answer) -> str:
    (content,) = reply(answer).content
    assert isinstance(content, TextContent)
    return content.text


async def test_a_step_says_in_both_channels_that_nothing_was_reported(process: Process) -> None:
    (answer,) = await drafted(process, "generic")
    assert (reply(answer).structured_content or {})["usage"] == {"calls_not_reported": 1}
    assert "\nUsage: not reported.\n" in prose_of(answer)
    assert (await told_of(process, answer.session_id))["usage"] == {"calls_not_reported": 1}


async def test_a_session_says_of_how_many_calls_its_sum_is_not(process: Process) -> None:
    _, answer = await drafted(process, "generic", "strategy")
    reported = (reply(answer).structured_content or {})["usage"]
    assert reported["input_tokens"] > 0
    assert "calls_not_reported" not in reported
    usage = (await told_of(process, answer.session_id))["usage"]
    assert usage == reported | {"calls_not_reported": 1}
    assert in_words(usage).endswith(", not reported by 1 call")


async def test_critics_of_which_one_tells_nothing_do_not_pass_for_all_of_them(process: Process) -> None:
    (answer,) = await drafted(process, "generic")
    told = {"asked_model": "m", "usage": {"input_tokens": 5, "output_tokens": 1_200}}
    silent: dict[str, Any] = {"asked_model": "n", "usage": {}}
    usage, critics = told["usage"], [told, silent, silent]
    entry = placed(note("critique", usage=usage, critics=critics, model="m, n"), 2)
    assert usage_of(entry) == {"input_tokens": 5, "output_tokens": 1_200, "calls_not_reported": 2}
    assert in_words(usage_of(entry)) == "input tokens 5, output tokens 1,200, not reported by 2 calls"
    reading = Reading(calls=process.calls)
    analysis = await reading.newest_convergence(OWNER, answer.session_id, "generic")
    slot = SlotTold(entries=[placed(note("draft", asked_model="n"), 1), entry], analysis=analysis)
    page = "".join(report_html(await told_of(process, answer.session_id), {"generic": [slot]}))
    assert "tokens not reported</span>" in page
    assert "1,200 tokens written, tokens of 2 calls not reported</span>" in page


def test_what_no_model_wrote_has_no_usage() -> None:
    assert usage_of(placed(note("draft", model="the caller"), 1)) == {}
    assert in_words({}) == ""
