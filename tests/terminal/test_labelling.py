"""The commands ``title``, ``pin`` and ``unpin``, and what ``sessions`` lists of them."""

import pytest

from tests.terminal.commands import Terminal


def test_sessions_are_titled_and_pinned_by_commands(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "offline")
    first, second = (terminal("refine", text).session_id for text in ("A first text.", "A second text."))
    assert terminal("title", first, "Prices \x1b]0;x").status == 1
    said = terminal("title", first, "Prices, {spring}")
    assert (said.status, said.err) == (0, f"Session {first} has the title: Prices, {{spring}}\n")
    assert terminal("pin", first).err == f"Session {first} is pinned.\n"
    body = terminal.json("sessions", "--json")["sessions"]
    assert [(each["session_id"], each["title"], each.get("pinned")) for each in body] == [
        (first, "Prices, {spring}", True),
        (second, "Improve this text: A second text.", None),
    ]
    assert "[pinned] Prices, {spring}" in terminal("sessions").out.decode()
    assert terminal("unpin", first).status == 0
    assert "pinned" not in terminal.json("show", first, "--json")["session"]
    unknown = terminal("pin", "nobody")
    assert (unknown.status, unknown.out) == (1, b"")
    assert "There is no session 'nobody'." in unknown.err
