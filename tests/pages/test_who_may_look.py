"""Who is shown what: the page to everybody, its data to their owner alone, and nothing to a page from elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

import server
from tests.pages.asking import application, asked
from tests.wire.tokens import Issuer

ISSUER = Issuer()
REFUSED = ISSUER.refused()
PATHS = (
    "sessions",
    "sessions/{id}",
    "sessions/{id}/generic/steps",
    "sessions/{id}/generic/queries",
    "sessions/{id}/generic/entries/2",
    "sessions/{id}/generic/versions?before=0&after=0",
    "sessions/{id}/generic/convergence",
    "changes/{id}?seen=0",
    "changes?seen=x",
    "companions",
    "patterns/generic",
)
OF_A_SESSION = [path for path in PATHS if "{id}" in path]


SETTINGS = {name.removeprefix("COMPANIONS_").lower(): value for name, value in ISSUER.settings.items()}


def served(folder: Path, **chosen: object) -> Starlette:
    given = {"store": f"sqlite:///{folder / 'sessions.db'}", "spool": folder / "spool", "model": "host"} | chosen
    return application(server.Wired.of(server.Settings.model_validate(given)))


# Wired outside the event loop, since that reads files.
@pytest.fixture
def guarded(tmp_path: Path) -> Starlette:
    return served(tmp_path, **SETTINGS)


@pytest.fixture
def paced(tmp_path: Path) -> Starlette:
    return served(tmp_path, calls_per_minute=3, **SETTINGS)


@pytest.fixture
def local(tmp_path: Path) -> Starlette:
    return served(tmp_path)


def of(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "draft",
        "arguments": {"query": "Whose is it?", "text": "Ann's."},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "ann", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
MODERN = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "draft",
}


@pytest.fixture
async def client(guarded: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a served program, whose lifetime must begin and end in one task."""
    ready: asyncio.Future[httpx.AsyncClient] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def serve() -> None:
        async with asked(guarded) as client:
            ready.set_result(client)
            await done.wait()

    serving = asyncio.create_task(serve())
    yield await ready
    done.set()
    await serving


async def session_of(client: httpx.AsyncClient, token: str) -> str:
    """Open a session through MCP, as its owner's client does."""
    answer = await client.post("/mcp", json=HELLO, headers=MODERN | of(token))
    assert answer.status_code == 200, answer.text
    (line,) = [line for line in answer.text.splitlines() if line.startswith("data: ")] or [f"data: {answer.text}"]
    return httpx.Response(200, text=line[6:]).json()["result"]["structuredContent"]["session_id"]


async def test_the_page_itself_is_served_to_everybody_and_holds_no_data(client: httpx.AsyncClient) -> None:
    token = ISSUER.token("ann", "write")
    session_id = await session_of(client, token)
    page = await client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    linked = [part.split('"')[0] for part in page.text.split('"static/')[1:]]
    assert {"start.js", "page.css", "theme.js"} <= set(linked)
    for name in linked:
        file = await client.get(f"/static/{name}")
        assert file.status_code == 200
        assert "Whose is it?" not in file.text
        assert session_id not in file.text
    assert "set-cookie" not in page.headers


async def test_no_data_is_given_without_a_valid_token(client: httpx.AsyncClient) -> None:
    session_id = await session_of(client, ISSUER.token("ann", "write"))
    for path, (wrong, token) in product(PATHS, REFUSED.items()):
        answer = await client.get(f"/data/{path.format(id=session_id)}", headers=of(token))
        assert answer.status_code == 401, wrong
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "Ann" not in answer.text


async def test_a_token_that_is_not_for_reading_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/data/sessions", headers=of(ISSUER.token("ann", "mail")))
    assert answer.status_code == 403
    assert answer.json()["error"]["what"] == "Your access token lacks the scope 'read'."


async def test_a_session_is_its_owner_s_and_to_others_one_that_is_not_there(client: httpx.AsyncClient) -> None:
    session_id = await session_of(client, ISSUER.token("ann", "write"))
    ann, bob = of(ISSUER.token("ann", "read")), of(ISSUER.token("bob", "admin"))
    unknown = "x" * len(session_id)
    assert len((await client.get("/data/sessions", headers=ann)).json()["sessions"]) == 1
    assert (await client.get("/data/sessions", headers=bob)).json()["sessions"] == []
    for path in OF_A_SESSION:
        assert (await client.get(f"/data/{path.format(id=session_id)}", headers=ann)).status_code == 200, path
        foreign = await client.get(f"/data/{path.format(id=session_id)}", headers=bob)
        missing = await client.get(f"/data/{path.format(id=unknown)}", headers=bob)
        assert foreign.status_code == missing.status_code == 404
        assert foreign.text == missing.text.replace(unknown, session_id)


@pytest.mark.parametrize("path", ["/", "/static/start.js", "/data/sessions"])
async def test_host_and_origin_are_checked_before_all_else(client: httpx.AsyncClient, path: str) -> None:
    ann = of(ISSUER.token("ann", "read"))
    assert (await client.get(path, headers=ann | {"Host": "evil.example"})).status_code == 421
    assert (await client.get(path, headers=ann | {"Origin": "https://evil.example"})).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_page_of_this_machine_is_given_no_data(local: Starlette, site: str) -> None:
    async with asked(local) as client:
        assert (await client.get("/data/sessions", headers={"Sec-Fetch-Site": "same-origin"})).status_code == 200
        assert (await client.get("/data/sessions", headers={"Sec-Fetch-Site": site})).status_code == 403


async def test_without_authentication_the_sessions_are_the_local_user_s(local: Starlette) -> None:
    async with asked(local) as client:
        session_id = await session_of(client, "")
        listed = (await client.get("/data/sessions")).json()["sessions"]
    assert [session["session_id"] for session in listed] == [session_id]


async def test_requests_of_one_owner_are_paced_as_those_of_the_protocol_are(paced: Starlette) -> None:
    async with asked(paced) as client:
        ann, bob = (of(ISSUER.token(name, "read")) for name in ("ann", "bob"))
        statuses = [(await client.get("/data/companions", headers=ann)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert (await client.get("/data/companions", headers=bob)).status_code == 200


async def test_a_page_that_is_watched_takes_nothing_from_its_owner_s_calls(paced: Starlette) -> None:
    async with asked(paced) as client:
        token = ISSUER.token("ann", "write")
        statuses = {(await client.get("/data/companions", headers=of(token))).status_code for _ in range(4)}
        assert statuses == {200, 429}
        assert await session_of(client, token)
