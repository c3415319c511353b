"""The commands ``install`` and ``uninstall`` about one file of a test's own."""

import json
from pathlib import Path
from typing import Any

from tests.terminal.commands import Said, Terminal

OTHER: dict[str, Any] = {"command": "/bin/other", "args": ["--flag"], "env": {"KEY": "k"}}
"""A server of somebody else."""


class Installer:
    """The commands about one file."""

    def __init__(self, terminal: Terminal, file: Path) -> None:
        self.terminal, self.file = terminal, file

    def __call__(self, command: str, host: str = "gemini", *words: str) -> Said:
        return self.terminal(command, host, "--config", str(self.file), *words)

    def refused(self, *words: str) -> str:
        """Run a command that must fail and change nothing; gives its one line."""
        before = self.file.read_bytes() if self.file.is_file() else None
        said = self(*words)
        assert said.status == 1
        assert said.err.count("companions: ") == 1
        assert (self.file.read_bytes() if self.file.is_file() else None) == before
        return said.err

    def written(self, content: bytes | str) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(content if isinstance(content, bytes) else content.encode())

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.file.parent.iterdir())

    def entry(self, section: str = "mcpServers", name: str = "companions") -> dict[str, Any]:
        return json.loads(self.file.read_bytes().decode("utf-8-sig"))[section][name]
