"""``share_session`` as its callers see it: both channels whole, and errors that say what to do."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError

import server
from tests.wire.processes import ERAS, Connection, Era, serving_http

TOKENS = json.dumps({name: {"client_id": "test", "sub": name, "scopes": ["write"]} for name in ("ann", "bob", "carl")})

As = Callable[[str], Connection]
"""Gives the client of somebody."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_http(tmp_path_factory.mktemp("shared"), {"COMPANIONS_AUTH_TOKENS": TOKENS}) as served:
        yield served.url


@pytest.fixture(params=ERAS)
def person(url: str, request: pytest.FixtureRequest) -> As:
    era: Era = request.param
    return lambda name: Client(url, auth=name, mode=era, verify=False)


async def asked(client: Connection, tool: str = "share_session", **given: Any) -> tuple[dict[str, Any], str]:
    answer: Any = await client.call_tool(tool, given)
    return answer.structured_content, answer.content[0].text


async def test_a_session_is_shared_read_and_taken_back(person: As) -> None:
    async with person("ann") as ann, person("bob") as bob:
        opened, _ = await asked(ann, "draft", query="Why?", text="So.")
        session_id = opened["session_id"]
        body, said = await asked(ann, session_id=session_id, role="author", person="bob", hours=5)
        code = body["invitation"]
        assert {"session_id", "name", "role", "person", "expires_at", "tell", "next"} < body.keys()
        assert all(word in said for word in (code, body["name"], "author", "bob", body["expires_at"], session_id))
        body, said = await asked(ann, session_id=session_id)
        assert [(each["role"], each["person"]) for each in body["invitations"]] == [("author", "bob")]
        assert code not in json.dumps(body) + said
        body, said = await asked(bob, invitation=code)
        assert (body["session_id"], body["role"], body["title"], body["owner"]) == (session_id, "author", "Why?", "ann")
        assert body["next"]["tool"] == "show_thinking"
        assert all(word in said for word in (session_id, "author", "Why?", "ann", "show_thinking"))
        listed = (await asked(bob, "list_sessions"))[0]["sessions"]
        assert [(each["session_id"], each["role"], each["owner"]) for each in listed] == [(session_id, "author", "ann")]
        assert (await asked(bob, invitation=code))[0]["already_done"]
        body, said = await asked(bob, session_id=session_id)
        assert [(each["name"], each["role"]) for each in body["participants"]] == [("bob", "author")]
        assert "bob: author since" in said
        body, said = await asked(ann, session_id=session_id, remove="bob")
        assert body["removed"] == {"what": "participant", "name": "bob"}
        assert "bob takes part" in said
        with pytest.raises(ToolError, match="There is no session"):
            await bob.call_tool("show_thinking", {"session_id": session_id})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, r"^The session_id is missing\. You have no sessions yet"),
        ({"session_id": "s", "role": "reader", "remove": "bob"}, r"are three things to do\. Give one"),
        ({"session_id": "s", "person": "bob"}, r"to be invited\. Give role too"),
        ({"session_id": "s", "role": "owner"}, "must be one of"),
        ({"session_id": "s", "role": "reader", "hours": 0}, "hours must be at least 1"),
        ({"session_id": "s"}, "There is no session 's'"),
        ({"invitation": "s"}, r"^There is no such invitation, or no more\. Ask for a new one\.$"),
    ],
)
async def test_what_cannot_be_done_is_told_with_what_to_do(url: str, given: dict[str, Any], said: str) -> None:
    async with Client(url, auth="carl", verify=False) as client:
        with pytest.raises(ToolError, match=said):
            await client.call_tool("share_session", given)


@pytest.fixture(params=[None, TOKENS], ids=["for one person", "for many"])
def served(request: pytest.FixtureRequest) -> FastMCP:
    return server.Wired.of(server.Settings(store="memory://", auth_tokens=request.param)).server()


async def test_it_is_there_only_where_callers_are_told_apart_and_is_few_words(served: FastMCP) -> None:
    async with Client(served) as client:
        tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in await client.list_tools()]
    assert ("share_session" in {tool["name"] for tool in tools}) == (served.auth is not None)
    assert len(json.dumps(tools, ensure_ascii=False, separators=(",", ":"))) < 12_000
