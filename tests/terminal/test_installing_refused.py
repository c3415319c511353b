"""What keeps ``install`` and ``uninstall`` from changing a configuration: each is told, and nothing is lost."""

import json
import os
import tomllib

import pytest

from companions.errors import CompanionsError
from terminal.configuration_files import ConfigurationFile
from tests.terminal.installer import OTHER, Installer

KEY = "sk-nobody-is-to-see-this"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("COMPANIONS_MODLE=offline", "COMPANIONS_MODLE is no setting. `companions serve --help` lists"),
        ("COMPANIONS_DURABILITY=now", "COMPANIONS_DURABILITY is not set right"),
        ("COMPANIONS_REPLY_SECONDS=-1", "COMPANIONS_REPLY_SECONDS is not set right"),
        ("COMPANIONS_FALLBACK_MODELS=host", "COMPANIONS_FALLBACK_MODELS"),
        ("GOOGLE_API_KEY", "GOOGLE_API_KEY is not set here."),
        ("A B=c", "--env takes NAME=VALUE"),
    ],
)
def test_a_setting_that_the_server_would_refuse_is_refused_at_once(word: str, told: str, installer: Installer) -> None:
    assert told in installer.refused("install", "gemini", "--env", word)
    assert not installer.file.parent.exists()


def test_an_entry_of_somebody_else_is_left_alone_unless_that_is_asked_for(installer: Installer) -> None:
    installer.written(json.dumps({"mcpServers": {"companions": OTHER}}))

    assert "Give --replace" in installer.refused("install")
    assert "Delete it by hand" in installer.refused("uninstall")
    assert installer("install", "gemini", "--name", "mine").status == 0
    assert installer.entry() == OTHER
    assert installer("install", "gemini", "--replace").status == 0
    assert "env" not in installer.entry()
    assert installer.terminal("install", "gemini", "--name", "no spaces").status == 2


@pytest.mark.parametrize(
    ("host", "content", "told"),
    [
        ("gemini", b'{\n  "a": \n}', "settings.json is broken in line 3: Gemini CLI cannot read it."),
        ("claude-desktop", b'{\n"a": 1, // no\n}', "settings.json is broken in line 2: Claude Desktop cannot read it."),
        ("codex", b"a = 1\nb = [\n", "settings.json is broken in line 3: Codex cannot read it."),
        ("gemini", b'{"mcpServers": []}', "settings.json cannot be changed safely: mcpServers is no object."),
        ("gemini", b"{}\n\xff", "settings.json is not UTF-8 text (line 2)."),
    ],
)
def test_a_broken_file_is_refused_with_its_line(host: str, content: bytes, told: str, installer: Installer) -> None:
    installer.written(content)

    assert told in installer.refused("install", host)
    assert told in installer.refused("uninstall", host)
    assert installer.names == ["settings.json"]


def test_where_an_entry_cannot_be_put_in_safely_it_is_printed(installer: Installer) -> None:
    installer.written("mcp_servers = {}\n")

    said = installer("install", "codex", "--env", f"OPENAI_API_KEY={KEY}")

    assert said.status == 1
    assert "Put in the block above by hand. Nothing was changed." in said.err
    printed = tomllib.loads(said.out.decode())["mcp_servers"]["companions"]
    assert printed["env"] == {"OPENAI_API_KEY": "***"}
    assert installer.names == ["settings.json"]


def test_a_read_only_file_and_a_folder_in_its_place_are_refused(installer: Installer) -> None:
    installer.written("{}")
    installer.file.chmod(0o444)
    assert "settings.json is read-only." in installer.refused("install")
    assert installer.names == ["settings.json"]

    installer.file.unlink()
    installer.file.mkdir()
    assert "settings.json cannot be read (is a directory)" in installer.refused("install")
    installer.file.rmdir()
    installer.file.parent.rmdir()
    installer.file.parent.write_text("a file")
    assert "cannot be read (not a directory)" in installer.refused("install")


def test_a_file_that_another_program_changed_meanwhile_is_left_alone(installer: Installer) -> None:
    installer.written("{}")
    read = ConfigurationFile.read(installer.file)
    installer.written('{"new": 1}')

    with pytest.raises(CompanionsError, match=r"was changed by another program just now\. Run the command again\."):
        read.replace("{}")
    installer.file.unlink()
    with pytest.raises(CompanionsError, match="was changed by another program"):
        read.replace("{}")
    assert installer.names == []


def test_a_disk_that_refuses_leaves_the_file_as_it_was(installer: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    installer.written("{}")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "cannot be written (no space left on device). Nothing was changed." in installer.refused("install")
    assert installer.names == ["settings.json", "settings.json.bak"]
