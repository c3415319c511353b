"""The commands ``history``, ``correct`` and ``leave-out``."""

from pathlib import Path

import pytest

from tests.terminal.commands import Terminal


def test_a_history_is_listed_searched_corrected_and_left_out_by_commands(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "offline")
    session = terminal("refine", "A first {text}.").session_id
    assert "Answer 0 (version 0, seen by the next draft):\nA first {text}." in terminal("history", session).out.decode()
    (tmp_path / "mended.txt").write_text("A mended {text} %s.")
    said = terminal("correct", session, "--slot", "0", "--answer", "--file", str(tmp_path / "mended.txt"))
    assert (said.status, said.err) == (0, "The answer of slot 0 of generic is corrected.\n")
    said = terminal("correct", session, "--slot", "0", "--answer", "--text", "A mended {text} %s.")
    assert said.err == "The answer of slot 0 of generic says so already.\n"
    assert terminal("leave-out", session, "--slot", "0").err == "Later drafts of generic do not see slot 0.\n"
    told = terminal("history", session, "--search", "MENDED").out.decode()
    assert told == "Answer 0 (version 0, corrected, left out):\nA mended {text} %s.\n"
    assert terminal("leave-out", session, "--slot", "0", "--back").err == "Later drafts of generic see slot 0.\n"
    listed = terminal.json("history", session, "--json")["messages"]
    assert [(each["type"], each["in_window"]) for each in listed] == [("human", True), ("ai", True)]
    shown = terminal("show", session).out.decode()
    assert "A mended {text} %s." in shown
    assert "Before it was:\n\nA first {text}." in shown
    log = terminal.json("export", session)["run_logs"]["generic"]
    assert [each["text"] for each in log[0]["replaced"]] == ["A first {text}."]
    assert "No message has these words." in terminal("history", session, "--search", "nowhere").err
    missing = terminal("correct", session, "--slot", "7", "--query", "--text", "What?")
    assert (missing.status, "There is no slot 7." in missing.err) == (1, True)
