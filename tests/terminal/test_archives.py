"""The commands about archives and erasure, as a person gives them."""

import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.terminal.commands import MEMO, Terminal

ANN = '["https://login.example", "ann"]'


def refined(terminal: Terminal, *words: str) -> str:
    said = terminal("refine", *words)
    assert said.status == 0, said.err
    return said.session_id


def told(terminal: Terminal, *words: str) -> str:
    said = terminal(*words)
    assert said.status == 0, said.err
    return said.out.decode() + said.err


def test_all_that_a_person_has_goes_out_into_a_file_and_comes_back_after_an_erasure(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    first = refined(terminal, "--file", str(MEMO))
    fork = terminal("fork", first, "--at", "4").out.decode().strip()
    refined(terminal, "Alot of snow.", "--session", fork)
    before = [terminal.json("export", session_id) for session_id in (first, fork)]
    file = str(tmp_path / "all.zip")
    said = told(terminal, "export", "--all", "-o", file)
    assert said.startswith("2 sessions, ")
    assert "What was learned from loops is nobody's, and not in it." in said
    assert "0 sessions imported, 0 entries; 2 sessions there already." in told(terminal, "import", file)

    assert "2 sessions, " in told(terminal, "erase", "--owner", "local", "--dry-run")
    monkeypatch.setattr("sys.stdin", io.StringIO("y"))
    refused = terminal("erase", "--owner", "local")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "--yes" in refused.err
    assert len(terminal.json("sessions", "--json")["sessions"]) == 2
    erased = told(terminal, "erase", "--owner", "local", "--yes")
    assert "entries erased.\nThe file was written anew, and its log emptied.\nLeft: Backups" in erased
    assert terminal.json("sessions", "--json")["sessions"] == []
    assert MEMO.read_bytes()[:40] not in store.read_bytes()

    brought = told(terminal, "import", file)
    assert "2 sessions imported" in brought
    ids = {line.split()[0]: line.split()[2] for line in brought.splitlines() if "it was erased here" in line}
    assert "is taken" not in brought
    after = [terminal.json("export", ids[session_id]) for session_id in (first, fork)]
    assert [body["run_logs"] for body in after] == [body["run_logs"] for body in before]
    assert after[1]["session"]["parent"]["session_id"] == ids[first]


def test_a_team_s_owner_is_exported_and_erased_by_name(terminal: Terminal, tmp_path: Path) -> None:
    mine = refined(terminal, "Alot of snow.")
    file = str(tmp_path / "all.zip")
    told(terminal, "export", "--all", "-o", file)
    assert "is taken" in told(terminal, "import", file, "--owner", '["https://login.example","ann"]')
    told(terminal, "export", "--all", "--owner", ANN, "-o", file)
    with ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["owner"], manifest["counts"]["sessions"]) == (ANN, 1)
    told(terminal, "erase", "--owner", ANN, "--yes")
    (left,) = terminal.json("sessions", "--json")["sessions"]
    assert left["session_id"] == mine


@pytest.mark.parametrize("name", ["ann", "Local", '["ann"]', '["https://login.example", ""]', "[" * 10_000])
def test_an_owner_s_name_that_can_be_nobody_s_is_refused_with_its_form(
    name: str, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (("erase", "--yes"), ("export", "--all", "-o", "x.zip"), ("import", str(MEMO))):
        said = terminal(*words, "--owner", name)
        assert (said.status, said.out) == (2, b"")
        assert """'["", "ann"]'""" in said.err
    assert [*tmp_path.glob("*.zip")] == []


def test_an_owner_who_has_nothing_here_is_said_to_be_nobody(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refined(terminal, "Alot of snow.")
    for words in (("erase", "--yes"), ("erase", "--dry-run"), ("export", "--all", "-o", "x.zip")):
        said = terminal(*words, "--owner", ANN)
        assert said.status == 1
        assert f"Nobody of that name is in this store: {ANN}" in said.err
        assert b"erased" not in said.out
    assert [*tmp_path.glob("*.zip")] == []


def test_one_session_goes_out_as_an_archive_that_another_store_takes(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = terminal("fork", refined(terminal, "Alot of snow.")).out.decode().strip()
    refined(terminal, "Alot of rain.", "--session", fork)
    before, file = terminal.json("export", fork), str(tmp_path / "one.ZIP")
    assert f"All of session {fork} is in {file}." in told(terminal, "export", fork, "-o", file)
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{tmp_path / 'other.db'}")
    assert "1 session imported" in told(terminal, "import", file)
    (listed,) = terminal.json("sessions", "--json")["sessions"]
    assert listed["session_id"] == fork
    assert terminal.json("export", fork)["run_logs"] == before["run_logs"]


def test_what_is_written_for_reading_says_so_when_it_is_imported(terminal: Terminal, tmp_path: Path) -> None:
    session_id = refined(terminal, "Alot of snow.")
    for name in ("one.json", "one.md"):
        told(terminal, "export", session_id, "-o", str(tmp_path / name))
    assert (tmp_path / "one.md").read_bytes() == terminal("show", session_id).out
    said = terminal("import", str(tmp_path / "one.json"))
    assert said.status == 1
    assert "one.json is a session as `companions export ID` writes it, which is for reading." in said.err
    assert "`companions export ID -o FILE.zip`" in said.err


def test_a_template_begins_a_session_that_waits_for_its_draft(terminal: Terminal, tmp_path: Path) -> None:
    session_id = refined(terminal, "Alot of snow.")
    file = str(tmp_path / "template.zip")
    assert "The settings and queries of session" in told(terminal, "export", session_id, "--template", "-o", file)
    said = terminal("import", file)
    made = said.out.decode().strip()
    assert "Companion generic waits for the draft of: " in said.err
    assert f"Give the text: companions refine --session {made} --file FILE\n" in said.err
    shown = {row["session_id"]: row["companions"] for row in terminal.json("sessions", "--json")["sessions"]}
    assert shown[made]["generic"]["phase"] == "draft"


@pytest.mark.parametrize(
    "words",
    [
        ("export",),
        ("export", "an-id", "--all", "-o", "x.zip"),
        ("export", "--all"),
        ("export", "an-id", "--template"),
        ("export", "an-id", "--owner", ANN),
        ("export", "--all", "--template", "-o", "x.zip"),
        ("export", "--all", "--format", "json", "-o", "x.zip"),
        ("export", "an-id", "--format", "json", "-o", "x.zip"),
        ("import", "missing.zip"),
        ("import", str(MEMO)),
    ],
)
def test_a_command_that_cannot_be_meant_is_one_line_and_makes_no_file(
    words: tuple[str, ...], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = terminal(*words)
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert not [*tmp_path.glob("*.zip")]
