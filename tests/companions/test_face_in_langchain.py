"""The companions as runnables: in chains and graphs, in event loops and threads."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompt_values import StringPromptValue
from langchain_core.prompts import ChatPromptTemplate
from langgraph.graph import END, START, MessagesState, StateGraph  # pyright: ignore[reportMissingTypeStubs] -- it has none

from companions import GenericCompanion
from companions.entries import Note
from companions.errors import InputError
from companions.langchain_messages import reply
from tests.companions.chats import ACCEPT, Open, saying
from tests.companions.driving import entry_of
from tests.provider import replies
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures", "tests.companions.chat_fixtures")

ODD = "Braces {x} {{}} %s"


def graph_of(companion: GenericCompanion) -> Any:
    """Give a graph whose only node is the companion."""
    graph: Any = StateGraph(MessagesState)
    graph.add_node("think", companion)
    graph.add_edge(START, "think")
    graph.add_edge("think", END)
    return graph.compile()


class Runs(BaseCallbackHandler):
    """Notes each run that begins, under the run that began it."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, UUID, UUID | None]] = []
        self.ended: list[UUID] = []

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: UUID, **more: Any) -> None:
        del serialized, inputs
        self.begun.append((more["name"], run_id, more["parent_run_id"]))

    def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], *, run_id: UUID, **more: Any
    ) -> None:
        del serialized, messages
        self.begun.append(("model", run_id, more["parent_run_id"]))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **more: Any) -> None:
        del outputs, more
        self.ended.append(run_id)


@pytest.mark.parametrize(
    ("given", "query"),
    [
        (ODD, ODD),
        (HumanMessage(ODD), ODD),
        ([HumanMessage(ODD)], ODD),
        ([("user", ODD)], ODD),
        (StringPromptValue(text=ODD), ODD),
        (ChatPromptTemplate([("human", "{it}")]).invoke({"it": ODD}), ODD),
        ([SystemMessage("Be brief."), HumanMessage(ODD)], f"System: Be brief.\nHuman: {ODD}"),
        ([HumanMessage([{"type": "text", "text": ODD}])], ODD),
    ],
    ids=["str", "message", "messages", "pair", "string prompt", "chat prompt", "several", "blocks"],
)
def test_a_question_may_come_as_text_prompt_or_messages(given: Any, query: str) -> None:
    companion = GenericCompanion(saying("Answer.", ACCEPT))
    assert companion.invoke(given) == "Answer."
    assert companion.run_log[0]["query"] == query


@pytest.mark.parametrize("messages", [ODD, HumanMessage(ODD), [HumanMessage(ODD)], [{"role": "user", "content": ODD}]])
def test_a_mapping_with_messages_is_answered_with_a_message(messages: Any) -> None:
    companion = GenericCompanion(saying("Answer.", ACCEPT))
    (answer,) = companion.invoke({"messages": messages})["messages"]
    assert isinstance(answer, AIMessage)
    assert answer.text == "Answer."
    assert companion.run_log[0]["query"] == ODD


@pytest.mark.parametrize(
    "given",
    [
        3,
        None,
        b"Why?",
        {"query": "Why?"},
        [3],
        {"messages": 3},
        [HumanMessage([{"type": "image_url", "image_url": "x"}])],
    ],
)
def test_anything_else_is_refused_with_what_is_taken(given: object) -> None:
    companion = GenericCompanion("offline")
    with pytest.raises(TypeError, match=r"takes? a question as a str, a prompt's value|reads text only"):
        companion.invoke(given)
    assert companion.run_log == []


def test_it_stands_behind_a_prompt_in_a_chain() -> None:
    chain = ChatPromptTemplate([("human", "Weigh {it}.")]) | GenericCompanion(saying("Answer.", ACCEPT))
    assert chain.invoke({"it": "{tea}"}) == "Answer."


def test_it_is_a_node_of_a_graph_as_it_stands() -> None:
    companion = GenericCompanion(saying("One.", ACCEPT, "Two.", ACCEPT))
    graph = graph_of(companion)
    state = graph.invoke({"messages": [HumanMessage("First?")]})
    state = graph.invoke({"messages": [*state["messages"], HumanMessage("Second?")]})
    assert [message.text for message in state["messages"]] == ["First?", "One.", "Second?", "Two."]
    assert [slot["query"] for slot in companion.run_log] == ["First?", "Second?"]
    assert [message.text for message in companion.history] == ["First?", "One.", "Second?", "Two."]


async def test_it_is_a_node_of_an_awaited_graph(open_chat: Open) -> None:
    companion = GenericCompanion(open_chat(), max_loops=1)
    state = await graph_of(companion).ainvoke({"messages": [HumanMessage("Why?")]})
    assert state["messages"][-1].text == companion.run_log[0]["revision"][0]
    assert state["messages"][-1].response_metadata["finish_reason"] == "stop"


def test_what_another_node_found_belongs_to_the_question() -> None:
    companion = GenericCompanion(saying("One.", ACCEPT, "Two.", ACCEPT))
    companion("First?")
    found = [HumanMessage("First?"), AIMessage("One."), HumanMessage("Second?"), AIMessage("A finding.")]
    companion.invoke({"messages": found})
    assert companion.run_log[1]["query"] == "Human: Second?\nAI: A finding."
    with pytest.raises(InputError, match="nothing after this companion's own last answer"):
        companion.invoke({"messages": [*found, AIMessage("Two.")]})


@pytest.mark.parametrize("awaited", [False, True])
async def test_a_run_shows_up_as_one_run_with_its_model_calls_beneath(awaited: bool) -> None:
    runs, companion = Runs(), GenericCompanion(saying("Draft.", "Say more.", "Draft, and more."), max_loops=1)
    config: Any = {"callbacks": [runs], "run_name": "thinking"}
    if awaited:
        await companion.ainvoke("Why?", config)
    else:
        await asyncio.to_thread(companion.invoke, "Why?", config)
    whole = runs.begun[0][1]
    assert [(name, parent) for name, _, parent in runs.begun] == [("thinking", None)] + [("model", whole)] * 3
    assert runs.ended == [whole]


def test_a_message_shares_nothing_with_the_entry_that_it_tells() -> None:
    meta = {"response_metadata": {"logprobs": {"it": 1}}}
    entry = entry_of(Note(companion_type="generic", kind="draft", slot=0, text="Text.", meta=meta), 1)
    reply(entry).response_metadata["logprobs"].clear()
    assert reply(entry).response_metadata == {"logprobs": {"it": 1}}


async def test_awaited_calls_run_one_after_another_in_their_order(open_chat: Open, provider: Provider) -> None:
    gate = replies.Signal()
    provider.queue(replies.text("One.", pieces=2, gate=gate), ACCEPT, "Two.", ACCEPT, "Three.", ACCEPT)
    companion = GenericCompanion(open_chat())
    calls = [asyncio.create_task(companion.ainvoke(query)) for query in ("First?", "Second?", "Third?")]
    await provider.asked(1)
    threaded = asyncio.create_task(asyncio.to_thread(companion, "Fourth?"))
    calls[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await calls[1]
    assert len(provider.bodies) == 1
    gate.set()
    assert [await calls[0], await calls[2]] == ["One.", "Two."]
    assert await threaded == "Three."
    assert [slot["query"] for slot in companion.run_log] == ["First?", "Third?", "Fourth?"]


def test_calls_from_several_threads_run_one_after_another(open_chat: Open) -> None:
    companion = GenericCompanion(open_chat(), max_loops=1)
    answers = companion.batch([f"Question {number}?" for number in range(6)])
    assert sorted(slot["revision"][0] for slot in companion.run_log) == sorted(answers)
    assert len(set(answers)) == 6


async def test_a_cancelled_call_keeps_its_steps_and_gives_its_turn_away(open_chat: Open, provider: Provider) -> None:
    provider.queue("One.", replies.Reply(fault="hang_before_headers"), ACCEPT)
    companion = GenericCompanion(open_chat())
    call = asyncio.create_task(companion.ainvoke("Why?"))
    await provider.asked(2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await companion.ainvoke("Why?") == "One."
    assert len(companion.run_log) == 1


async def test_a_synchronous_call_that_would_wait_for_its_own_loop_is_refused(
    open_chat: Open, provider: Provider
) -> None:
    provider.queue(replies.Reply(fault="hang_before_headers"))
    companion = GenericCompanion(open_chat())
    call = asyncio.create_task(companion.ainvoke("Why?"))
    await provider.asked(1)
    with pytest.raises(InputError, match="Await its ainvoke instead"):
        companion("How?")
    call.cancel()
    await asyncio.wait([call])
