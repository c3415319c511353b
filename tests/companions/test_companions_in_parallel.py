import asyncio
from operator import add
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs] -- it has none

from companions import BugTriageCompanion, GenericCompanion, MarketingCompanion
from tests.companions.chats import Open
from tests.provider import replies
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures", "tests.companions.chat_fixtures")


class Shared(TypedDict):
    """What all branches are asked, and what they find."""

    messages: list[tuple[str, str]]
    found: Annotated[list[str], add]


def _found(answer: dict[str, Any]) -> dict[str, list[str]]:
    return {"found": [message.text for message in answer["messages"]]}


def branching(*thinkers: Any) -> Any:
    """Give a graph that asks all companions in one step, each in a branch of its own."""
    graph: Any = StateGraph(Shared)
    for number, companion in enumerate(thinkers):
        graph.add_node(str(number), companion | _found)
        graph.add_edge(START, str(number))
        graph.add_edge(str(number), END)
    return graph.compile()


@pytest.mark.parametrize("awaited", [True, False])
async def test_companions_in_the_branches_of_a_graph_think_at_the_same_time(
    provider: Provider, open_chat: Open, awaited: bool
) -> None:
    kinds = (GenericCompanion, MarketingCompanion, BugTriageCompanion)
    thinkers = [kind(open_chat(), max_loops=1) for kind in kinds]
    gates = [replies.Signal() for _ in thinkers]
    provider.queue(*(replies.text("A first draft of it.", pieces=2, gate=gate) for gate in gates))
    graph, asked = branching(*thinkers), {"messages": [("user", "What now?")], "found": list[str]()}
    running = asyncio.create_task(graph.ainvoke(asked) if awaited else asyncio.to_thread(graph.invoke, asked))
    await provider.asked(3)  # all three are at their drafts, and none has an answer yet
    assert not any(exchange.answered.is_set for exchange in provider.exchanges)
    for gate in gates:
        gate.set()
    state = await running
    slots = [companion.run_log[0] for companion in thinkers]
    assert [slot["query"] for slot in slots] == ["What now?"] * 3
    assert [len(slot["critique"]) for slot in slots] == [1, 1, 1]
    assert sorted(state["found"]) == sorted(slot["revision"][-1] for slot in slots)
