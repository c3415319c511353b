"""``/health`` of a real process: what a load balancer is told while the store is there, away, full up, and back again.

Each kind of store, and how it is looked at, is ``test_probes``'s.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from resources.health import VERSIONS
from sessions.stores.postgres import schema
from tests.servers.postgres_server import PostgresServer, run
from tests.wire.processes import Connection, Era, Served, serving_http

PASSWORD = "hunter2"  # noqa: S105 (looked for where it does not belong)
KEPT = "The store is away: this is kept on the server's own disk"
LIMIT = 64_000_000
WELL = {
    "status": "ok",
    "live": True,
    "ready": True,
    "store": {"kind": "postgresql", "state": "ok"},
    "spool": {"entries": 0, "bytes": 0, "limit": LIMIT, "oldest_seconds": None},
    "versions": {**VERSIONS, "schema": schema.VERSION},
}
NOTICE_SECONDS = 10.0
"""A store that hangs is asked for so long at most before ``/health`` answers."""
BACK_SECONDS = 30.0
LOOK_SECONDS = 0.05
TAKE_AGAIN = "ALTER DATABASE own RESET default_transaction_read_only"
DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'own'"
pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of ``/health``."""

    status: int
    text: str

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.text)

    @property
    def store(self) -> str:
        return self.body["store"]["state"]

    @property
    def spooled(self) -> int:
        return self.body["spool"]["entries"]


def ask(served: Served, **headers: str) -> Told:
    """Ask as a load balancer does, without a client of MCP."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=NOTICE_SECONDS)
    try:
        connection.request("GET", "/health", headers=headers)
        answer = connection.getresponse()
        return Told(answer.status, answer.read().decode())
    finally:
        connection.close()


async def health(served: Served) -> Told:
    """Ask, and see that what is told helps nobody to get in."""
    told = await asyncio.to_thread(ask, served)
    assert not [secret for secret in (PASSWORD, "postgres:", "127.0.0.1", "/", "://") if secret in told.text]
    return told


async def until(served: Served, status: str, *, spooled: int) -> Told:
    """Ask until the store answers again and it says so."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        told = await health(served)
        if (told.body["status"], told.store, told.spooled) == (status, "ok", spooled):
            return told
        assert time.monotonic() < deadline, told
        await asyncio.sleep(LOOK_SECONDS)


async def logged(served: Served, words: str) -> str:
    """Wait until a server has logged something; gives its log."""
    deadline = time.monotonic() + BACK_SECONDS
    while words not in (log := served.log.read_text()):
        assert time.monotonic() < deadline, log
        await asyncio.sleep(LOOK_SECONDS)
    return log


async def step(client: Connection, tool: str, **given: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, given)
    return result.structured_content


def is_kept(done: dict[str, Any]) -> bool:
    """Tell whether a reply says that its step is on the server's own disk."""
    return any(said.startswith(KEPT) for said in done.get("advice", ()))


@pytest.fixture
def url(own_postgres_url: str) -> str:
    """A database on a server that a test may take away; the password is taken as anything would be."""
    return own_postgres_url.replace("postgres@", f"postgres:{PASSWORD}@")


def settings(folder: Path, url: str, **more: str) -> dict[str, str]:
    return {"COMPANIONS_STORE": url, "COMPANIONS_SPOOL": str(folder / "spool"), **more}


# A load balancer asks for the address that it was given, which is the one that is listened on.
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:{port}"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "10.0.0.5:{port}"}, 421),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
def test_only_whoever_names_the_address_that_is_listened_on_is_told(
    served_once: Served, headers: dict[str, str], status: int
) -> None:
    given = {name: value.format(port=served_once.port) for name, value in headers.items()}
    assert ask(served_once, **given).status == status


@pytest.mark.parametrize(("header", "status"), [(b"", b"421"), (b"Host: localhost\r\n", b"200")])
def test_a_probe_in_http_1_0_sends_a_host_as_well(served_once: Served, header: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served_once.port), timeout=NOTICE_SECONDS) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n" + header + b"\r\n")
        assert connection.makefile("rb").readline().split()[1] == status


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("hosts")) as served:
        yield served


@pytest.mark.parametrize(("era", "how"), [("auto", "stop"), ("legacy", "freeze")])
async def test_while_the_store_is_away_steps_go_on_and_are_counted_until_it_is_back(
    *, era: Era, how: str, tmp_path: Path, url: str, own_postgres: PostgresServer
) -> None:
    with serving_http(tmp_path, settings(tmp_path, url)) as served:
        async with served.client(era) as client:
            begun = await step(client, "draft", query="Away?", text="Not yet.")
            assert not is_kept(begun)
            ids = {"session_id": begun["session_id"]}
            await asyncio.to_thread(own_postgres.stop if how == "stop" else own_postgres.freeze)
            told = await health(served)
            assert (told.status, told.body["status"], told.store) == (200, "degraded", "away")
            assert told.body["reason"] == "The store is away; steps wait in COMPANIONS_SPOOL."
            counts = [told.spooled]
            for tool, text in (("critique", "Say when."), ("revise", "Now."), ("critique", "Good.")):
                done = await step(client, tool, **ids, text=text)
                assert is_kept(done)
                counts.append((await health(served)).spooled)
            assert counts == sorted(set(counts))
            told = await health(served)
            assert told.body["spool"]["bytes"] > 0
            assert told.body["spool"]["oldest_seconds"] > 0
            await asyncio.to_thread(own_postgres.start if how == "stop" else own_postgres.thaw)
            assert (await until(served, "ok", spooled=0)).body == WELL
            done = await step(client, "revise", **ids, text="Now, and here.")
            assert not is_kept(done)
        assert PASSWORD not in served.log.read_text()
    assert list((tmp_path / "spool").iterdir()) == []


async def test_a_server_that_can_keep_no_more_for_its_store_fails_and_is_well_when_the_store_is_back(
    tmp_path: Path, url: str, own_postgres: PostgresServer
) -> None:
    with serving_http(tmp_path, settings(tmp_path, url, COMPANIONS_SPOOL_LIMIT="100")) as served:
        async with served.client("auto") as client:
            begun = await step(client, "draft", query="Room?", text="Some.")
            ids = {"session_id": begun["session_id"]}
            await asyncio.to_thread(own_postgres.stop)
            assert (await health(served)).status == 200
            await step(client, "critique", **ids, text="How much? " * 20)
            told = await health(served)
            assert (told.status, told.body["status"], told.store) == (503, "failing", "away")
            assert told.body["spool"]["bytes"] >= told.body["spool"]["limit"] == 100
            refused = await client.call_tool("revise", {**ids, "text": "This much."}, raise_on_error=False)
            assert refused.is_error
            assert "is full" in refused.content[0].text
            assert (await health(served)).spooled == told.spooled
            await asyncio.to_thread(own_postgres.start)
            await until(served, "ok", spooled=0)
            done = await step(client, "revise", **ids, text="This much.")
            assert (done["iteration"], done["status"]) == (1, "done")


async def test_what_a_store_that_is_back_refuses_to_take_is_still_told(
    tmp_path: Path, url: str, own_postgres: PostgresServer
) -> None:
    with serving_http(tmp_path, settings(tmp_path, url)) as served:
        async with served.client("auto") as client:
            begun = await step(client, "draft", query="Taken?", text="Yes.")
            await asyncio.to_thread(run, url, "ALTER DATABASE own SET default_transaction_read_only = on")
            await asyncio.to_thread(own_postgres.stop)
            assert (await health(served)).body["status"] == "degraded"
            await step(client, "critique", session_id=begun["session_id"], text="Not now.")
            spooled = (await health(served)).spooled
            await asyncio.to_thread(own_postgres.start)
            told = await until(served, "degraded", spooled=spooled)
            assert told.status == 200
            await asyncio.to_thread(run, own_postgres.url("postgres"), TAKE_AGAIN)
            await asyncio.to_thread(run, own_postgres.url("postgres"), DISCONNECT)
            assert (await until(served, "ok", spooled=0)).body == WELL


async def test_a_server_whose_store_will_not_have_it_fails_and_logs_why(tmp_path: Path, url: str) -> None:
    with serving_http(tmp_path, settings(tmp_path, f"{url}_not")) as served:
        while (told := await health(served)).store == "starting":
            pass
        assert (told.status, told.body["status"], told.store) == (503, "failing", "failed")
        log = await logged(served, "the store cannot be used: ")
    assert log.count("the store cannot be used: The PostgreSQL server at 127.0.0.1:") == 1
    assert "has no database of that name. Create it, or name another in COMPANIONS_STORE." in log
    assert PASSWORD not in log
    assert "Traceback" not in log
