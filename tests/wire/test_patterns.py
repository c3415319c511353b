"""What was learned, through a client: the resource and the tool's part say the same, from few loops to many."""

from dataclasses import dataclass
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from mcp_types import ResourceTemplateReference

import server
from sessions.learning import Learner
from tests.sessions.looping import loop_of, version
from tests.wire.reading import resource, show

URI = "resource://patterns/{companion_type}"
CONTENT: dict[str, Any] = {"satisfied": True}


@dataclass(frozen=True, slots=True)
class Made:
    """A server, and its own learner."""

    mcp: FastMCP
    learner: Learner


@pytest.fixture
def made() -> Made:
    wired = server.Wired.of(server.Settings(store="memory://", model="host"))
    return Made(wired.server(), wired.calls.desk.sessions.learner)


async def thought(client: Client[Any], *versions: str) -> str:
    """Write a loop whose critic is content with its last version; gives its session."""
    texts = [str(text) for text in loop_of(*versions)]
    drafted = await client.call_tool("draft", {"query": "Q?", "text": texts[0]})
    session = {"session_id": (drafted.structured_content or {})["session_id"]}
    for number, text in enumerate(texts[1:]):
        await client.call_tool(("critique", "revise")[number % 2], session | {"text": text})
    await client.call_tool("critique", session | CONTENT)
    return session["session_id"]


async def test_the_resource_and_the_part_go_from_too_few_sessions_to_the_same_numbers(made: Made) -> None:
    body: dict[str, Any] = {}
    async with Client(made.mcp) as client:
        for count, revisions in enumerate((0, 1, 1, 2, 1, 2), start=1):
            session_id = await thought(client, *(version(8 * number) for number in range(revisions + 1)))
            await made.learner.settle()
            body = await resource(client, "resource://patterns/generic")
            part = await show(client, session_id, "patterns")
            assert (part.pop("session_id"), part.pop("part")) == (session_id, "patterns")
            assert part == body
            assert body["samples"] == count
            assert (body["summary"] == f"Too few loops yet ({count}).") == (count < 5)
        assert [(each["reached"], each["ended"]) for each in body["in_all"]["endings"]] == [(6, 1), (5, 3)]
        assert body["in_all"]["typical_iterations"]["iterations"] == 1


async def test_its_companion_type_completes(made: Made) -> None:
    async with Client(made.mcp) as client:
        (template,) = [each for each in await client.list_resource_templates() if each.uri_template == URI]
        completed = await client.complete(ResourceTemplateReference(uri=URI), {"name": "companion_type", "value": "s"})
    assert template.mime_type == "application/json"
    assert completed.values == ["strategy"]
