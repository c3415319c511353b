"""What every test of the terminal has: a store of its own, and commands that use it."""

from pathlib import Path

import pytest

from tests.terminal.commands import Terminal
from tests.terminal.installer import Installer


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test an empty store, in this process and in those that it starts."""
    path = tmp_path / "sessions.db"
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{path}")
    return path


@pytest.fixture
def terminal(capsysbinary: pytest.CaptureFixture[bytes]) -> Terminal:
    """Give what runs commands in this process."""
    return Terminal(capsysbinary)


@pytest.fixture
def installer(terminal: Terminal, tmp_path: Path) -> Installer:
    """Give what installs into a configuration that is not there yet, nor its folder."""
    return Installer(terminal, tmp_path / "host" / "settings.json")
