"""The commands about a whole store: ``prune``, ``copy`` and ``backup``."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import server
from companions.entries import Entry
from sessions.store import Append, Opening, Projection, Store
from sessions.stores.sqlite.store import SQLiteStore
from terminal import app
from terminal.program import Program, Surroundings
from tests.terminal.commands import Said, Terminal, run, start

AROUND = Surroundings(environment={}, variables=server.VARIABLES)
DAY = 86_400.0
SHA256 = re.compile(r"^sha256 ([0-9a-f]{64})$", re.MULTILINE)


def on(path: Path, work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Do something with a store of one's own, as another program would."""

    async def done() -> Any:
        store = SQLiteStore(path)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(done())


def session(session_id: str, days: float = 0.0, texts: int = 1, text: str = "T") -> Callable[[Store], Awaitable[Any]]:
    """Store a session that was last used so many days ago."""
    at = time.time() - days * DAY
    place: dict[str, Any] = {"companion_type": "generic", "kind": "pick", "slot": 0, "author": "local", "at": at}
    entries = tuple(Entry(seq=n, id=f"{session_id}-{n}", text=f"{text} {n}", **place) for n in range(1, texts + 1))
    opening = Opening(session_id=session_id, owner="local", created_at=at)

    async def write(store: Store) -> None:
        await store.append([Append(session_id=session_id, entries=entries, opening=opening)])
        shown = Projection(session_id=session_id, seq=texts, title=text, last_used=at, preview="")
        await store.project([shown])

    return write


def digest_of(said: Said) -> str:
    found = SHA256.search(said.out.decode())
    assert found is not None, said.out
    return found[1]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return tmp_path / "other.db"


@pytest.mark.parametrize("command", ["prune", "copy", "backup"])
def test_help_names_the_command_and_it_has_its_own(terminal: Terminal, command: str) -> None:
    assert f"    {command}" in terminal("--help").out.decode()
    assert terminal(command, "--help").status == 0


def test_prune_says_what_it_would_do_and_then_does_it(terminal: Terminal, store: Path) -> None:
    for name, days in (("old", 100.0), ("older", 200.0), ("fresh", 1.0)):
        on(store, session(name, days))
    tried = terminal("prune", "--delete", "90d", "--dry-run")
    assert (tried.status, tried.err) == (0, "")
    assert re.fullmatch(
        r"2 of 3 sessions would be deleted\.\nBefore: 3 sessions, 3 entries, \d+ kB\.\n",
        tried.out.decode(),
    )
    done = terminal("prune", "--delete", "90d")
    assert done.status == 0
    assert re.fullmatch(
        r"2 of 3 sessions deleted\.\n"
        r"Before: 3 sessions, 3 entries, \d+ kB\.\nNow: 1 session, 1 entry, \d+ kB\.\n",
        done.out.decode(),
    )
    assert terminal("sessions").out.decode().split()[0] == "fresh"
    assert [file.name for file in store.parent.iterdir()] == [store.name]


def test_prune_keeps_to_the_setting(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on(store, session("old", 100))
    on(store, session("older", 400))

    def told(retention: str) -> tuple[int, str, str]:
        def program() -> Program:
            return replace(server.program(), retention=retention)

        status = app.run(["prune"], program=program, surroundings=AROUND)
        said = capsys.readouterr()
        return status, said.out, said.err

    assert told("keep")[:2] == (0, "")
    assert told("archive=30d")[:2] == (0, "")
    status, out, err = told("archive=30d,delete=300d")
    assert (status, err) == (0, "")
    assert "1 of 2 sessions deleted. Archived: 1." in out
    status, out, err = told("soon")
    assert (status, out) == (1, "")
    assert "'soon' does not say how long sessions are kept" in err


def test_prune_leaves_a_store_alone_that_another_process_prunes(terminal: Terminal, store: Path) -> None:
    on(store, session("old", 100))
    on(store, lambda opened: opened.lease("prune", "another", 60))
    said = terminal("prune", "--delete", "1d")
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert "Another process prunes this store." in said.err


@pytest.mark.parametrize("age", ["", "90", "0h", "0d", "-1d", "keep", "1d,archive=1h"])
def test_prune_refuses_an_age_that_is_none(terminal: Terminal, age: str) -> None:
    said = terminal("prune", f"--delete={age}")
    assert (said.status, said.out) == (2, b"")
    assert f"it must be 1 or more hours, days or weeks, like 12h or 90d, not {age!r}" in said.err


def test_a_copy_is_shown_and_goes_on_as_the_original_would(
    terminal: Terminal, store: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal("refine", "Alot of snow \N{SNOWMAN}.").status == 0
    (listed,) = terminal.json("sessions", "--json")["sessions"]
    urls = ("--from", f"sqlite:///{store}", "--to", f"sqlite:///{other}")
    said = run("copy", *urls)
    assert said.status == 0
    assert re.match(r"\d+ entries copied; 1 session compared, the same in both stores\.\n", said.out.decode())
    assert re.match(r"companions: 0 of 1 session done, \d+ entries copied\n", said.err)
    again = terminal("copy", *urls)
    assert again.status == 0
    assert again.out.decode().startswith("0 entries copied; 1 session compared")
    assert digest_of(again) == digest_of(said)
    words = [("sessions",), ("show", listed["session_id"])]
    told = [terminal(*each).out for each in words]
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{other}")
    assert [terminal(*each).out for each in words] == told
    assert terminal("refine", "Alot of rain.", "--session", listed["session_id"]).status == 0


def test_a_copy_that_was_killed_is_taken_up_by_the_next(store: Path, other: Path) -> None:
    for number in range(12):
        on(store, session(f"s{number}", texts=600, text="x" * 500))
    urls = ("--from", f"sqlite:///{store}", "--to", f"sqlite:///{other}")
    with start("copy", *urls) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"companions: 0 of 12 sessions done")
        process.kill()
        process.communicate()
    stored: int = on(other, lambda opened: opened.size()).entries
    assert stored > 0
    said = run("copy", *urls)
    assert said.status == 0
    assert said.out.decode().startswith(f"{7_200 - stored:,} entries copied; 12 sessions compared")
    assert on(other, lambda opened: opened.page("s11", limit=1_000)) == on(
        store, lambda opened: opened.page("s11", limit=1_000)
    )


def test_a_copy_that_differs_names_the_session_and_fails(terminal: Terminal, store: Path, other: Path) -> None:
    on(store, session("s1", text="here"))
    on(store, session("s2"))
    on(other, session("s1", text="there"))
    said = terminal("copy", "--from", f"sqlite:///{store}", "--to", f"sqlite:///{other}")
    assert said.status == 1
    assert "1 entry copied; 1 session compared" in said.out.decode()
    assert "not the same in both stores: s1." in said.err
    (entry,) = on(other, lambda opened: opened.page("s1"))
    assert entry.text == "there 1"


def test_a_copy_tells_of_sessions_that_were_forgotten_in_the_target(
    terminal: Terminal, store: Path, other: Path
) -> None:
    on(store, session("s1"))
    urls = ("--from", f"sqlite:///{store}", "--to", f"sqlite:///{other}")
    assert terminal("copy", *urls).status == 0
    on(other, lambda opened: opened.tombstone("s1"))
    said = terminal("copy", *urls)
    assert said.status == 0
    assert "left so: s1." in said.err


def test_a_copy_between_what_are_no_two_stores_is_wrong_use(terminal: Terminal, store: Path, other: Path) -> None:
    on(store, session("s1"))
    here = f"sqlite:///{store}"
    for words, told in (
        ((), "required"),
        (("--from", here), "required"),
        (("--from", here, "--to", here), "the same store"),
        (("--from", here, "--to", "memory://"), "in memory"),
        (("--from", here, "--to", "nosuch://me:secret@host/1"), "There is no store for 'nosuch'."),
        (("--from", f"sqlite:///{other}", "--to", here), "There is no file"),
    ):
        said = terminal("copy", *words)
        assert (said.status, said.out) == (2, b"")
        assert told in said.err
        assert "secret" not in said.err
    assert not other.exists()


def test_a_copy_from_what_is_no_store_fails_in_a_line(terminal: Terminal, store: Path, other: Path) -> None:
    other.write_text("a" * 5_000)
    said = terminal("copy", "--from", f"sqlite:///{other}", "--to", f"sqlite:///{store}")
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert "is not a store of this program" in said.err


def test_a_backup_holds_what_the_store_holds(
    terminal: Terminal, store: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal("refine", "Alot of snow.").status == 0
    said = terminal("backup", str(other))
    assert (said.status, said.out) == (0, b"")
    refused = terminal("backup", str(other))
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    told = terminal("sessions").out
    store.unlink()
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{other}")
    assert terminal("sessions").out == told


def test_a_backup_of_nothing_or_of_another_kind_of_store_is_refused(
    terminal: Terminal, store: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = terminal("backup", str(other))
    assert (missing.status, missing.err.count("\n")) == (1, 1)
    assert "There is no store" in missing.err
    monkeypatch.setenv("COMPANIONS_STORE", "memory://")
    memory = terminal("backup", str(other))
    assert (memory.status, memory.err.count("\n")) == (1, 1)
    assert "companions copy" in memory.err
    assert not store.exists()
    assert not other.exists()
