import asyncio
import socket
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import server
from terminal import app
from terminal.options import described
from terminal.program import Program, Surroundings, drained
from tests.terminal.commands import Terminal, run

AROUND = Surroundings(environment={}, variables=server.VARIABLES)
COMMANDS = [
    "serve",
    "refine",
    "consult",
    "sessions",
    "show",
    "export",
    "fork",
    "forget",
    "patterns",
    "prune",
    "copy",
    "backup",
    "install",
    "uninstall",
    "doctor",
]


def test_the_version_is_the_distributions(terminal: Terminal) -> None:
    assert terminal("--version").out.decode() == f"companions {version('persistent-companions')}\n"


def test_help_names_every_command_and_each_has_its_own(terminal: Terminal) -> None:
    told = terminal("--help").out.decode()
    for command in COMMANDS:
        assert f"    {command}" in told
        assert terminal(command, "--help").status == 0
    nothing = terminal()
    assert (nothing.status, nothing.out) == (2, b"")
    assert "refine" in nothing.err


def test_serve_help_lists_every_setting_with_its_default_within_80_columns(terminal: Terminal) -> None:
    told = terminal("serve", "--help").out.decode()
    for line in described(server.VARIABLES):
        name, _, words = line.partition("  ")
        assert f"\n  {name}\n" in told
        assert "".join(words.split()) in "".join(told.split())  # a path is broken where no space is
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - it is to be refused
def test_an_address_that_others_reach_is_refused_before_anything_is_opened(
    terminal: Terminal, store: Path, host: str
) -> None:
    said = terminal("serve", "--http", "--host", host)
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert "no authentication" in said.err
    assert not store.exists()


def test_a_port_in_use_is_a_clear_error(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = terminal("serve", "--http", "--port", str(port))
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert f"Port {port} on 127.0.0.1 cannot be had" in said.err


@pytest.mark.parametrize("words", [("--port", "0"), ("--port", "65536"), ("--port", "x"), ("--nonsense",)])
def test_a_command_line_that_cannot_be_read_is_refused(terminal: Terminal, words: tuple[str, ...]) -> None:
    said = terminal("serve", "--http", *words)
    assert (said.status, said.out) == (2, b"")


def test_an_address_without_http_is_refused(terminal: Terminal) -> None:
    for words in (("--port", "9000"), ("--metrics",)):
        assert "Add --http" in terminal("serve", *words).err


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("COMPANIONS_REPLY_SECONDS", "-1", "COMPANIONS_REPLY_SECONDS is not set right"),
        ("COMPANIONS_LOG_LEVEL", "x", "COMPANIONS_LOG_LEVEL is not set right (input should be 'DEBUG',"),
        ("COMPANIONS_STORE", "nosuch://x", "There is no store for 'nosuch'"),
        (
            "COMPANIONS_STORE",
            "me:hunter2@host/db",
            "There is no store for 'me'. Set COMPANIONS_STORE to sqlite:///PATH",
        ),
        ("COMPANIONS_DURABILITY", "soon", "COMPANIONS_DURABILITY is not set right (input should be 'committed' or"),
        ("COMPANIONS_SPOOL_LIMIT", "64 MB", "COMPANIONS_SPOOL_LIMIT is not set right (input should be a valid integer"),
        ("COMPANIONS_RETENTION", "soon", "'soon' does not say how long sessions are kept. Set COMPANIONS_RETENTION to"),
        ("COMPANIONS_RETENTION", "archive=9d,delete=1d", "'archive=9d,delete=1d' deletes sessions sooner than it"),
    ],
)
def test_a_wrong_setting_is_named_in_a_sentence(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    said = terminal("sessions")
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert told in said.err
    looked = terminal("doctor")
    assert looked.status == 1
    assert f"wrong  {told}" in looked.out.decode()


def test_doctor_finds_nothing_wrong_with_a_fresh_machine(terminal: Terminal, store: Path) -> None:
    said = terminal("doctor")
    lines = said.out.decode().splitlines()
    assert said.status == 0
    assert all(line.startswith("ok ") for line in lines)
    for told in ("fastmcp ", "langchain-core ", f"{store}: not there yet", "offline editor", "strategy"):
        assert any(told in line for line in lines)


def test_doctor_counts_sessions_and_names_broken_companion_files_by_line(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal("refine", "Alot of snow.").status == 0
    (tmp_path / "types").mkdir()
    (tmp_path / "types" / "mine.md").write_text("---\nname: mine\ncolour: red\n---\n")
    monkeypatch.setenv("COMPANIONS_LIBRARY", str(tmp_path / "types"))
    said = terminal("doctor")
    assert said.status == 1
    assert ": 1 session," in said.out.decode()
    assert "wrong  Companion type: mine.md, line 3: colour: there is no such setting." in said.out.decode()


def test_doctor_says_which_model_writes_and_never_shows_a_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:some-model")

    def told(**settings: str) -> tuple[int, str]:
        def program() -> Program:
            return replace(server.program(), settings=settings, unknown_settings=("COMPANIONS_MODLE",))

        return app.run(["doctor"], program=program, surroundings=AROUND), capsys.readouterr().out

    status, out = told(COMPANIONS_MODEL="openai:some-model", OPENAI_API_KEY="set")
    assert status == 0
    assert "ok     Model: openai:some-model writes (COMPANIONS_MODEL); a key is set" in out
    assert "note   COMPANIONS_MODLE is no setting." in out
    assert "sk-secret" not in out
    status, out = told(COMPANIONS_MODEL="openai:some-model")
    assert status == 1
    assert "Set OPENAI_API_KEY." in out
    status, out = told(OPENAI_BASE_URL="http://me:pass-w@rd@127.0.0.1:1/v1")
    assert status == 0
    assert out.count("http://me:***@127.0.0.1:1/v1") == 2
    assert "rd@" not in out


def test_a_store_that_cannot_be_opened_is_told_by_doctor(tmp_path: Path) -> None:
    said = run("doctor", environment={"COMPANIONS_STORE": f"sqlite:///{tmp_path}"})
    assert said.status == 1
    assert "wrong  Store" in said.out.decode()
    assert "Traceback" not in said.err


def test_what_is_stopped_in_the_middle_is_drained_all_the_same() -> None:
    drains: list[str] = []

    async def drain() -> None:
        drains.append("drained")

    program = replace(server.program(), drain=drain)

    async def stop_in_the_middle() -> None:
        begun = asyncio.Event()

        async def work() -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(drained(program, work()))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(stop_in_the_middle())
    assert drains == ["drained"]
