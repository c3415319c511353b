"""Settings of stores as a user meets them: what they change, and what is said where they are wrong."""

import asyncio
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.fixtures import server_folder
from tests.servers.postgres_server import PostgresServer, run
from tests.servers.redis_server import RedisServer
from tests.wire.processes import ERAS, SERVER, Connection, Era, Stdio, environment, free_port, serving_http
from tests.wire.reading import part, resource, run_log

PASSWORD = "hunter2"  # noqa: S105 (looked for where it does not belong)
BACKGROUND = {"COMPANIONS_DURABILITY": "background"}
TWO_HOURS = 7_200
SECONDS = 20.0
LOOK_SECONDS = 0.02
pytestmark = pytest.mark.timeout(180)


def entries(file: Path) -> int:
    """Count what the store holds."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT count(*) FROM entries").fetchone()[0]


async def until_stored(file: Path, count: int) -> None:
    deadline = time.monotonic() + SECONDS
    while (found := await asyncio.to_thread(entries, file)) < count:
        assert time.monotonic() < deadline, f"{found} of {count} entries"
        await asyncio.sleep(LOOK_SECONDS)


async def answered(client: Connection, count: int = 3) -> dict[str, Any]:
    """Take some steps; gives the session and the texts that were answered."""
    begun = await client.call_tool("draft", {"query": "Stored?", "text": "Draft 0."})
    ids, texts = {"session_id": begun.structured_content["session_id"]}, ["Draft 0."]
    for number in range(1, count):
        text = f"Text {number}."
        done = await client.call_tool("critique" if number % 2 else "revise", {**ids, "text": text})
        assert done.structured_content["status"] == "done"
        texts.append(text)
    return ids | {"texts": texts}


async def is_all_there(folder: Path, told: dict[str, Any], era: Era) -> None:
    """Read a session in a process of its own."""
    async with Stdio(folder=folder).client(era) as client:
        found = await run_log(client, told["session_id"])
    assert sorted(shown.text for texts in found.values() for shown in texts) == sorted(told["texts"])


@pytest.mark.parametrize("era", ERAS[:1])
async def test_in_the_background_steps_are_answered_while_the_store_is_locked_and_stored_by_the_end(
    tmp_path: Path, era: Era
) -> None:
    file = tmp_path / "sessions.db"
    with serving_http(tmp_path, BACKGROUND) as served:
        async with served.client(era) as client:
            begun = await answered(client, 1)
            await until_stored(file, 3)
            before = entries(file)
            with closing(sqlite3.connect(file, isolation_level=None)) as lock:
                lock.execute("BEGIN IMMEDIATE")
                done = await client.call_tool("critique", {"session_id": begun["session_id"], "text": "At once."})
                assert "advice" not in done.structured_content
                assert entries(file) == before
        served.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(served.process.wait, SECONDS)
    begun["texts"].append("At once.")
    await is_all_there(tmp_path, begun, era)


async def test_in_the_background_what_a_moment_has_passed_over_outlives_a_kill(tmp_path: Path) -> None:
    program = Stdio(folder=tmp_path, settings=BACKGROUND)
    async with program.client("auto") as client:
        told = await answered(client, 6)
        await until_stored(tmp_path / "sessions.db", 8)  # the settings and the query are entries too
        program.kill()
    await is_all_there(tmp_path, told, "legacy")


def aged(file: Path, session_id: str) -> None:
    """Make it two hours since a session was last used."""
    with closing(sqlite3.connect(file)) as connection, connection:
        changed = connection.execute(
            "UPDATE sessions SET last_used = last_used - ?, created_at = created_at - ? WHERE id = ?",
            (TWO_HOURS, TWO_HOURS, session_id),
        )
        assert changed.rowcount == 1


async def listed(client: Connection, **given: Any) -> list[str]:
    result = await client.call_tool("list_sessions", given)
    return [session["session_id"] for session in result.structured_content["sessions"]]


@pytest.mark.parametrize("era", ERAS[:1])
async def test_an_archived_session_is_found_by_search_and_id_and_is_back_once_it_is_used(
    tmp_path: Path, era: Era
) -> None:
    settings = {"COMPANIONS_RETENTION": "archive=1h"}
    with serving_http(tmp_path, settings) as served:
        async with served.client(era) as client:
            old, new = [
                (await client.call_tool("draft", {"query": f"The {age} one?", "text": "Yes."})).structured_content
                for age in ("old", "new")
            ]
            assert await listed(client) == [new["session_id"], old["session_id"]]
    aged(tmp_path / "sessions.db", old["session_id"])
    with serving_http(tmp_path, settings) as served:
        async with served.client(era) as client:
            assert await listed(client) == [new["session_id"]]
            assert old["session_id"] not in json.dumps(await resource(client, "resource://sessions"))
            assert await listed(client, search="the old") == [old["session_id"]]
            assert (await part(client, old["session_id"], "answer"))["text"] == "Yes."
            assert await listed(client) == [new["session_id"]]
            await client.call_tool("critique", {"session_id": old["session_id"], "text": "Still?"})
            assert await listed(client) == [old["session_id"], new["session_id"]]


WRONG = {
    "durability": ("COMPANIONS_DURABILITY", "sometimes", "COMPANIONS_DURABILITY .*'committed' or 'background'"),
    "limit below nothing": ("COMPANIONS_SPOOL_LIMIT", "-1", "COMPANIONS_SPOOL_LIMIT .*greater than or equal to 0"),
    "retention": ("COMPANIONS_RETENTION", "archive=soon", "COMPANIONS_RETENTION to keep, or like archive=30d"),
    "scheme": ("COMPANIONS_STORE", f"mysql://me:{PASSWORD}@host/db", "'mysql'. Set COMPANIONS_STORE to sqlite:///PATH"),
}


def said(folder: Path, *words: str, **settings: str) -> tuple[int, str, str]:
    """Run a command to its end; gives status, output and errors, in none of which a password stands."""
    command = [sys.executable, str(SERVER), *words]
    given: dict[str, Any] = {"env": environment(folder, settings), "cwd": folder, "stdin": subprocess.DEVNULL}
    ended = subprocess.run(command, **given, capture_output=True, text=True, timeout=60, check=False)
    assert PASSWORD not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_ends_every_start_with_one_line_that_names_it_and_its_form(case: str, tmp_path: Path) -> None:
    name, value, told = WRONG[case]
    words = ("serve", "--http", "--port", str(free_port())) if case == "scheme" else ()
    status, out, err = said(tmp_path, *words, **{name: value})
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert_fits(told, err)
    status, out, err = said(tmp_path, "doctor", **{name: value})
    assert (status, err) == (1, "")
    (wrong,) = [line for line in out.splitlines() if line.startswith("wrong")]
    assert_fits(told, wrong)


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
                "postgres password": known.replace("postgres@", f"guest:{PASSWORD}@"),
                "postgres away": f"postgresql://guest:{PASSWORD}@127.0.0.1:9/db",
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
async def test_a_store_that_lets_nobody_in_is_told_by_doctor_and_to_callers_without_its_password(
    case: str, doors: dict[str, str], tmp_path: Path
) -> None:
    told, goes_on = SHUT[case]
    settings = {"COMPANIONS_STORE": doors[case], "COMPANIONS_SPOOL": str(tmp_path / "spool")}
    status, out, _ = await asyncio.to_thread(lambda: said(tmp_path, "doctor", **settings))
    assert status == 1
    (wrong,) = [line for line in out.splitlines() if line.startswith("wrong")]
    assert_fits(f"Store .*{told}", wrong)
    async with Stdio(folder=tmp_path, settings=settings).client("auto") as client:
        drafted = await client.call_tool("draft", {"query": "In?", "text": "Out."}, raise_on_error=False)
        looked = await client.call_tool("list_sessions", {}, raise_on_error=False)
    assert (drafted.is_error, looked.is_error) == (not goes_on, True)
    texts = [block.text for result in (drafted, looked) for block in result.content]
    assert_fits("kept on the server's own disk" if goes_on else told, texts[0])
    assert_fits(f"{told}|The store is away" if goes_on else told, texts[-1])
    log = (tmp_path / "stdio.log").read_text()
    assert_fits(told, log)
    assert not [text for text in (*texts, log) if PASSWORD in text or "Traceback" in text]
