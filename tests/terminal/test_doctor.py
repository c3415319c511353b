"""What ``companions doctor`` says of the store: how large it is, and never its password."""

import re
from pathlib import Path

import pytest

from sessions.stores.sqlite.schema import VERSION
from terminal.model_check import without_password
from tests.terminal.commands import Terminal


def test_doctor_says_how_large_the_store_is(terminal: Terminal) -> None:
    assert terminal("refine", "Alot of snow.").status == 0
    found = re.search(
        r"ok +Store .*: 1 session, (\d+) entries, (\d+) kB, schema version (\d+)\n", terminal("doctor").out.decode()
    )
    assert found is not None
    assert int(found[1]) >= 3
    assert int(found[2]) > 4
    assert int(found[3]) == VERSION


def test_doctor_says_where_a_store_will_be_and_makes_nothing(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "b" / "sessions.db"
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{file}")
    said = terminal("doctor")
    assert said.status == 0
    assert f"ok     Store sqlite:///{file}: not there yet; it will be made at {file}\n" in said.out.decode()
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_a_store_that_could_not_be_made(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{tmp_path / 'file' / 'sessions.db'}")
    said = terminal("doctor")
    assert said.status == 1
    assert "it cannot be made. Name a folder of yours in COMPANIONS_STORE." in said.out.decode()


@pytest.mark.parametrize("place", ["file", "file/spool", "link"])
def test_doctor_names_a_spool_that_could_take_nothing_when_it_is_needed(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("COMPANIONS_SPOOL", str(tmp_path / place))
    said = terminal("doctor")
    assert said.status == 1
    told = f"wrong  Spool: {tmp_path / place} cannot be written. Name a folder of yours in COMPANIONS_SPOOL."
    assert told in said.out.decode()


@pytest.mark.parametrize("place", [".", "a/b/spool"])
def test_doctor_is_content_with_a_spool_that_is_a_folder_or_can_be_made(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("COMPANIONS_SPOOL", str(tmp_path / place))
    said = terminal("doctor")
    assert (said.status, "Spool: " in said.out.decode()) == (0, False)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host:5432/db",
        "redis://:secret@host/1",
        "redis://:se/secret@host/1",
        "postgresql://me:a@secret@host/db",
        "redis://host/1?password=secret&x=1",
        "postgresql://host/db?user=me&passfile=secret",
    ],
)
def test_doctor_shows_no_password(url: str) -> None:
    shown = without_password(url)
    assert "secret" not in shown
    assert "host" in shown
