"""The commands ``install`` and ``uninstall`` on hosts' configurations as people have them."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminal.hosts import HOSTS
from tests.terminal.commands import Terminal
from tests.terminal.installer import OTHER, Installer

KEY = "sk-nobody-is-to-see-this"


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_without_a_configuration_gets_one_which_goes_with_the_entry(
    host: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")

    said = terminal("install", host)

    assert said.status == 0, said.err
    (file,) = [path for path in Path.home().rglob("*") if path.is_file()]
    assert str(file) in said.err
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    section = (tomllib.loads if host == "codex" else json.loads)(text)[HOSTS[host].section]
    assert Path(section["companions"]["command"]).is_absolute()
    again = terminal("install", host)
    assert "Nothing was changed" in again.err
    assert file.read_text() == text

    assert terminal("uninstall", host).status == 0
    assert not file.exists()
    assert "Nothing was changed" in terminal("uninstall", host).err


@pytest.mark.parametrize(
    ("host", "content"),
    [
        ("gemini", b""),
        ("gemini", b"\n"),
        ("gemini", b"{}"),
        ("claude-desktop", b'{\r\n  "mcpServers": { }\r\n}'),
        ("claude-code", b'{"numStartups":3,"mcpServers":{"a":{"command":"b"}},"z":[1,2]}'),
        ("gemini", b'\xef\xbb\xbf{\n\t"ui": {"theme": "\xc3\xa9"}\n}\n'),
        ("cursor", b'{\n  // mine\n  "mcpServers": {\n    "a": {"url": "https://a"}, // last\n  },\n}\n'),
        ("vscode", b'{\n  "servers": {\n    // none yet\n  },\n  "inputs": []\n}'),
        ("codex", b""),
        ("codex", b'model = "x"'),
        ("codex", b'[mcp_servers.a]\r\ncommand = "b"\r\n\r\n# said\r\n\r\n'),
    ],
)
def test_what_was_there_before_is_there_again_byte_for_byte(host: str, content: bytes, installer: Installer) -> None:
    installer.written(content)

    assert installer("install", host).status == 0
    installed = installer.file.read_bytes()
    assert "Nothing was changed" in installer("install", host).err
    assert installer("install", host, "--env", "COMPANIONS_MODEL=offline").status == 0
    assert installer.file.read_bytes() != installed
    assert installer("uninstall", host).status == 0

    assert installer.file.read_bytes() == content


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    servers=st.none() | st.dictionaries(st.text(max_size=4), st.just(OTHER), max_size=2),
    indent=st.none() | st.integers(0, 4) | st.just("\t"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_stood_in_a_file_stands_there_again(
    servers: Mapping[str, Any] | None, indent: str | int | None, end: str, installer: Installer
) -> None:
    value = {"a": [1, {"b": "ü"}]} if servers is None else {"mcpServers": servers}
    content = json.dumps(value, indent=indent).replace("\n", end).encode()
    installer.written(content)

    assert installer("install").status == 0
    assert installer.entry()["args"][-1] == "serve"
    assert installer("uninstall").status == 0

    assert installer.file.read_bytes() == content


def test_what_others_changed_meanwhile_stays_when_the_entry_goes(installer: Installer) -> None:
    installer.written('{"mcpServers": {}, "numStartups": 1}')
    installer("install", "claude-code")
    installer.written(installer.file.read_text().replace('"numStartups": 1', '"numStartups": 2'))

    installer("uninstall", "claude-code")

    assert installer.file.read_text() == '{"mcpServers": {}, "numStartups": 2}'


def test_what_stood_there_is_copied_and_no_copy_is_written_over(installer: Installer) -> None:
    installer.written("{}\n")
    (installer.file.parent / "settings.json.bak").write_text("somebody's own")
    installer.file.chmod(0o640)

    said = installer("install")

    assert str(installer.file.parent / "settings.json.bak2") in said.err
    assert installer.names == ["settings.json", "settings.json.bak", "settings.json.bak2"]
    assert (installer.file.parent / "settings.json.bak").read_text() == "somebody's own"
    assert (installer.file.parent / "settings.json.bak2").read_text() == "{}\n"
    assert {
        path.stat().st_mode & 0o777 for path in (installer.file, installer.file.with_name("settings.json.bak2"))
    } == {0o640}
    assert installer("uninstall").status == 0
    assert installer("install").status == 0
    assert installer("uninstall").status == 0
    assert installer.names == ["settings.json", *(f"settings.json.bak{number}" for number in ("", 2, 3))]


def test_a_link_stays_one(installer: Installer, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "real.json").write_text('{"mcpServers": {}}')
    installer.file.parent.mkdir()
    installer.file.symlink_to(tmp_path / "dotfiles" / "real.json")

    assert installer("install").status == 0

    assert installer.file.is_symlink()
    assert (tmp_path / "dotfiles" / "real.json.bak").exists()
    assert installer.entry()["args"][-2:] == ["companions", "serve"]


def test_settings_are_given_by_name_and_stay_until_they_are_given_otherwise(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("COMPANIONS_STOPPING", "lossless")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.json").write_text("{}")
    wanted = ["OPENAI_API_KEY", "COMPANIONS_STORE=sqlite:///a.db", "COMPANIONS_LIBRARY=~/types"]
    wanted += ["COMPANIONS_PRICES=prices.json", "COMPANIONS_MODEL=offline", "HTTPS_PROXY=http://me:pw@proxy"]

    said = installer("install", "gemini", *(f"--env={word}" for word in wanted))

    expected = {
        "OPENAI_API_KEY": KEY,
        "COMPANIONS_STORE": f"sqlite:///{tmp_path}/a.db",
        "COMPANIONS_LIBRARY": f"{Path.home()}/types",
        "COMPANIONS_PRICES": f"{tmp_path}/prices.json",
        "COMPANIONS_MODEL": "offline",
        "HTTPS_PROXY": "http://me:pw@proxy",
    }
    assert installer.entry()["env"] == expected
    assert KEY not in said.err + said.out.decode()
    assert "pw@proxy" not in said.err
    assert "OPENAI_API_KEY=***" in said.err
    assert "COMPANIONS_MODEL=offline" in said.err
    assert said.err.rstrip().endswith("to add it: --env COMPANIONS_STOPPING")
    installer("install", "gemini", "--env", "COMPANIONS_MODEL=host")
    assert installer.entry()["env"] == {**expected, "COMPANIONS_MODEL": "host"}


def test_a_host_that_replaces_variables_is_named(installer: Installer) -> None:
    said = installer("install", "gemini", "--env", "OPENAI_API_KEY=a$b")

    assert "Gemini CLI may take $ in OPENAI_API_KEY for a variable" in said.err


def test_what_else_an_entry_of_ours_says_stays(installer: Installer) -> None:
    old = {"command": "/gone/companions", "args": ["serve"], "timeout": 600, "env": {"A": "b"}}
    installer.written(json.dumps({"mcpServers": {"other": OTHER, "companions": old}}))

    assert installer("install").status == 0

    entry = installer.entry()
    assert entry["command"] != "/gone/companions"
    assert (entry["timeout"], entry["env"]) == (600, {"A": "b"})
    assert installer.entry(name="other") == OTHER


@pytest.mark.parametrize("host", HOSTS)
def test_print_shows_the_entry_alone_and_touches_nothing(host: str, installer: Installer) -> None:
    said = installer("install", host, "--print", "--env", f"ANTHROPIC_API_KEY={KEY}")

    assert said.status == 0
    entry = (tomllib.loads if host == "codex" else json.loads)(said.out.decode())[HOSTS[host].section]["companions"]
    assert entry["args"][-1] == "serve"
    assert entry.get("type") == ("stdio" if host in {"claude-code", "cursor", "vscode"} else None)
    assert entry["env"] == {"ANTHROPIC_API_KEY": "***"}
    assert "write it in yourself (ANTHROPIC_API_KEY)" in said.err
    assert not installer.file.parent.exists()
