"""What ``rotate-keys`` leaves in a store's files, and what it says of a store that is silent."""

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

from sessions.opening import open_store
from sessions.sealing import admission
from sessions.stores.postgres.store import PostgresStore
from tests.servers import postgres_server
from tests.servers.postgres_server import PostgresServer
from tests.sessions.building import Story, note
from tests.sessions.disks import PostgresDisk, found_in, holds, new_marker
from tests.sessions.writing import log_of
from tests.terminal.commands import Terminal

KEYS = "COMPANIONS_ENCRYPTION_KEYS"
PATIENCE = 20.0
"""Seconds; a server's own bound is two, and a busy machine takes its time."""


@pytest.fixture(autouse=True)
def unhurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANIONS_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setattr(admission, "EXPIRY", 0.0)


def new_key(terminal: Terminal) -> dict[str, str]:
    return json.loads(terminal("new-key").out)


def other_than_progress(err: str) -> list[str]:
    """Give what was said beside how far it was, which is told on a slow machine."""
    return [line for line in err.splitlines() if not line.endswith("entries sealed")]


async def _plain(url: str, marker: str) -> None:
    """Store sessions that are not sealed, with texts of all lengths, so that rows move while they are replaced."""
    opened = open_store(url)
    try:
        stories = [Story(opened, f"s{number}") for number in range(12)]
        for number in range(12):
            for story in stories:
                await story.write(note("query", text=f"{marker} " * (1 + number * 7 % 60)), note("draft", text=marker))
    finally:
        await opened.close()


def test_nothing_is_left_in_an_sqlite_file_of_what_stood_there_before_it_was_sealed(
    terminal: Terminal, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = new_marker()
    asyncio.run(_plain(f"sqlite:///{store}", marker))
    assert found_in(store.read_bytes(), marker)
    monkeypatch.setenv(KEYS, json.dumps(new_key(terminal)))
    done = terminal("rotate-keys")
    assert (done.status, other_than_progress(done.err)) == (0, [])
    _, written, *left = done.out.decode().splitlines()
    assert written == "The file was written anew, and its log emptied."
    assert [line[:14] for line in left] == ["Left: Backups "]
    assert not any(found_in(path.read_bytes(), marker) for path in store.parent.glob(f"{store.name}*"))


def test_nothing_is_left_in_the_files_of_postgresql_but_in_its_log(
    terminal: Terminal, own_postgres: PostgresServer, own_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held() -> list[str]:
        disk = PostgresDisk(PostgresStore(own_postgres_url), own_postgres, own_postgres_url)
        try:
            return [name for name, found in (await holds(disk, marker)).items() if found]
        finally:
            await disk.store.close()

    # The driver, which is begun from our loop here, would look for files of passwords and certificates.
    monkeypatch.setenv("PGPASSWORD", "any")
    marker = new_marker()
    asyncio.run(_plain(own_postgres_url, marker))
    postgres_server.run(own_postgres_url, "ANALYZE")
    assert asyncio.run(held())
    monkeypatch.setenv("COMPANIONS_STORE", f"{own_postgres_url}?sslmode=disable")
    monkeypatch.setenv(KEYS, json.dumps(new_key(terminal)))
    done = terminal("rotate-keys")
    assert (done.status, other_than_progress(done.err)) == (0, [])
    assert "The tables were written anew." in done.out.decode()
    assert "Left: The server's write-ahead log" in done.out.decode()
    assert asyncio.run(held()) == []


@pytest.mark.parametrize("words", [("--give-up", "lost"), ()], ids=["give-up", "rotate"])
def test_a_store_that_does_not_answer_is_told_within_seconds(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    key = new_key(terminal)
    monkeypatch.setenv(KEYS, json.dumps(key))
    with socket.create_server(("127.0.0.1", 0)) as silent, log_of("companions.store"):
        monkeypatch.setenv("COMPANIONS_STORE", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        said = terminal("rotate-keys", *words)
        assert time.monotonic() - begun < PATIENCE
    assert (said.status, said.out) == (1, b"")
    assert "did not answer in time" in said.err
