"""The commands about keys, and what every other command says where texts are sealed."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from sessions.lifetime import Lifetime
from sessions.opening import open_store
from sessions.sealing import admission
from sessions.sealing.keys import Keyring
from sessions.spool.spool import Spool
from tests.sessions.spooling import append
from tests.terminal.commands import Terminal, run, start
from tests.wire.processes import free_port

KEYS = "COMPANIONS_ENCRYPTION_KEYS"
ANN, BOB = '["", "ann"]', '["", "bob"]'
TEXT = "An unmistakable draft that is very very good."
SEALED = "Texts are sealed: only ids, companion types and dates of last use"


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "offline")
    monkeypatch.setenv("COMPANIONS_SPOOL", str(tmp_path / "spool"))
    # Of the commands in this process none runs beside another.
    monkeypatch.setattr(admission, "EXPIRY", 0.0)


def new_key(terminal: Terminal) -> dict[str, str]:
    said = terminal("new-key")
    assert said.status == 0
    assert "Keep it" in said.err
    return json.loads(said.out)


def test_a_store_is_sealed_from_the_first_key_on_and_rotated_to_the_next(
    terminal: Terminal, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = terminal("refine", TEXT)
    assert b"unmistakable" in store.read_bytes()
    refused = terminal("rotate-keys")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert f"{KEYS} is not set" in refused.err
    one, two = new_key(terminal), new_key(terminal)
    monkeypatch.setenv(KEYS, json.dumps(one))
    sealed = terminal("refine", TEXT)
    done = terminal("rotate-keys")
    assert (done.status, done.err) == (0, "")
    assert f"of 2 sessions are sealed with {next(iter(one))!r}" in done.out.decode()
    assert b"unmistakable" not in store.read_bytes()
    monkeypatch.setenv(KEYS, json.dumps(two | one))
    done = terminal("rotate-keys")
    assert f"Nothing is sealed with {next(iter(one))!r} any more" in done.out.decode()
    monkeypatch.setenv(KEYS, json.dumps(two))
    for said in (plain, sealed):
        assert TEXT in terminal("export", said.session_id, "--format", "markdown").out.decode()
    assert "set" in terminal("doctor").out.decode().partition(f"{KEYS}=")[2][:4]


def test_a_search_says_what_it_saw(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS, json.dumps(new_key(terminal)))
    made = terminal("refine", TEXT)
    found = terminal("sessions", "--search", "GENERIC")
    assert "unmistakable" in found.out.decode()
    assert SEALED in found.err
    missed = terminal("sessions", "--search", "unmistakable")
    assert missed.out == b""
    assert SEALED in missed.err
    listed = terminal.json("sessions", "--json", "--search", made.session_id[:9])
    assert listed["searched"].startswith(SEALED)
    assert "searched" not in terminal.json("sessions", "--json")
    wired = server.Wired.of(server.Settings())
    asyncio.run(_tool_says_so(wired.server(), wired.lifetime, listed["sessions"][0]["last_used"][:10]))


async def _tool_says_so(mcp: FastMCP, lifetime: Lifetime, day: str) -> None:
    async with Client(mcp) as client:
        found: Any = await client.call_tool("list_sessions", {"search": day})
        assert "unmistakable" in found.content[0].text
        assert found.content[0].text.splitlines()[-1].startswith(SEALED)
        missed: Any = await client.call_tool("list_sessions", {"search": "unmistakable"})
        assert missed.content[0].text.startswith(f"No session matches. {SEALED}")
        plain: Any = await client.call_tool("list_sessions", {})
        assert SEALED not in plain.content[0].text
    await lifetime.drain()


def test_a_wrong_key_or_none_is_refused_in_one_line_everywhere(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, wrong = new_key(terminal), new_key(terminal)
    monkeypatch.setenv(KEYS, json.dumps(key))
    made = terminal("refine", TEXT)
    for given, told in (
        ("", "and no key is set"),
        (json.dumps(wrong), f"sealed with the key {next(iter(key))!r}, not among"),
    ):
        monkeypatch.setenv(KEYS, given)
        for words in (("sessions",), ("show", made.session_id), ("refine", TEXT), ("rotate-keys",)):
            said = terminal(*words)
            assert said.status == 1
            assert told in said.err or f"{KEYS} is not set" in said.err
            assert [secret for secret in (*key.values(), *wrong.values()) if secret in said.err] == []
        assert told in terminal("doctor").out.decode()
    # Its host keeps standard input open: closed, it would end the server too.
    with start("serve", environment={KEYS: json.dumps(wrong)}, cwd=tmp_path, stdin=subprocess.PIPE) as served:
        assert served.wait(60) == 1
        assert served.stdout is not None
        assert served.stderr is not None
        assert served.stdout.read() == b""
        assert b"not among the keys" in served.stderr.read()


def test_an_http_server_without_the_key_ends_at_its_start(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEYS, json.dumps(new_key(terminal)))
    assert terminal("refine", TEXT).status == 0
    served = run("serve", "--http", "--port", str(free_port()), environment={KEYS: ""}, cwd=tmp_path)
    assert (served.status, served.out) == (1, b"")
    assert "The store is sealed, with the key" in served.err


def test_a_key_that_is_lost_is_given_up_and_what_it_sealed_can_be_forgotten(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, key = new_key(terminal), new_key(terminal)
    monkeypatch.setenv(KEYS, json.dumps(lost))
    made = terminal("refine", TEXT)
    (name,) = lost
    assert "is there" in terminal("rotate-keys", "--give-up", name).err
    monkeypatch.setenv(KEYS, json.dumps(key))
    assert terminal("sessions").status == 1
    assert "knows of no key" in terminal("rotate-keys", "--give-up", "other").err
    assert terminal("rotate-keys", "--give-up", name).status == 0
    (listed,) = terminal.json("sessions", "--json")["sessions"]
    assert (listed["session_id"], listed["title"]) == (made.session_id, "")
    assert f"is sealed with the key {name!r}" in terminal("show", made.session_id).err
    assert terminal("rotate-keys").status == 1
    assert terminal("forget", made.session_id, "--yes").status == 0
    assert terminal("refine", TEXT).status == 0
    assert terminal("rotate-keys").status == 0


def test_what_waits_on_the_disk_under_a_key_that_is_lost_is_told_and_goes_with_its_owner(
    terminal: Terminal, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, key = new_key(terminal), new_key(terminal)
    monkeypatch.setenv(KEYS, json.dumps(lost))
    assert terminal("refine", TEXT).status == 0

    async def leave() -> None:
        keyring = Keyring.read(json.dumps(lost))
        spool = Spool(tmp_path / "spool", f"sqlite:///{store}", limit=1_000_000, keyring=keyring)
        await spool.put([append("hers", 1, opening=True, owner=ANN)])
        await spool.close()

    asyncio.run(leave())
    monkeypatch.setenv(KEYS, json.dumps(key))
    given_up = terminal("rotate-keys", "--give-up", *lost)
    assert given_up.status == 0
    assert "entries do not open that wait to be stored: of hers. They stay" in given_up.err
    hers = terminal("export", "--all", "--owner", ANN, "-o", str(tmp_path / "hers.zip"))
    assert hers.status == 1
    assert "are not in it, since they do not open" in hers.err
    (tmp_path / "his.json").write_text('{"companions": {"generic": {"run_log": [{"query": "Why?", "draft": "So."}]}}}')
    assert terminal("import", str(tmp_path / "his.json"), "--owner", BOB).status == 0
    assert terminal("export", "--all", "--owner", BOB, "-o", str(tmp_path / "his.zip")).status == 0
    assert "1 entry on this machine's disk erased" in terminal("erase", "--owner", ANN, "--yes").out.decode()
    assert "Nobody of that name" in terminal("export", "--all", "--owner", ANN, "-o", str(tmp_path / "hers.zip")).err


def test_what_ended_processes_kept_is_brought_home_first_and_what_is_held_keeps_the_keys(
    terminal: Terminal, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key(terminal), new_key(terminal)
    url, folder = f"sqlite:///{store}", tmp_path / "spool"
    monkeypatch.setenv(KEYS, json.dumps(old))
    assert terminal("refine", TEXT).status == 0

    async def leave() -> None:
        spool = Spool(folder, url, limit=1_000_000, keyring=Keyring.read(json.dumps(old)))
        await spool.put([append("left", 1, opening=True)])
        await spool.close()

    async def rotated_beside_a_server() -> Any:
        spool = Spool(folder, url, limit=1_000_000)
        await spool.put([append("held", 1, opening=True)])
        said = await asyncio.to_thread(run, "rotate-keys", environment={KEYS: json.dumps(new | old)})
        await spool.forget("held")
        await spool.close()
        return said

    asyncio.run(leave())
    monkeypatch.setenv(KEYS, json.dumps(new | old))
    said = asyncio.run(rotated_beside_a_server())
    assert said.status == 1
    assert "1 file" in said.err
    assert b"Nothing is sealed with" not in said.out
    done = terminal("rotate-keys")
    assert (done.status, done.err) == (0, "")
    assert f"Nothing is sealed with {next(iter(old))!r} any more" in done.out.decode()
    assert asyncio.run(_keys_of(url, "left")) == {next(iter(new))}


async def _keys_of(url: str, session_id: str) -> set[str]:
    opened = open_store(url)
    try:
        return {entry.meta["sealed"]["key"] for entry in await opened.page(session_id)}
    finally:
        await opened.close()


def test_a_sealed_store_is_copied_without_a_key(
    terminal: Terminal, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = new_key(terminal), tmp_path / "other.db"
    monkeypatch.setenv(KEYS, json.dumps(key))
    made = terminal("refine", TEXT)
    monkeypatch.delenv(KEYS)
    copied = terminal("copy", "--from", f"sqlite:///{store}", "--to", f"sqlite:///{other}")
    assert copied.status == 0
    assert b"unmistakable" not in other.read_bytes()
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{other}")
    assert "and no key is set" in terminal("show", made.session_id).err
    monkeypatch.setenv(KEYS, json.dumps(key))
    assert "unmistakable" in terminal("show", made.session_id).out.decode()
