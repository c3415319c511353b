import io
import json
from pathlib import Path

import pytest

from terminal import records
from tests.terminal.commands import MEMO, Said, Terminal, run, start

MIB = "alot {0} %d \N{SNOWMAN} \\ \" '\n"


def refined(terminal: Terminal, *words: str) -> Said:
    said = terminal("refine", *words)
    assert said.status == 0, said.err
    return said


def test_after_its_process_is_gone_every_version_is_shown_byte_for_byte() -> None:
    said = run("refine", "--file", str(MEMO))
    shown = run("show", said.session_id)
    assert shown.status == 0
    log = json.loads(run("export", said.session_id).out)["run_logs"]["generic"][0]
    assert log["draft"].encode() == MEMO.read_bytes()
    assert log["revision"][-1].encode() == said.out
    for text in (log["draft"], *log["critique"], *log["revision"]):
        assert text.encode() in shown.out


def test_a_text_longer_than_any_page_is_shown_and_exported_whole(terminal: Terminal, tmp_path: Path) -> None:
    text = MIB * 6_000
    (tmp_path / "long.md").write_text(text)
    said = refined(terminal, "--file", str(tmp_path / "long.md"), "--max-iterations", "1")
    log = terminal.json("export", said.session_id)["run_logs"]["generic"][0]
    assert log["draft"] == text
    shown = terminal("show", said.session_id).out.decode()
    assert text in shown
    assert log["revision"][0] in shown


def test_an_export_is_readable_json_of_the_overview_and_every_companions_run_log(terminal: Terminal) -> None:
    said = refined(terminal, "Alot of sn\u00f6w.")
    refined(terminal, "Alot of rain.", "--session", said.session_id, "--companion", "strategy")
    exported = terminal("export", said.session_id).out.decode()
    assert "sn\u00f6w" in exported
    body = json.loads(exported)
    assert body["session"]["session_id"] == said.session_id
    assert {name: log[0]["draft"] for name, log in body["run_logs"].items()} == {
        "generic": "Alot of sn\u00f6w.",
        "strategy": "Alot of rain.",
    }
    assert set(body["run_logs"]["generic"][0]) >= {"query", "draft", "critique", "revision", "variant", "sampling"}
    assert terminal.json("show", said.session_id, "--json") == body
    one = terminal.json("show", said.session_id, "--companion", "strategy", "--json")
    assert one["run_logs"] == {"strategy": body["run_logs"]["strategy"]}


def test_a_session_of_many_pages_is_exported_whole(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refined(terminal, "--file", str(MEMO))
    whole = terminal.json("export", said.session_id)
    monkeypatch.setattr(records, "PAGE", 2)
    assert terminal.json("export", said.session_id) == whole
    assert len(whole["run_logs"]["generic"][0]["revision"]) == 2


def test_every_command_lets_go_of_the_store_also_one_that_fails(terminal: Terminal, store: Path) -> None:
    said = refined(terminal, "Alot of snow.")
    for words in (
        ("sessions",),
        ("show", said.session_id),
        ("show", "nothing"),
        ("refine", "--session", "nothing"),
        ("doctor",),
    ):
        terminal(*words)
        # SQLite takes its log away when the last connection is closed.
        assert [file.name for file in store.parent.iterdir()] == [store.name]


def test_the_thinking_of_all_companions_is_shown_unless_one_is_named(terminal: Terminal) -> None:
    said = refined(terminal, "Alot of snow.")
    refined(terminal, "Alot of rain.", "--session", said.session_id, "--companion", "strategy")
    both = terminal("show", said.session_id).out.decode()
    assert "# Companion generic" in both
    assert "# Companion strategy" in both
    one = terminal("show", said.session_id, "--companion", "strategy").out.decode()
    assert "Alot of rain." in one
    assert "Alot of snow" not in one.partition("## Query")[2]
    refused = terminal("show", said.session_id, "--companion", "guide")
    assert refused.status == 1
    assert "Name one of: generic, strategy." in refused.err


def test_an_export_to_a_file_is_what_show_would_print(terminal: Terminal, tmp_path: Path) -> None:
    said = refined(terminal, "Alot of snow.")
    file = tmp_path / "export.md"
    exported = terminal("export", said.session_id, "--format", "markdown", "-o", str(file))
    assert (exported.status, exported.out) == (0, b"")
    assert file.read_bytes() == terminal("show", said.session_id).out
    refused = terminal("export", said.session_id, "-o", str(tmp_path))
    assert (refused.status, refused.err.count("\n")) == (1, 1)


def test_sessions_are_listed_newest_first_and_found_by_words(terminal: Terminal) -> None:
    empty = terminal("sessions")
    assert (empty.status, empty.out) == (0, b"")
    assert "No sessions yet" in empty.err
    snow, rain = refined(terminal, "Alot of snow."), refined(terminal, "Alot of rain.")
    lines = terminal("sessions").out.decode().splitlines()
    assert [line.split()[0] for line in lines] == [rain.session_id, snow.session_id]
    assert all("generic converged" in line or "generic critic satisfied" in line for line in lines)
    assert [row["session_id"] for row in terminal.json("sessions", "--search", "SNOW", "--json")["sessions"]] == [
        snow.session_id
    ]
    assert len(terminal.json("sessions", "--limit", "1", "--json")["sessions"]) == 1
    assert "No session matches" in terminal("sessions", "--search", "hail").err


def test_a_fork_is_a_session_of_its_own_that_can_be_rewound(terminal: Terminal) -> None:
    said = refined(terminal, "Alot of snow.")
    whole, rewound = terminal("fork", said.session_id), terminal("fork", said.session_id, "--at", "4")
    ids = [made.out.decode().strip() for made in (whole, rewound)]
    assert len({said.session_id, *ids}) == 3
    assert f"--session {ids[0]}" in whole.err
    shown = [terminal.json("export", session_id, "--format", "json") for session_id in (said.session_id, *ids)]
    logs = [body["run_logs"]["generic"] for body in shown]
    assert logs[1] == logs[0]
    assert (logs[2][0]["draft"], logs[2][0].get("critique", [])) == (logs[0][0]["draft"], [])
    refused = terminal("fork", said.session_id, "--at", "99")
    assert (refused.status, refused.out, refused.err.count("\n")) == (1, b"", 1)
    assert terminal("fork", "nobody").status == 1


def test_forgetting_needs_a_yes_and_erases_for_good(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refined(terminal, "Alot of snow.")
    monkeypatch.setattr("sys.stdin", io.StringIO("y"))
    refused = terminal("forget", said.session_id)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "--yes" in refused.err
    assert terminal("show", said.session_id).status == 0
    fork = terminal("fork", said.session_id, "--at", "3").out.decode().strip()
    erased = terminal("forget", said.session_id, "--yes")
    assert erased.status == 0
    assert f"is deleted. Fork {fork} keeps its first 3 entries." in erased.err
    gone = terminal("show", said.session_id)
    assert (gone.status, gone.out) == (1, b"")
    assert terminal("forget", said.session_id, "--yes").status == 1


def test_a_reader_that_has_seen_enough_ends_a_command_quietly() -> None:
    said = run("refine", "--file", str(MEMO))
    with start("show", said.session_id) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
