"""``companions inspect`` as a process: where it listens, how it opens a browser, and how it ends."""

import signal
import stat
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.terminal import commands
from tests.wire.processes import environment, free_port, serving_http

ADDRESS = "http://127.0.0.1:"
SCRIPT = """#!/bin/sh
cp "${1#file://}" "$RECORDED/page"
stat -c %a "$(dirname "${1#file://}")" > "$RECORDED/mode"
tr '\\0' ' ' < /proc/self/cmdline > "$RECORDED/words"
kill -INT $PPID
"""


def got(address: str, token: str | None) -> int:
    """Ask for the sessions; gives the status."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        connection.request(
            "GET", "/data/sessions", headers={} if token is None else {"Authorization": f"Bearer {token}"}
        )
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_it_prints_an_address_with_a_token_and_ends_cleanly_at_a_signal(
    tmp_path: Path, how: signal.Signals, status: int
) -> None:
    with commands.start("inspect", environment=environment(tmp_path, None), cwd=tmp_path) as process:
        assert process.stdout is not None
        address, _, token = process.stdout.readline().decode().strip().partition("/#token=")
        assert address.startswith(ADDRESS)
        assert len(token) >= 43
        assert [got(address, None), got(address, token[:-1]), got(address, token)] == [401, 401, 200]
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert out == b""
    assert err.decode().splitlines() == ["companions: your sessions are at this address; Ctrl-C ends it."]


def test_it_reads_a_store_that_a_server_uses(tmp_path: Path) -> None:
    with (
        serving_http(tmp_path) as served,
        commands.start("inspect", "--no-open", environment=environment(tmp_path, None), cwd=tmp_path) as process,
    ):
        assert process.stdout is not None
        address, _, token = process.stdout.readline().decode().strip().partition("/#token=")
        assert got(address, token) == 200
        assert got(f"http://127.0.0.1:{served.port}", None) == 200  # nobody but this machine reaches it
        process.terminate()


def test_a_port_that_is_taken_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    with serving_http(tmp_path) as served:
        said = commands.run(
            "inspect", "--port", str(served.port), environment=environment(tmp_path, None), cwd=tmp_path
        )
    assert (said.status, said.out) == (1, b"")
    assert said.err.startswith(f"companions: Port {served.port} cannot be had (address already in use).")


def test_the_port_that_is_named_is_the_one_that_listens(tmp_path: Path) -> None:
    port = free_port()
    words = ("inspect", "--port", str(port))
    with commands.start(*words, environment=environment(tmp_path, None), cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().decode().startswith(f"{ADDRESS}{port}/#token=")
        process.terminate()


def test_on_a_terminal_the_browser_is_handed_the_token_where_no_other_user_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(SCRIPT)
    browser.chmod(0o700)
    for name, value in (environment(tmp_path, None) | {"BROWSER": f"{browser} %s", "RECORDED": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    status, received = commands.on_a_terminal("inspect")
    address = next(word for word in received.split() if word.startswith(ADDRESS))
    assert status == 0
    assert "if it does not, open the address yourself." in received
    assert address in (tmp_path / "page").read_text()
    assert int((tmp_path / "mode").read_text(), 8) == stat.S_IRWXU
    assert address.partition("#token=")[2] not in (tmp_path / "words").read_text()
