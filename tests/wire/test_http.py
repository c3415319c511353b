"""HTTP: who is answered at all, where, and on which address."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.wire.processes import SERVER, Served, environment, free_port, serving_http

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


@pytest.mark.parametrize("path", ["/", "/sse", "/messages", "/healthz", "/mcp/../", "/docs", "/mcp/x"])
def test_nothing_but_mcp_is_served(served: Served, path: str) -> None:
    assert post(served, path) == 404


def test_only_the_loopback_address_listens(served: Served) -> None:
    with pytest.raises(ConnectionRefusedError):  # 127.0.0.2 is this machine too, by any address but the one asked for
        socket.create_connection(("127.0.0.2", served.port), timeout=20)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - it must not bind
def test_another_address_without_authentication_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    ended = subprocess.run(
        [sys.executable, str(SERVER), "serve", "--http", "--host", address, "--port", str(free_port())],
        env=environment(tmp_path, None),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode not in {0, -15, -9}
    assert "authentication" in ended.stderr
    assert address in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
