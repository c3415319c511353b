"""Pages of a browser: which may call, what their preflight is told, and what a proxy's name is."""

import asyncio
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import fastmcp
import pytest

import server
from companions.errors import InputError
from tests.wire.processes import HTTP, SERVER, Served, serving_http
from tests.wire.tokens import Issuer

SENT = (
    "authorization,content-type,mcp-protocol-version,mcp-session-id,mcp-method,mcp-name,mcp-param-session,last-event-id"
)
"""Headers of a modern client."""
NAMED = {
    "COMPANIONS_HTTP_HOSTS": "companions.example.com, *.inside.example",
    "COMPANIONS_HTTP_ORIGINS": "https://chat.example.com",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("pages"), Issuer().settings | NAMED) as served:
        yield served


def _ask(served: Served, verb: str, **headers: str) -> tuple[int, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=20)
    try:
        connection.request(verb, "/mcp", headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@pytest.mark.parametrize("origin", ["https://chat.example.com", "http://localhost:6274", "http://127.0.0.1:5173"])
def test_a_page_that_may_call_may_send_its_headers_and_read_the_answer(served: Served, origin: str) -> None:
    asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": SENT}
    status, told = _ask(served, "OPTIONS", Origin=origin, **asks)
    assert (status, told["access-control-allow-origin"]) == (200, origin)
    assert set(SENT.split(",")) <= {name.strip() for name in told["access-control-allow-headers"].lower().split(",")}
    assert "access-control-allow-credentials" not in told
    status, told = _ask(served, "POST", Origin=origin)
    assert (status, told["access-control-allow-origin"]) == (401, origin)
    assert "mcp-session-id" in told["access-control-expose-headers"].lower()


@pytest.mark.parametrize("origin", ["https://evil.example", "https://chat.example.com.evil.example", "null"])
def test_a_page_that_may_not_call_is_refused_before_its_token_is_looked_at(served: Served, origin: str) -> None:
    status, told = _ask(served, "POST", Origin=origin)
    assert status == 403
    assert "access-control-allow-origin" not in told


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("companions.example.com", 401),
        ("companions.example.com:443", 401),
        ("a.inside.example", 401),
        ("inside.example", 421),
        ("evil.example", 421),
    ],
)
def test_a_server_is_reached_under_its_names_alone(served: Served, host: str, status: int) -> None:
    assert _ask(served, "POST", Host=host)[0] == status


def test_with_authentication_another_address_may_be_listened_on(tmp_path: Path) -> None:
    everywhere = (*HTTP, "--host", "0.0.0.0")  # noqa: S104 (what is tested)
    with serving_http(tmp_path, Issuer().settings, everywhere) as served:
        assert _ask(served, "POST")[0] == 401


def test_served_by_fastmcp_itself_the_program_checks_no_less(tmp_path: Path) -> None:
    run = (str(Path(sys.executable).with_name("fastmcp")), "run", str(SERVER), "--transport", "http", "--no-banner")
    with serving_http(tmp_path, command=run) as served:
        assert _ask(served, "POST", Host="evil.example")[0] == 421
        assert _ask(served, "POST", Origin="https://evil.example")[0] == 403
        assert _ask(served, "POST")[0] not in {403, 421}


def test_an_address_that_others_reach_is_refused_whoever_serves() -> None:
    mcp = server.Wired.of(server.Settings(store="memory://")).server()
    with pytest.raises(InputError, match="no authentication"):
        asyncio.run(mcp.run_http_async(host="192.0.2.1"))


def test_an_address_that_others_reach_is_refused_whoever_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mcp = server.Wired.of(server.Settings(store="memory://")).server()
    monkeypatch.setattr(fastmcp.settings, "host", "192.0.2.1")
    with pytest.raises(InputError, match="no authentication"):
        asyncio.run(mcp.run_http_async())
