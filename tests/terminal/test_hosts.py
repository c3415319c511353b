"""Where hosts keep their configuration, on each system."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from terminal.hosts import HOSTS, Machine

HOME = Path("/home/ann")
SUPPORT = "Library/Application Support"


def place(host: str, system: str, environment: Mapping[str, str] | None = None, home: Path = HOME) -> str:
    file = HOSTS[host].file(Machine(system=system, home=home, environment=environment or {}))
    return PurePosixPath(file).relative_to(home).as_posix() if file.is_relative_to(home) else file.as_posix()


@pytest.mark.parametrize(
    ("host", "mac", "windows", "linux"),
    [
        (
            "claude-desktop",
            f"{SUPPORT}/Claude/claude_desktop_config.json",
            "AppData/Roaming/Claude/claude_desktop_config.json",
            ".config/Claude/claude_desktop_config.json",
        ),
        ("claude-code", ".claude.json", ".claude.json", ".claude.json"),
        ("codex", ".codex/config.toml", ".codex/config.toml", ".codex/config.toml"),
        ("gemini", ".gemini/settings.json", ".gemini/settings.json", ".gemini/settings.json"),
        ("cursor", ".cursor/mcp.json", ".cursor/mcp.json", ".cursor/mcp.json"),
        (
            "vscode",
            f"{SUPPORT}/Code/User/mcp.json",
            "AppData/Roaming/Code/User/mcp.json",
            ".config/Code/User/mcp.json",
        ),
    ],
)
def test_each_system_has_its_place(host: str, mac: str, windows: str, linux: str) -> None:
    assert place(host, "darwin") == mac
    assert place(host, "win32") == windows
    assert place(host, "linux") == linux


@pytest.mark.parametrize(
    ("host", "system", "variable", "file"),
    [
        ("claude-desktop", "linux", "XDG_CONFIG_HOME", "/there/Claude/claude_desktop_config.json"),
        ("vscode", "win32", "APPDATA", "/there/Code/User/mcp.json"),
        ("claude-code", "darwin", "CLAUDE_CONFIG_DIR", "/there/.claude.json"),
        ("codex", "linux", "CODEX_HOME", "/there/config.toml"),
        ("gemini", "linux", "GEMINI_CLI_HOME", "/there/.gemini/settings.json"),
    ],
)
def test_a_host_s_own_variable_moves_its_place(host: str, system: str, variable: str, file: str) -> None:
    assert place(host, system, {variable: "/there"}) == file


def test_claude_desktop_as_a_package_of_windows_reads_another_file(tmp_path: Path) -> None:
    packaged = tmp_path / "AppData" / "Local" / "Packages" / "Claude_x1" / "LocalCache" / "Roaming" / "Claude"
    packaged.mkdir(parents=True)

    assert tmp_path / place("claude-desktop", "win32", home=tmp_path) == packaged / "claude_desktop_config.json"
