"""Settings that are wrong, and stores that let nobody in: what every start, doctor and callers are told of them.

Most of it is asked of the program in this process; that a process of its own says no more than that is looked at once.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest
from fastmcp import Client, FastMCP

import server
from tests.servers.fixtures import server_folder
from tests.servers.postgres_server import PostgresServer, run
from tests.servers.redis_server import RedisServer
from tests.sessions.writing import log_of
from tests.terminal import commands
from tests.terminal.commands import Said, Terminal
from tests.wire.processes import environment, free_port
from tests.wire.scripted_caller import prose_of

PASSWORD = "hunter2"  # noqa: S105 (looked for where it does not belong)
UNENCRYPTED = "?sslmode=disable"
"""Else the driver looks for certificates in the loop of a command; the command may wait for that, the guard may not."""
pytestmark = pytest.mark.timeout(180)

Settle = Callable[[Mapping[str, str]], None]

WRONG = {
    "durability": ("COMPANIONS_DURABILITY", "sometimes", "COMPANIONS_DURABILITY .*'committed' or 'background'"),
    "limit below nothing": ("COMPANIONS_SPOOL_LIMIT", "-1", "COMPANIONS_SPOOL_LIMIT .*greater than or equal to 0"),
    "retention": ("COMPANIONS_RETENTION", "archive=soon", "COMPANIONS_RETENTION to keep, or like archive=30d"),
    "scheme": ("COMPANIONS_STORE", f"mysql://me:{PASSWORD}@host/db", "'mysql'. Set COMPANIONS_STORE to sqlite:///PATH"),
}


def without_secrets(said: Said) -> Said:
    assert PASSWORD not in said.out.decode() + said.err
    assert "Traceback" not in said.err
    return said


@pytest.fixture(scope="module", autouse=True)
def drivers() -> None:
    """Load what a store loads when it is first used: a command may block the loop that it has to itself for that."""
    for name in ("asyncpg", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql.asyncpg"):
        import_module(name)


@pytest.fixture
def terminal(capsysbinary: pytest.CaptureFixture[bytes]) -> Terminal:
    return Terminal(capsysbinary)


@pytest.fixture
def settle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settle:
    """Give what sets what the program in this process reads; it keeps all that it writes in the test's folder."""

    def settle(settings: Mapping[str, str]) -> None:
        for name, value in ({"COMPANIONS_SPOOL": str(tmp_path / "spool")} | dict(settings)).items():
            monkeypatch.setenv(name, value)

    return settle


def ends_with_one_line(said: Said, told: str) -> None:
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert_fits(told, said.err)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_ends_every_start_with_one_line_that_names_it_and_its_form(
    case: str, terminal: Terminal, settle: Settle
) -> None:
    name, value, told = WRONG[case]
    settle({name: value})
    for words in (("serve",), ("serve", "--http", "--port", str(free_port())), ("sessions",)):
        ends_with_one_line(without_secrets(terminal(*words)), told)
    looked = without_secrets(terminal("doctor"))
    assert (looked.status, looked.err) == (1, "")
    assert_fits(told, wrong_in(looked))


def test_a_process_that_starts_with_a_wrong_setting_says_that_line_and_no_more(tmp_path: Path) -> None:
    name, value, told = WRONG["scheme"]
    ended = commands.run(cwd=tmp_path, environment=environment(tmp_path, {name: value}))
    ends_with_one_line(without_secrets(ended), told)


def wrong_in(said: Said) -> str:
    (wrong,) = [line for line in said.out.decode().splitlines() if line.startswith("wrong")]
    return wrong


def assert_fits(told: str, line: str) -> None:
    assert re.search(told, line), line


@pytest.fixture(scope="module")
def doors() -> Iterator[dict[str, str]]:
    """URLs by what is wrong with them, of servers that know another password than the one in them."""
    with server_folder() as folder:
        postgres, redis = PostgresServer(folder), RedisServer(folder)
        postgres.start()
        redis.start()
        try:
            known = postgres.url("guarded")
            run(known, "CREATE ROLE guest LOGIN SUPERUSER PASSWORD 'another'")
            rules = postgres.data / "pg_hba.conf"
            rules.write_text(f"host all guest 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
            run(known, "SELECT pg_reload_conf()")
            yield {
                "postgres password": known.replace("postgres@", f"guest:{PASSWORD}@") + UNENCRYPTED,
                "postgres away": f"postgresql://guest:{PASSWORD}@127.0.0.1:9/db{UNENCRYPTED}",
                "postgres port": f"postgresql://guest:{PASSWORD}@127.0.0.1:port/db",
                "redis password": redis.url("guarded").replace("//", f"//guest:{PASSWORD}@"),
                "redis away": f"redis://:{PASSWORD}@127.0.0.1:9/0",
                "redis parameter": redis.url("guarded") + f"?passwort={PASSWORD}",
            }
        finally:
            postgres.stop()
            redis.stop()


# What is said of the store, and whether steps go on all the same, since it may only be away.
SHUT = {
    "postgres password": (
        r"The PostgreSQL server at 127.0.0.1:\d+ refused the login\. Look at the user and pass",
        False,
    ),
    "postgres away": (r"The PostgreSQL server at 127.0.0.1:9 does not answer\.", True),
    "postgres port": (r"127.0.0.1:port cannot be asked: the driver does not understand the URL", False),
    "redis password": (r"The Redis server at 127.0.0.1:\d+ does not accept the user or the password\. Corr", False),
    "redis away": (r"The Redis server at 127.0.0.1:9 cannot be reached\.", True),
    "redis parameter": (r"The URL of the store cannot be read\. Correct COMPANIONS_STORE\.", False),
}


@pytest.mark.parametrize("case", SHUT)
def test_a_store_that_lets_nobody_in_is_told_by_doctor_and_to_callers_without_its_password(
    case: str, doors: dict[str, str], terminal: Terminal, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    told, goes_on = SHUT[case]
    settle({"COMPANIONS_STORE": doors[case]})
    with log_of("companions"):
        looked = without_secrets(terminal("doctor"))
    assert looked.status == 1
    assert_fits(f"Store .*{told}", wrong_in(looked))
    caplog.set_level(logging.CRITICAL, logger="fastmcp")  # as the program does
    # In this process: what one of its own writes to standard error is seen in tests/wire/test_health.py.
    mcp = server.Wired.of(server.Settings()).server()
    with log_of("companions") as log:
        asyncio.run(callers_are_told(mcp, told, goes_on=goes_on))
    assert_fits(told, "\n".join(log))
    assert PASSWORD not in "\n".join(log)


async def callers_are_told(mcp: FastMCP, told: str, *, goes_on: bool) -> None:
    async with Client(mcp) as client:
        drafted = await client.call_tool("draft", {"query": "In?", "text": "Out."}, raise_on_error=False)
        looked = await client.call_tool("list_sessions", {}, raise_on_error=False)
    assert (drafted.is_error, looked.is_error) == (not goes_on, True)
    texts = [prose_of(result) for result in (drafted, looked)]
    assert_fits("kept on the server's own disk" if goes_on else told, texts[0])
    assert_fits(f"{told}|The store is away" if goes_on else told, texts[-1])
    assert not [text for text in texts if PASSWORD in text or "Traceback" in text]
