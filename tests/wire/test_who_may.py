"""Who may do what, over the wire: all that can be asked, with every kind of token, in both eras.

The table in docs/team.md is what these tests have seen.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from tests.wire.asking_everything import ATTACHED, UNKNOWN, Names, ask_everything
from tests.wire.processes import ERAS, ROOT, Connection, Era, Served, serving_http
from tests.wire.striking import meta
from tests.wire.tokens import Issuer

pytestmark = pytest.mark.filterwarnings("ignore:resources/subscribe is removed")

TEAM = ROOT / "docs" / "team.md"
MARKED = re.compile(r"(?s)<!-- who may what: begin -->\n(.*?)\n<!-- who may what: end -->")
SHOWN = {"yes": "yes", "unknown": "unknown", "scope": "no", "role": "no"}
ROLES = {"reader": "reader", "co-author": "author"}
HERS = "Ann and the others meet."
HERS_ALL = (HERS, ATTACHED, b64encode(ATTACHED.encode()).decode())
HER_TOKENS = {"owner", "owner, reading", *ROLES}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw-host", "version": "1"}}
MODERN_HEADERS = {"MCP_Protocol_Version": "2026-07-28", "MCP_Method": "tools/list"}
METHODS = ("initialize", "server/discover", "ping", "tools/list", "tools/call", "resources/read", "prompts/get")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that asks for tokens, and who makes them."""

    served: Served
    issuer: Issuer

    def client(self, token: str, era: Era) -> Connection:
        return Client(self.served.url, auth=token, mode=era, verify=False)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    issuer = Issuer()
    with serving_http(tmp_path_factory.mktemp("guarded"), issuer.settings | {"COMPANIONS_MODEL": "host"}) as served:
        yield Guarded(served, issuer)


def _post(served: Served, verb: str, body: object, token: str | None, **more: str) -> tuple[int, str | None, bytes]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=20)
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        connection.request(
            verb,
            "/mcp",
            json.dumps(body),
            headers | authorization | {name.replace("_", "-"): value for name, value in more.items()},
        )
        answer = connection.getresponse()
        return answer.status, answer.getheader("WWW-Authenticate"), answer.read()
    finally:
        connection.close()


def test_without_a_valid_token_nothing_is_answered(guarded: Guarded) -> None:
    for wrong, token in guarded.issuer.refused().items():
        for method in METHODS:
            status, challenge, said = _post(
                guarded.served, "POST", {"jsonrpc": "2.0", "id": 1, "method": method}, token
            )
            assert (status, wrong, method) == (401, wrong, method)
            assert challenge is not None
            assert challenge.startswith("Bearer")
            assert b"ann" not in said
        assert [_post(guarded.served, verb, None, token)[0] for verb in ("GET", "DELETE")] == [401, 401]


async def test_the_table_in_the_documents_is_what_each_caller_gets_in_both_eras(guarded: Guarded) -> None:
    outcomes: dict[str, dict[str, str]] = {}
    for era in ERAS:
        for who, token in guarded.issuer.taken().items():
            names, session_id = await _session_of_ann(guarded, era)
            code = await _invitation(guarded, era, session_id, ROLES[who]) if who in ROLES else None
            async with guarded.client(token, era) as client:
                if code is not None:
                    await client.call_tool("share_session", {"invitation": code})
                async for asked in ask_everything(client, session_id, names):
                    seen = outcomes.setdefault(asked.what, {})
                    assert seen.setdefault(who, SHOWN[asked.outcome]) == SHOWN[asked.outcome], (era, who, asked)
                    assert who in HER_TOKENS or not any(her in asked.text for her in HERS_ALL), (era, who, asked)
    assert _table(outcomes) == _documented()


async def _session_of_ann(guarded: Guarded, era: Era) -> tuple[Names, str]:
    async with guarded.client(guarded.issuer.token("carl", "write"), era) as client:
        names = await Names.of(client)
    async with guarded.client(guarded.issuer.token("ann", "write"), era) as client:
        files = [{"name": "before.txt", "text": ATTACHED}]
        opened = await client.call_tool("draft", {"query": "When?", "text": HERS, "attachments": files})
        session_id = opened.structured_content["session_id"]
        for tool, text in (("critique", "No day."), ("revise", f"{HERS} On Friday."), ("critique", "No hour.")):
            await client.call_tool(tool, {"session_id": session_id, "text": text})
        await client.call_tool("revise", {"session_id": session_id, "text": f"{HERS} On Friday at nine."})
        await client.call_tool("critique", {"session_id": session_id, "text": "No place."})
    return names, session_id


async def _invitation(guarded: Guarded, era: Era, session_id: str, role: str) -> str:
    async with guarded.client(guarded.issuer.token("ann", "write"), era) as client:
        invited = await client.call_tool("share_session", {"session_id": session_id, "role": role})
    return invited.structured_content["invitation"]


def _table(outcomes: dict[str, dict[str, str]]) -> str:
    callers = list(Issuer().taken())
    lines = [f"| | {' | '.join(callers)} |", "|---|" + "---|" * len(callers)]
    lines += [f"| {what} | {' | '.join(seen[who] for who in callers)} |" for what, seen in outcomes.items()]
    return "\n".join(lines)


def _documented() -> str:
    found = MARKED.search(TEAM.read_text())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("era", ERAS)
async def test_a_foreign_session_is_told_exactly_like_an_unknown_one(guarded: Guarded, era: Era) -> None:
    names, foreign = await _session_of_ann(guarded, era)
    unknown = foreign[::-1]
    async with guarded.client(guarded.issuer.token("bob", "write"), era) as client:
        await client.call_tool("draft", {"query": "Mine?", "text": "Yes."})
        told = [
            [
                asked.text.replace(session_id, "ID")
                async for asked in ask_everything(client, session_id, names)
                if asked.outcome == "unknown"
            ]
            for session_id in (foreign, unknown)
        ]
    assert told[0] == told[1]
    assert len(told[0]) > len(names.tools)
    assert all(UNKNOWN in text for text in told[0])


async def test_one_person_s_programs_share_sessions_and_another_issuer_s_namesake_does_not_exist(
    guarded: Guarded,
) -> None:
    first = guarded.client(guarded.issuer.token("dora", "write", client_id="desktop"), "auto")
    second = guarded.client(guarded.issuer.token("dora", "read", client_id="editor"), "legacy")
    async with first as client:
        opened = await client.call_tool("draft", {"query": "Mine?", "text": "Yes."})
    async with second as client:
        listed = await client.call_tool("list_sessions", {})
        tools = {tool.name for tool in await client.list_tools()}
    session_ids = [known["session_id"] for known in listed.structured_content["sessions"]]
    assert session_ids == [opened.structured_content["session_id"]]
    assert tools == {"show_thinking", "list_sessions", "share_session"}


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_for_reading_accepts_an_invitation_looks_and_leaves_and_changes_nothing_else(
    guarded: Guarded, era: Era
) -> None:
    _, session_id = await _session_of_ann(guarded, era)
    code = await _invitation(guarded, era, session_id, "reader")
    shared: dict[str, Any] = {"session_id": session_id}
    async with guarded.client(guarded.issuer.token("rolf", "read"), era) as client:
        accepted = await client.call_tool("share_session", {"invitation": code})
        assert accepted.structured_content["role"] == "reader"
        seen = await client.call_tool("share_session", shared)
        assert [part["name"] for part in seen.structured_content["participants"]] == ["rolf"]
        for more in ({"role": "reader"}, {"role": ""}, {"remove": "somebody"}):
            with pytest.raises(ToolError, match="lacks the scope 'write'"):
                await client.call_tool("share_session", shared | more)
        await client.call_tool("share_session", shared | {"remove": "rolf"})
        with pytest.raises(ToolError, match=UNKNOWN):
            await client.call_tool("show_thinking", shared)
    async with guarded.client(guarded.issuer.token("ann", "read"), era) as client:
        for more in ({"role": "reader"}, {"remove": "rolf"}):
            with pytest.raises(ToolError, match="lacks the scope 'write'"):
                await client.call_tool("share_session", shared | more)


def test_no_other_route_is_there_and_none_that_tells_of_sessions_answers_without_a_token(guarded: Guarded) -> None:
    routes = {"/mcp": 401, "/docs": 404, "/metrics": 404, "/sse": 404, "/messages": 404, "/token": 404}
    known = ("oauth-protected-resource", "oauth-protected-resource/mcp", "oauth-authorization-server", "jwks.json")
    routes["/data/metrics"] = 404
    routes |= {f"/.well-known/{name}": 404 for name in known}
    for path, status in routes.items():
        for verb in ("GET", "POST", "DELETE"):
            _expect(guarded, verb, path, status)
    for path, status in {"/": 200, "/static/start.js": 200, "/data/sessions": 401}.items():
        _expect(guarded, "GET", path, status)
        _expect(guarded, "POST", path, 405)


def _expect(guarded: Guarded, verb: str, path: str, status: int) -> None:
    with closing(HTTPConnection("127.0.0.1", guarded.served.port, timeout=20)) as connection:
        connection.request(verb, path)
        answer = connection.getresponse()
        assert (path, verb, answer.status) == (path, verb, status)
        assert status == 200 or b"ann" not in answer.read()


def test_what_is_told_to_everyone_names_nobody(guarded: Guarded) -> None:
    connection = HTTPConnection("127.0.0.1", guarded.served.port, timeout=20)
    connection.request("GET", "/health")
    answer = connection.getresponse()
    assert answer.status == 200
    told = json.loads(answer.read())
    assert set(told) == {"status", "live", "ready", "store", "spool", "versions"}
    assert (set(told["store"]), set(told["versions"])) == (
        {"kind", "state"},
        {"companions", "fastmcp", "python", "schema"},
    )
    connection.close()


def test_a_store_of_a_local_user_is_closed_to_everyone_with_a_token(tmp_path: Path) -> None:
    issuer = Issuer()
    with serving_http(tmp_path) as local:
        assert _post(local, "POST", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, None)[0] != 401
    with serving_http(tmp_path, issuer.settings) as guarded:
        assert _post(guarded, "POST", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, None)[0] == 401


def test_whoever_makes_too_many_requests_is_told_to_wait_and_keeps_nobody_else_from_theirs(tmp_path: Path) -> None:
    issuer = Issuer()
    with serving_http(tmp_path, issuer.settings | {"COMPANIONS_CALLS_PER_MINUTE": "30"}) as served:
        ann, bob = issuer.token("ann", "mail"), issuer.token("bob", "read")
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
        statuses = [_post(served, "POST", hello, ann)[0] for _ in range(6)]
        assert statuses == [200, 200, 200, 429, 429, 429]  # a tenth of them may open a connection
        other = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": meta("auto")}
        asked = [_post(served, "POST", other, ann, **MODERN_HEADERS)[0] for _ in range(40)]
        assert set(asked[:20]) == {200}
        assert asked[-1] == 429
        assert _post(served, "POST", other, bob, **MODERN_HEADERS)[0] == 200
