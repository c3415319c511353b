"""What a caller is handed out to write says to which question it belongs, whatever others ask of it meanwhile."""

from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from tests.wire.scripted_caller import assert_sized, prose_of

LONG = "Why, in many words? " * 30


@pytest.fixture
def mcp() -> FastMCP:
    return server.Wired.of(server.Settings(store="memory://", model="host")).server()


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    told = await client.call_tool(tool, arguments)
    assert_sized(told)
    body: dict[str, Any] = told.structured_content or {}
    assert body["next"]["why"] in prose_of(told)
    return body


async def drafts(client: Client[Any], session_id: str) -> list[tuple[str, str]]:
    body = await client.call_tool("show_thinking", {"session_id": session_id, "part": "run_log"})
    return [(slot["query"], slot["draft"]) for slot in (body.structured_content or {})["run_log"]]


async def test_an_answer_never_lands_under_a_question_that_another_one_put_meanwhile(mcp: FastMCP) -> None:
    async with Client(mcp) as one, Client(mcp) as other:
        mine = await call(one, "draft", query="Question A?")
        theirs = await call(other, "draft", session_id=mine["session_id"], query="Question B?")
        await call(one, "draft", text="The answer to A.", **mine["next"]["arguments"])
        await call(other, "draft", text="The answer to B.", **theirs["next"]["arguments"])
        repeated = await call(other, "draft", text="The answer to B.", **theirs["next"]["arguments"])
        assert repeated["already_done"]
        assert await drafts(one, mine["session_id"]) == [
            ("Question A?", "The answer to A."),
            ("Question B?", "The answer to B."),
        ]


async def test_a_draft_that_is_written_again_is_for_its_own_question_too(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        session_id = (await call(client, "draft", query="A?", text="First."))["session_id"]
        handed = await call(client, "draft", session_id=session_id, redo=True)
        assert (handed["next"]["arguments"]["query"], handed["next"]["arguments"]["redo"]) == ("A?", True)
        await call(client, "draft", text="Second.", **handed["next"]["arguments"])
        assert await drafts(client, session_id) == [("A?", "Second.")]


async def test_a_long_question_is_asked_for_again_and_its_prompt_can_be_read_on(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        handed = await call(client, "draft", query=LONG)
        assert "query" not in handed["next"]["arguments"]
        assert handed["next"]["why"].endswith("Give the same query again.")
        long = await client.call_tool("draft", {"query": LONG * 200})
        more = (long.structured_content or {})["more"]
        assert more["part"] == "instructions"
