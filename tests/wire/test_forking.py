"""Forks and forgetting as a model meets them: what the replies say, and that following them works."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from tests.wire.processes import ERAS, Connection


@pytest.fixture
def mcp() -> FastMCP:
    return server.Wired.of(server.Settings(store="memory://", model="host")).server()


@pytest.fixture(params=ERAS)
async def client(
    request: pytest.FixtureRequest, mcp: FastMCP, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Connection]:
    caplog.set_level(logging.CRITICAL, logger="fastmcp")  # as the program does
    async with Client(mcp, mode=request.param) as made:
        yield made


async def _call(client: Connection, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content


async def _loop(client: Connection) -> str:
    session_id = (await _call(client, "draft", query="Where?", text="Here."))["session_id"]
    await _call(client, "critique", session_id=session_id, text="Why?")
    await _call(client, "revise", session_id=session_id, text="Here, since it is warm.")
    return session_id


async def test_a_model_goes_back_to_a_critique_and_revises_it_in_another_way(client: Connection) -> None:
    session_id = await _loop(client)
    timeline = (await _call(client, "show_thinking", session_id=session_id))["timeline"]
    [critique] = [line for line in timeline if line["kind"] == "critique"]
    made = await _call(client, "fork_session", session_id=session_id, at=critique["seq"])
    assert made["parent"] == {"session_id": session_id, "at": critique["seq"]}
    assert (made["title"], made["phase"]) == ("Where?", "revise")
    assert made["next"]["tool"] == "revise"
    assert made["next"]["arguments"]["session_id"] == made["session_id"] != session_id
    revised = await _call(client, "revise", **made["next"]["arguments"], text="There.")
    assert revised["iteration"] == 1
    answers = [
        (await _call(client, "show_thinking", session_id=of, part="answer"))["text"]
        for of in (made["session_id"], session_id)
    ]
    assert answers == ["There.", "Here, since it is warm."]


async def test_prose_alone_says_what_to_do_with_a_fork(client: Connection) -> None:
    result = await client.call_tool("fork_session", {"session_id": await _loop(client)})
    said = result.content[0].text
    assert result.structured_content["session_id"] in said
    assert "Next: call critique" in said


async def test_a_forgotten_session_is_unknown_and_its_fork_is_whole(client: Connection) -> None:
    session_id = await _loop(client)
    made = await _call(client, "fork_session", session_id=session_id)
    erased = await client.call_tool("forget_session", {"session_id": session_id})
    assert (erased.structured_content["session_id"], erased.structured_content["forgotten"]) == (session_id, True)
    shared = made["parent"]["at"]
    assert erased.structured_content["kept"] == {"session_id": made["session_id"], "entries": shared}
    for told in (erased.content[0].text, erased.structured_content["advice"]):
        assert f"Fork {made['session_id']} keeps its first {shared} entries." in told
    last = await _call(client, "forget_session", session_id=await _loop(client))
    assert last.keys() == {"session_id", "forgotten"}
    for tool in ("show_thinking", "fork_session", "forget_session"):
        refused = await client.call_tool(tool, {"session_id": session_id}, raise_on_error=False)
        assert refused.is_error
        assert "There is no session" in refused.content[0].text
    read = await _call(client, "show_thinking", session_id=made["session_id"], part="transcript")
    assert "Here, since it is warm." in read["text"]


async def test_a_fork_of_a_consultation_that_waits_leads_back_to_it(client: Connection) -> None:
    asked = await _call(client, "consult", query="Where?", companion_types=["generic"], synthesizer="guide")
    given = {"session_id": asked["session_id"], "synthesizer": "guide"}
    assert (await _call(client, "consult", **given, text="Here."))["companion_type"] == "guide"
    timeline = (await _call(client, "show_thinking", session_id=asked["session_id"], companion_type="guide"))[
        "timeline"
    ]
    made = await _call(client, "fork_session", session_id=asked["session_id"], at=timeline[-1]["seq"])
    assert (made["companion_type"], made["phase"]) == ("guide", "draft")
    coming = made["next"]
    assert (coming["tool"], coming["arguments"]) == ("consult", given | {"session_id": made["session_id"]})
    following = await _call(client, "consult", **coming["arguments"])
    assert (following["status"], following["session_id"]) == ("write", made["session_id"])


async def test_a_fork_from_before_the_first_query_asks_for_one(client: Connection) -> None:
    made = await _call(client, "fork_session", session_id=await _loop(client), at=1)
    assert made["next"]["tool"] == "draft"
    assert "query" in made["next"]["why"]
    drafted = await _call(client, "draft", **made["next"]["arguments"], query="When?", text="Now.")
    assert drafted["session_id"] == made["session_id"]
