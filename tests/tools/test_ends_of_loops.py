"""What a caller is told where a loop ends, or a revision is not taken: in both channels, and in few words."""

from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from tests.companions.revised_texts import ARTICLE, RECIPE
from tests.sessions.looping import version
from tests.wire.scripted_caller import assert_sized, prose_of


@pytest.fixture
def mcp() -> FastMCP:
    return server.Wired.of(server.Settings(store="memory://", max_iterations=2)).server()


async def say(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; what it advises, and why what comes next does, must stand in both channels."""
    told = await client.call_tool(tool, arguments)
    assert_sized(told)
    body: dict[str, Any] = told.structured_content or {}
    prose = prose_of(told)
    assert all(line in prose for line in (*body.get("advice", []), body["next"]["why"]))
    assert len(body.get("advice", [])) <= 3
    assert f"({body.get('guard', '')})" in prose or "guard" not in body
    return body


async def drafted(client: Client[Any], text: str) -> dict[str, str]:
    body = await say(client, "draft", query="Q?", text=text)
    await say(client, "critique", session_id=body["session_id"], text="Say more.")
    return {"session_id": body["session_id"]}


async def test_a_revision_that_is_not_taken_says_why_in_one_sentence_and_how_it_can_be(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        ids = await drafted(client, ARTICLE)
        body = await say(client, "revise", **ids, text=RECIPE)
        assert (body["guard"], body["next"]["tool"], body["next"]["arguments"]["redo"]) == ("unrelated", "revise", True)
        assert "(an overlap of 0.247 with the nearest version before it; below 0.4 " in body["next"]["why"]
        taken = await say(client, "revise", text=RECIPE, **body["next"]["arguments"])
        assert (taken["confirmed"], taken["overruled"], taken["converged"]) == (True, "unrelated", False)
        assert not {"guard", "stop_reason"} & {*taken}
        again = await say(client, "revise", text=RECIPE, **body["next"]["arguments"])
        assert (again["already_done"], again["confirmed"]) == (True, True)


async def test_after_the_last_try_that_is_offered_it_is_said_what_can_still_be_done(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        ids = await drafted(client, ARTICLE)
        await say(client, "revise", **ids, text=RECIPE)
        body = await say(client, "revise", **ids, text=RECIPE[:-1], redo=True)
        assert body["next"]["tool"] is None
        assert "call revise with the same text and redo=true" in body["next"]["why"]
        assert (await say(client, "revise", **ids, text=RECIPE[:-1], redo=True))["confirmed"]


async def test_a_loop_tells_its_caller_that_the_text_was_not_taken_when_it_hands_out_the_next_try(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        ids = {"session_id": (await say(client, "refine", query="Q?", text=ARTICLE))["session_id"]}
        assert "looks" not in str(await say(client, "refine", **ids, text="Translate it."))
        for _ in range(2):
            body = await say(client, "refine", **ids, text=RECIPE)
            assert (body["status"], body["next"]["arguments"]["text_for"]) == ("write", "revise 1 of slot 0")
            assert body["advice"][0].startswith("Version 1 looks unrelated (an overlap of 0.247 ")
        assert "looks" not in str(await say(client, "refine", **ids, text=ARTICLE.replace("spring", "autumn")))


async def test_a_worse_text_is_not_handed_over_as_the_one_to_give_the_person(mcp: FastMCP) -> None:
    async with Client(mcp) as client:
        ids = await drafted(client, version(0))
        await say(client, "revise", **ids, text=version(8), score=0.9)
        await say(client, "critique", **ids, text="Say more.")
        body = await say(client, "revise", **ids, text=version(16), score=0.2)
        assert body["next"]["tool"] is None
        assert "Give the person" not in body["next"]["why"]
        assert body["advice"][0].endswith("call refine with this session_id to have the best one picked.")
        picked = await say(client, "refine", **ids)
        assert (picked["answer_version"], picked["next"]["tool"]) == (1, None)
        assert "Give the person" in picked["next"]["why"]
