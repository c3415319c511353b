"""Commands whose store does not answer: they say so soon, and which one it is."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sessions.writing import log_of
from tests.terminal.commands import Terminal

SECONDS = 8.0
"""No server is waited for so long: two seconds are a server's own bound, and a busy machine takes its time."""


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the URL of a server that takes connections and never says a word, as a frozen one does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


@pytest.mark.parametrize("name", ["COMPANIONS_STORE", "--to"])
def test_a_store_that_does_not_answer_is_named_within_seconds(
    terminal: Terminal, store: Path, silent: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    store.touch()  # a store without sessions
    words = ("prune", "--delete", "1d")
    if name == "--to":
        words = ("copy", "--from", f"sqlite:///{store}", "--to", silent)
    else:
        monkeypatch.setenv(name, silent)
    begun = time.monotonic()
    with log_of("companions.store"):
        said = terminal(*words)
    assert time.monotonic() - begun < SECONDS
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert f"companions: {name}: The store did not answer in time. Look whether it runs" in said.err


def test_doctor_does_not_wait_for_a_store_that_is_silent_to_be_counted(
    terminal: Terminal, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_STORE", silent)
    begun = time.monotonic()
    with log_of("companions.store"):
        said = terminal("doctor")
    assert time.monotonic() - begun < SECONDS
    assert said.status == 1
    assert f"wrong  Store {silent}: The store did not answer in time." in said.out.decode()
