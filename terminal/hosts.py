r"""The hosts that ``companions install`` knows: where each keeps its servers, in which form, and how it sees a change.

It reads and writes nothing. The places and forms are those of the hosts' own documents, of November 2026:

- Claude Desktop: modelcontextprotocol.io/docs/develop/connect-local-servers; as a package of Windows (MSIX) it reads
  the same path below ``%LOCALAPPDATA%\Packages\Claude_*\LocalCache``: github.com/anthropics/claude-code/issues/26073
- Claude Code: code.claude.com/docs/en/mcp (scope "user"); ``CLAUDE_CONFIG_DIR`` moves the file:
  github.com/anthropics/claude-code/issues/48448
- Codex: developers.openai.com/codex/mcp and /codex/config-reference; ``CODEX_HOME`` moves the folder
- Gemini CLI: geminicli.com/docs/tools/mcp-server, /docs/reference/configuration; ``GEMINI_CLI_HOME`` moves the folder
- Cursor: cursor.com/docs/context/mcp
- VS Code: code.visualstudio.com/docs/agents/reference/mcp-configuration and /docs/configure/profiles
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from terminal import json_editing, toml_editing
from terminal.text_editing import Entry, Format, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides where a host keeps its configuration.

    Attributes:
        system: As ``sys.platform`` names it.
        home: The person's folder.
        environment: What may move the folders of hosts.
    """

    system: str
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def of_process(cls, environment: Mapping[str, str]) -> "Machine":
        """Give this one."""
        return cls(system=sys.platform, home=Path.home(), environment=environment)

    def folder(self, variable: str, *default: str) -> Path:
        """Give the folder that a variable names, else one below the person's."""
        given = self.environment.get(variable)
        return Path(given) if given else self.home.joinpath(*default)

    def data_of_programs(self) -> Path:
        """Give where programs of the desktop keep what is the person's."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        if self.system == "win32":
            return self.folder("APPDATA", "AppData", "Roaming")
        return self.folder("XDG_CONFIG_HOME", ".config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A program that starts MCP servers.

    Attributes:
        name: On the command line.
        title: As people know it.
        file: Gives its configuration.
        section: The key there that holds all servers.
        further: What an entry says beside command, arguments and environment.
        format: How the configuration is written.
        strict: Whether it is JSON without comments and trailing commas.
        next: What to do for it to see a change.
        replaces: Finds what the host would take for a variable, and replace, in a value of the environment.
    """

    name: str
    title: str
    file: Callable[[Machine], Path]
    section: str = "mcpServers"
    further: Entry = field(default_factory=dict[str, str])
    format: Format = json_editing
    strict: bool = False
    next: str
    replaces: re.Pattern[str] | None = None

    def place(self, name: str) -> Place:
        """Say where an entry of that name stands."""
        return Place(section=self.section, name=name, strict=self.strict)


def _claude_desktop(machine: Machine) -> Path:
    inside, name = machine.data_of_programs() / "Claude", "claude_desktop_config.json"
    if machine.system == "win32":
        packages = machine.folder("LOCALAPPDATA", "AppData", "Local") / "Packages"
        inside = next(iter(sorted(packages.glob("Claude_*/LocalCache/Roaming/Claude"))), inside)
    return inside / name


_BRACED = re.compile(r"\$\{")
_STDIO = {"type": "stdio"}

HOSTS = {
    host.name: host
    for host in (
        Host(
            name="claude-desktop",
            title="Claude Desktop",
            file=_claude_desktop,
            strict=True,
            next="Quit Claude Desktop, from its menu and not only its window, and open it again.",
        ),
        Host(
            name="claude-code",
            title="Claude Code",
            file=lambda machine: machine.folder("CLAUDE_CONFIG_DIR") / ".claude.json",
            further=_STDIO,
            strict=True,
            next="Begin a new session of Claude Code; /mcp shows the server.",
            replaces=_BRACED,
        ),
        Host(
            name="codex",
            title="Codex",
            file=lambda machine: machine.folder("CODEX_HOME", ".codex") / "config.toml",
            section="mcp_servers",
            format=toml_editing,
            next="Begin a new session of Codex; /mcp shows the server.",
        ),
        Host(
            name="gemini",
            title="Gemini CLI",
            file=lambda machine: machine.folder("GEMINI_CLI_HOME") / ".gemini" / "settings.json",
            next="Start Gemini CLI again; /mcp shows the server.",
            replaces=re.compile(r"\$(?:\w|\{)"),
        ),
        Host(
            name="cursor",
            title="Cursor",
            file=lambda machine: machine.home / ".cursor" / "mcp.json",
            further=_STDIO,
            next="Start Cursor again; its settings, under MCP, show the server.",
            replaces=_BRACED,
        ),
        Host(
            name="vscode",
            title="VS Code",
            file=lambda machine: machine.data_of_programs() / "Code" / "User" / "mcp.json",
            section="servers",
            further=_STDIO,
            next="In VS Code, run the command `MCP: List Servers` and start the server.",
            replaces=_BRACED,
        ),
    )
}
