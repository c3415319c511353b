"""The settings files of ``examples/settings``, each by what a server does that is started with it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from fastmcp import Client
from fastmcp.client.auth import BearerAuth
from mcp import MCPError

import server
from tests.deploy.files import settings
from tests.servers.postgres_server import PostgresServer, run
from tests.wire.processes import Connection, Served, serving_http
from tests.wire.tokens import Issuer

PASSWORD = "a word with 'quotes', % and #"  # noqa: S105 (a test's own)
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A client of a server that is put together in this process, as the file has it that the test names."""
    for variable, value in settings(request.param).items():
        monkeypatch.setenv(variable, value)
    return Client(server.Wired.of(server.Settings()).server())


@pytest.mark.parametrize("client", ["development"], indirect=True)
async def test_for_development_the_offline_editor_writes_and_nothing_is_kept(client: Connection) -> None:
    async with client:
        done = await client.call_tool("refine", {"query": "It is very unique.", "text": "It is very unique."})
    assert done.structured_content["status"] == "done"
    assert done.structured_content["model"].startswith("offline editor")
    assert not [*Path.home().rglob("*.db")]


@pytest.mark.parametrize("client", ["one-machine"], indirect=True)
async def test_on_one_machine_the_host_writes_and_sessions_are_kept_in_the_user_s_folder(client: Connection) -> None:
    async with client:
        asked = await client.call_tool("draft", {"query": "Who writes?"})
    assert asked.structured_content["status"] == "write"
    (file,) = Path.home().rglob("sessions.db")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone()[0] >= 1


def test_store_and_spool_lie_in_the_folder_that_is_set_unless_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANIONS_FOLDER", "~/my thinking")
    both, one = server.Settings(), server.Settings(store="memory://")

    assert both.store == f"sqlite:///{Path.home()}/my thinking/sessions.db"
    assert both.spool.expanduser() == Path.home() / "my thinking" / "spool"
    assert (one.store, one.spool) == ("memory://", both.spool)


@pytest.fixture(scope="module")
def guarded_database(own_postgres: PostgresServer) -> str:
    """Give the URL of a database whose owner has a password, which the URL does not tell."""
    admin = own_postgres.url("postgres")
    run(admin, f"CREATE ROLE companions LOGIN PASSWORD $${PASSWORD}$$")
    run(admin, "CREATE DATABASE companions OWNER companions")
    access = own_postgres.data / "pg_hba.conf"
    access.write_text(f"host all companions 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
    run(admin, "SELECT pg_reload_conf()")
    return admin.replace("postgres@", "companions@").replace("/postgres", "/companions")


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def team(guarded_database: str, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A process with the team's settings, but for what is another's: its database, its issuer of tokens."""
    given = settings("team")
    ours = issuer.settings | {"COMPANIONS_STORE": guarded_database, "PGPASSWORD": PASSWORD}
    del given["COMPANIONS_AUTH_JWKS_URL"]
    assert {"COMPANIONS_AUTH_ISSUER", "COMPANIONS_AUTH_AUDIENCE", "COMPANIONS_STORE"} <= given.keys()
    with serving_http(tmp_path_factory.mktemp("team"), given | ours) as served:
        yield served


def asked(served: Served, path: str, **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_team_s_server_is_ready_on_its_database_whose_password_stands_beside_the_url(team: Served) -> None:
    status, body = asked(team, "/health")

    assert (status, json.loads(body)["store"]) == (200, {"kind": "postgresql", "state": "ok"}), team.log.read_text()
    assert asked(team, "/health/live")[0] == 200
    assert PASSWORD not in team.log.read_text()


def test_a_team_s_server_knows_the_names_of_its_machine_and_of_its_load_balancer_and_no_others(team: Served) -> None:
    assert asked(team, "/health", Host="companions.example.com")[0] == 200
    assert asked(team, "/health", Host="elsewhere.example.com")[0] == 421


async def test_a_team_s_server_keeps_people_apart_without_protocol_sessions(team: Served, issuer: Issuer) -> None:
    def person(name: str) -> Connection:
        return Client(team.url, auth=BearerAuth(issuer.token(name, "write")), mode="legacy", verify=False)

    async with person("ann") as ann, person("bob") as bob:
        done = await ann.call_tool("draft", {"query": "Whose?", "text": "Ann's."})
        seen = [await who.call_tool("list_sessions", {}) for who in (ann, bob)]
    assert done.structured_content["status"] == "done"
    assert [len(told.structured_content["sessions"]) for told in seen] == [1, 0]
    with pytest.raises(MCPError):
        async with Client(team.url, verify=False):
            pass
