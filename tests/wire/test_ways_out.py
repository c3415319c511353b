"""Every way out of the program: it ends in time and as usual, answers whoever waits, and loses nothing it answered."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.provider import replies
from tests.provider.server import Provider
from tests.wire.processes import HTTP as SERVE_HTTP
from tests.wire.processes import SERVER, Era, Served, serving_http, with_model
from tests.wire.raw_stdio import RawHost, raw_host
from tests.wire.reading import part

pytest_plugins = ("tests.provider.fixtures",)

END_SECONDS = 2.0
"""After which a host kills."""
WORDS = "What was {answered} is kept: 漢字 🧠."
FASTMCP = str(Path(sys.executable).with_name("fastmcp"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Another process on the same store: it reads what the ones that end have left."""
    with serving_http(tmp_path_factory.mktemp("store")) as served:
        yield served


@pytest.fixture
def settings(reader: Served, provider: Provider) -> dict[str, str]:
    return with_model(provider, COMPANIONS_STORE=f"sqlite:///{reader.log.parent / 'sessions.db'}")


async def is_kept(reader: Served, session_id: str) -> None:
    """Check that the draft is there as it was answered, and nothing of what was not."""
    async with reader.client("auto") as client:
        (slot,) = (await part(client, session_id, "run_log"))["run_log"]
        assert (slot["draft"], slot["critique"]) == (WORDS, [])
        assert (await part(client, session_id, "phase"))["phase"] == "critique"


async def ends(process: asyncio.subprocess.Process, started: float) -> int:
    """Wait for a process to end in time; gives its status."""
    async with asyncio.timeout(END_SECONDS + 5):
        status = await process.wait()
    assert time.monotonic() - started < END_SECONDS
    return status


STDIO = {
    "closed stdin": (None, 0),
    "SIGTERM": (signal.SIGTERM, -signal.SIGTERM),
    "SIGINT": (signal.SIGINT, -signal.SIGINT),
}


def leave(host: RawHost, number: signal.Signals | None) -> float:
    """Ask a process to end; gives the moment."""
    if number is None:
        host.close_stdin()
    else:
        host.process.send_signal(number)
    return time.monotonic()


@pytest.mark.parametrize("way", STDIO)
async def test_over_stdio_a_step_that_hangs_holds_no_way_out_open(
    way: str, tmp_path: Path, settings: dict[str, str], provider: Provider, reader: Served
) -> None:
    number, status = STDIO[way]
    era: Era = "auto" if way == "SIGTERM" else "legacy"
    provider.queue(replies.broken("hang_mid_stream"))
    async with raw_host(tmp_path, era, settings) as host:
        await host.begin()
        session_id = (await host.done("draft", query=f"Out by {way}?", text=WORDS))["session_id"]
        waiting = host.call("critique", session_id=session_id)
        await provider.asked(1)
        assert await ends(host.process, leave(host, number)) == status
    if number is not None:  # with its standard input a host closes the protocol's session: nobody waits any more
        told = waiting.result()["result"]["structuredContent"]
        assert (told["status"], told["next"]["tool"]) == ("running", "critique")
        assert told["next"]["arguments"]["session_id"] == session_id
    assert "Traceback" not in host.log.read_text()
    await is_kept(reader, session_id)


@pytest.mark.parametrize("way", STDIO)
async def test_over_stdio_a_process_at_rest_ends_at_once(
    way: str, tmp_path: Path, settings: dict[str, str], reader: Served
) -> None:
    number, status = STDIO[way]
    async with raw_host(tmp_path, "auto", settings) as host:
        await host.begin()
        session_id = (await host.done("draft", query=f"At rest by {way}?", text=WORDS))["session_id"]
        assert await ends(host.process, leave(host, number)) == status
    assert "Traceback" not in host.log.read_text()
    await is_kept(reader, session_id)


@pytest.mark.parametrize("way", ["closed stdin", "SIGTERM"])
async def test_a_store_that_another_program_locks_holds_no_way_out_open(way: str, tmp_path: Path) -> None:
    number, status = STDIO[way]
    file = tmp_path / "locked.db"
    async with raw_host(tmp_path, "legacy", {"COMPANIONS_STORE": f"sqlite:///{file}"}) as host:
        await host.begin()
        session_id = (await host.done("draft", query="Locked?", text=WORDS))["session_id"]
        lock = sqlite3.connect(file, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        host.call("critique", session_id=session_id, text="Never stored.")
        await host.ask("tools/list")  # the call before it is under way by then
        assert await ends(host.process, leave(host, number)) in (status, 128 - status)
        lock.close()


HTTP = (signal.SIGTERM, signal.SIGINT)


async def stops(served: Served, number: signal.Signals) -> None:
    """Send the signal and wait for the end in time."""
    started = time.monotonic()
    served.process.send_signal(number)
    status = await asyncio.to_thread(served.process.wait, END_SECONDS + 5)
    assert time.monotonic() - started < END_SECONDS
    assert status in {-number, 128 + number}  # the latter where its own deadline had to end it
    assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize(
    ("number", "era"), [(signal.SIGTERM, "auto"), (signal.SIGTERM, "legacy"), (signal.SIGINT, "auto")]
)
async def test_over_http_a_caller_that_waits_is_answered_before_the_end(
    *, number: signal.Signals, era: Era, tmp_path: Path, settings: dict[str, str], provider: Provider, reader: Served
) -> None:
    provider.queue(replies.broken("hang_before_headers"))
    with serving_http(tmp_path, settings) as served:
        async with served.client(era) as client:
            begun = await client.call_tool("draft", {"query": "Out by a signal?", "text": WORDS})
            session_id = begun.structured_content["session_id"]
            waiting = asyncio.create_task(client.call_tool("critique", {"session_id": session_id}))
            await provider.asked(1)
            await stops(served, number)
            told: Any = await asyncio.wait_for(waiting, 5)
        assert told.structured_content["status"] == "running"
        assert told.structured_content["next"]["arguments"]["session_id"] == session_id
    await is_kept(reader, session_id)


@pytest.mark.parametrize("number", HTTP)
async def test_over_http_a_process_that_only_has_open_connections_ends_at_once(
    number: signal.Signals, tmp_path: Path, settings: dict[str, str], reader: Served
) -> None:
    with serving_http(tmp_path, settings) as served:
        async with served.client("legacy") as client:
            begun = await client.call_tool("draft", {"query": "At rest?", "text": WORDS})
            await stops(served, number)
    await is_kept(reader, begun.structured_content["session_id"])


async def test_python_server_py_and_fastmcp_run_serve_the_same_tools_over_stdio(tmp_path: Path) -> None:
    names: list[list[str]] = []
    for command in ([sys.executable, str(SERVER)], [FASTMCP, "run", str(SERVER), "--no-banner"]):
        async with raw_host(tmp_path, "auto", command=command) as host:
            await host.begin()
            names.append([tool["name"] for tool in (await host.ask("tools/list"))["tools"]])
            assert (await host.done("draft", query="Served?"))["status"] == "write"
    assert names[0] == names[1] != []


async def test_fastmcp_run_serves_over_http(tmp_path: Path) -> None:
    command = (FASTMCP, "run", str(SERVER), "--no-banner", "--transport", "http", "--host", "127.0.0.1")
    with serving_http(tmp_path, command=command) as served:
        async with served.client("auto") as client:
            begun = await client.call_tool("draft", {"query": "Served?"})
            assert begun.structured_content["status"] == "write"


def test_a_server_that_is_told_to_end_is_not_ready_from_that_moment(tmp_path: Path) -> None:
    command = (*SERVE_HTTP, "--metrics")
    with serving_http(tmp_path, command=command) as served:
        with closing(HTTPConnection("127.0.0.1", served.port, timeout=20)) as kept:
            assert [_status(kept, path) for path in ("/health", "/health/live", "/metrics")] == [200] * 3
            pid = served.process.pid
            # It stands still while the request comes, so that the signal is what it sees first.
            os.kill(pid, signal.SIGSTOP)
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
            kept.request("GET", "/health")
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)
            answer = kept.getresponse()
            assert answer.status == 503
            told = json.loads(answer.read())
            assert (told["ready"], told["reason"]) == (False, "The program is ending.")
        assert served.process.wait(20) == -signal.SIGTERM


def _status(connection: HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status
