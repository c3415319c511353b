"""HTTP: who is answered at all, where, and on which address."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.terminal import commands
from tests.terminal.commands import Said, Terminal
from tests.wire.processes import Served, environment, free_port, serving_http

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw-host", "version": "1"},
    },
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http")) as served:
        yield served


def post(served: Served, path: str = "/mcp", **headers: str) -> int:
    """Say hello; gives the status."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=20)
    usual = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        connection.request("POST", path, json.dumps(HELLO), usual | headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_host_on_this_machine_is_answered(served: Served) -> None:
    port = served.port
    assert post(served) == 200
    assert post(served, Host=f"localhost:{port}", Origin=f"http://localhost:{port}") == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_another_host_than_this_machine_is_refused(served: Served, host: str) -> None:
    assert post(served, Host=host) == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_from_elsewhere_is_refused(served: Served, origin: str) -> None:
    assert post(served, Origin=origin) == 403


@pytest.mark.parametrize("path", ["/sse", "/messages", "/healthz", "/mcp/../", "/docs", "/mcp/x"])
def test_nothing_but_mcp_is_served(served: Served, path: str) -> None:
    assert post(served, path) == 404


def test_only_the_loopback_address_listens(served: Served) -> None:
    with pytest.raises(ConnectionRefusedError):  # 127.0.0.2 is this machine too, by any address but the one asked for
        socket.create_connection(("127.0.0.2", served.port), timeout=20)


@pytest.mark.parametrize("address", ["::", "192.0.2.1"])
def test_another_address_without_authentication_is_refused_at_the_start(
    capsysbinary: pytest.CaptureFixture[bytes], address: str
) -> None:
    said = Terminal(capsysbinary)("serve", "--http", "--host", address, "--port", str(free_port()))
    refused(said, address)


def test_a_process_that_is_to_listen_on_another_address_says_that_and_no_more(tmp_path: Path) -> None:
    words = ("serve", "--http", "--host", "0.0.0.0", "--port", str(free_port()))  # noqa: S104 - it must not bind
    refused(commands.run(*words, cwd=tmp_path, environment=environment(tmp_path, None)), "0.0.0.0")  # noqa: S104


def refused(said: Said, address: str) -> None:
    assert (said.status, said.out) == (1, b"")
    assert "authentication" in said.err
    assert address in said.err
    assert "Traceback" not in said.err
