"""The companions in Python: what a call does, what is kept, and what is shown of it."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

import companions
from companions import StrategyCompanion, ThinkingCompanion
from companions.errors import InputError, ModelError, UnknownNameError
from tests.companions.chats import ACCEPT, Open, saying
from tests.companions.driving import write_type
from tests.provider import replies
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures", "tests.companions.chat_fixtures")

ODD = "Braces {x} {{}} %s %(y)d, quotes \"'`, 日本語 עברית \x07 \U0001f600 end\n\n  "
TEXT = "The store keeps every step of the session, in order, and gives it back when it is asked for. " * 3


def prompts(provider: Provider) -> list[list[str]]:
    return [[message["content"] for message in body["messages"]] for body in provider.bodies]


def test_offline_it_improves_the_text_it_is_given_until_nothing_changes() -> None:
    companion = StrategyCompanion("offline")
    assert companion("Each and every step is kept.") == "Every step is kept."
    assert companion.last is not None
    assert companion.last.stop_reason in {"converged", "critic_satisfied"}
    assert companion.run_log[0]["variant"].startswith("offline editor")


def test_a_question_is_thought_through_with_a_chat_model_until_it_converges(
    open_chat: Open, provider: Provider
) -> None:
    companion = StrategyCompanion(open_chat(), max_loops=8)
    answer = companion("What is it like?")
    (slot,) = companion.run_log
    assert answer == slot["revision"][-1] == slot["revision"][-2]
    assert (len(slot["critique"]), len(slot["revision"])) == (4, 4)
    assert len(provider.bodies) == 9
    assert companion.last is not None
    assert (companion.last.answer, companion.last.stop_reason) == (answer, "converged")
    assert companion.last.similarities[-1] == 1.0
    assert "version 4 has the same words as version 3" in companion.last.why.lower()


async def test_an_awaited_call_does_the_same(open_chat: Open) -> None:
    companion = StrategyCompanion(open_chat())
    answer = await companion.ainvoke("What is it like?")
    assert answer == companion.run_log[0]["revision"][-1]
    assert companion.last is not None
    assert companion.last.stop_reason == "max_iterations"


def test_synchronous_and_awaited_calls_share_a_chat_model_whatever_loops_they_run_in(open_chat: Open) -> None:
    chat = open_chat()
    companion = StrategyCompanion(chat, max_loops=1)

    async def ask() -> None:
        await companion.ainvoke("Another?")
        await chat.root_async_client.close()

    for number in range(4):
        companion(f"Question {number}?")
    asyncio.run(ask())
    companion("And another?")
    assert [slot["stop_reason"] for slot in companion.run_log] == ["max_iterations"] * 6


def test_texts_survive_byte_for_byte(open_chat: Open, provider: Provider) -> None:
    provider.queue(ODD, f"Say more. {ODD}", ODD * 2)
    companion = StrategyCompanion(open_chat(), max_loops=1)
    assert companion(ODD) == ODD * 2
    assert [provider.bodies[0]["messages"][-1]["content"], companion.run_log[0]["query"]] == [ODD, ODD]
    assert [message.text for message in companion.history] == [ODD, ODD * 2]


def test_an_error_in_the_fifth_step_loses_none_of_the_four_before(open_chat: Open, provider: Provider) -> None:
    steps = (TEXT, "Say when.", TEXT + "At noon.", "Say where.")
    provider.queue(*steps, replies.refusal(401))
    companion = StrategyCompanion(open_chat())
    with pytest.raises(ModelError):
        companion("Why?")
    (slot,) = companion.run_log
    assert [slot["draft"], slot["critique"][0], slot["revision"][0], slot["critique"][1]] == list(steps)
    assert companion.last is not None
    assert (companion.last.stop_reason, companion.last.answer) == (None, TEXT + "At noon.")
    provider.queue(TEXT + "At noon, here.", ACCEPT)
    assert companion("Why?") == TEXT + "At noon, here."
    assert len(provider.bodies) == 7
    assert len(companion.run_log) == 1


def test_a_question_whose_draft_failed_waits_and_is_answered_when_it_is_asked_again(
    open_chat: Open, provider: Provider
) -> None:
    companion = StrategyCompanion(open_chat())
    provider.queue(replies.refusal(401))
    with pytest.raises(ModelError):
        companion("Why?")
    assert [message.text for message in companion.history] == ["Why?"]
    provider.queue("Because.", ACCEPT)
    assert companion("Why?") == "Because."
    assert [(slot["query"], slot["draft"]) for slot in companion.run_log] == [("Why?", "Because.")]


def test_another_question_leaves_an_unfinished_one_behind(open_chat: Open, provider: Provider) -> None:
    companion = StrategyCompanion(open_chat())
    provider.queue("One.", replies.refusal(401), "Two.", ACCEPT)
    with pytest.raises(ModelError):
        companion("Why?")
    assert companion("How?") == "Two."
    assert [slot["query"] for slot in companion.run_log] == ["Why?", "How?"]


def test_a_question_that_was_answered_is_thought_through_again() -> None:
    companion = StrategyCompanion(saying("One.", ACCEPT, "Two.", ACCEPT))
    assert [companion("Why?"), companion("Why?")] == ["One.", "Two."]
    assert [slot["stop_reason"] for slot in companion.run_log] == ["critic_satisfied"] * 2


def test_it_remembers_earlier_questions_unless_told_to_forget(open_chat: Open, provider: Provider) -> None:
    companion = StrategyCompanion(open_chat())
    provider.queue(*["One.", ACCEPT, "Two.", ACCEPT, "Three.", ACCEPT])
    companion("First?")
    companion("Second?")
    companion.clear_history = True
    companion("Third?")
    assert [prompt[1:] for prompt in prompts(provider)[::2]] == [["First?"], ["First?", "One.", "Second?"], ["Third?"]]


def test_what_it_shows_is_the_callers_own(open_chat: Open) -> None:
    companion = StrategyCompanion(open_chat(), max_loops=1)
    companion("Why?")
    held, log = companion.history, companion.run_log
    before = (companion.history, json.dumps(companion.run_log), companion.last)
    held[1].response_metadata.clear()
    held.clear()
    log[0]["revision"].clear()
    log[0]["sampling"]["temperature"] = 2
    log.clear()
    assert (companion.history, json.dumps(companion.run_log), companion.last) == before
    kept = companion.history
    companion("How?")
    assert len(kept) == 2


def test_history_keeps_what_the_model_said_of_its_text(open_chat: Open) -> None:
    companion = StrategyCompanion(open_chat(), max_loops=1)
    companion("Why?")
    asked, answered = companion.history
    assert isinstance(asked, HumanMessage)
    assert isinstance(answered, AIMessage)
    assert answered.response_metadata["finish_reason"] == "stop"
    assert answered.usage_metadata is not None
    assert answered.usage_metadata["output_tokens"] > 0


def test_a_changed_attribute_applies_from_the_next_slot(open_chat: Open, provider: Provider) -> None:
    companion = StrategyCompanion(open_chat(), max_loops=1)
    provider.queue(TEXT, "Say more.", replies.refusal(401))
    with pytest.raises(ModelError):
        companion("First?")
    companion.max_loops = 2
    companion("First?")
    companion("Second?")
    assert [len(slot["revision"]) for slot in companion.run_log] == [1, 2]
    companion.similarity_threshold = 0.2
    companion("Third?")
    assert companion.last is not None
    assert (companion.last.stop_reason, len(companion.last.similarities)) == ("converged", 1)
    entries = companion._memory.entries  # pyright: ignore[reportPrivateUsage] -- no run_log tells a configure
    configured = [entry.meta for entry in entries if entry.kind == "configure"]
    values = [(meta["max_iterations"], meta["threshold"], meta["threshold_source"]) for meta in configured]
    assert values == [(1, 1.0, "default"), (2, 1.0, "default"), (2, 0.2, "setting")]


def test_attributes_tell_what_holds_and_none_gives_the_files_value_back() -> None:
    companion = StrategyCompanion("offline", similarity_threshold=0.9, max_loops=7, clear_history=True)
    assert (companion.llm, companion.companion_type) == ("offline", "strategy")
    assert (companion.similarity_threshold, companion.max_loops, companion.clear_history) == (0.9, 7, True)
    companion.similarity_threshold = companion.max_loops = companion.clear_history = None
    assert (companion.similarity_threshold, companion.max_loops, companion.clear_history) == (1.0, 3, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("similarity_threshold", 1.5), ("similarity_threshold", "0.9"), ("max_loops", 0), ("clear_history", "no")],
)
def test_a_value_out_of_range_is_refused_by_its_name(name: str, value: object) -> None:
    companion = StrategyCompanion("offline")
    with pytest.raises(ValueError, match=f"{name} must be .*, not {value!r}"):
        setattr(companion, name, value)
    with pytest.raises(ValueError, match=f"{name} must be"):
        StrategyCompanion("offline", **{name: value})  # pyright: ignore[reportArgumentType] -- wrong on purpose


@pytest.mark.parametrize("llm", ["gpt-5-mini", "sk-secret", None, object()])
def test_an_llm_that_cannot_write_is_refused_with_one_that_can(llm: Any) -> None:
    with pytest.raises(TypeError, match=r"Pass for example ChatOpenAI\(model=...\)") as refused:
        StrategyCompanion(llm)
    assert "secret" not in str(refused.value)


def test_an_empty_question_is_refused_and_changes_nothing() -> None:
    companion = StrategyCompanion("offline")
    with pytest.raises(InputError, match="query is empty"):
        companion("  ")
    assert (companion.run_log, companion.history, companion.last) == ([], [], None)


def test_ones_own_type_comes_from_a_file_and_its_edits_from_the_next_slot(
    open_chat: Open, provider: Provider, tmp_path: Path
) -> None:
    class Own(ThinkingCompanion):
        companion_type = "own"

    write_type(tmp_path, critique="Be kind.")
    companion = Own(open_chat(), library=tmp_path)
    provider.queue("One.", ACCEPT, "Two.", ACCEPT)
    companion("First?")
    write_type(tmp_path, critique="Be strict.")
    companion("Second?")
    assert [prompt[0] for prompt in prompts(provider)[1::2]] == ["Be kind.", "Be strict."]
    with pytest.raises(UnknownNameError, match="no companion type 'nobody'"):
        ThinkingCompanion("offline", companion_type="nobody")


@pytest.mark.parametrize("name", ["GenericCompanion", "MarketingCompanion", "BugTriageCompanion", "StrategyCompanion"])
def test_each_companion_asks_with_the_instructions_of_its_type(open_chat: Open, provider: Provider, name: str) -> None:
    companion = getattr(companions, name)(open_chat(), max_loops=1)
    companion("Why?")
    instructions = [prompt[0] for prompt in prompts(provider)]
    assert all(before != after for before, after in pairwise(instructions))
    kind = companion._library.get(companion.companion_type)
    assert [instructions[0].startswith(kind.draft), instructions[1], instructions[2]] == [
        True,
        kind.critique,
        kind.revision,
    ]
