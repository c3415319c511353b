"""``companions report``: one file that tells a whole session, lets nothing run, and takes no other file's place."""

import base64
import errno
import hashlib
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sessions.report import report_html
from terminal.reporting import write_whole
from tests.terminal.commands import Said, Terminal

HOSTILE = "</div></style><script>alert(1)</script><img src=x onerror=alert(1)> {0} %s & \"'"
PAGE_TAGS = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "time", "article"}
TEXT_TAGS = {"section", "div", "details", "summary", "span", "ins", "del"}
PICTURE_TAGS = {"svg", "desc", "rect", "path", "text", "polyline", "circle"}
TAGS = PAGE_TAGS | TEXT_TAGS | PICTURE_TAGS


class Page(HTMLParser):
    """What a report holds: its tags, its attributes, and its texts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def reported(terminal: Terminal, path: Path, session_id: str, *words: str) -> Said:
    return terminal("report", session_id, "-o", str(path), *words)


@pytest.fixture
def session_id(terminal: Terminal) -> str:
    return terminal("refine", f"Alot of snow should of fallen. {HOSTILE}").session_id


def test_a_report_tells_every_text_and_what_changed(terminal: Terminal, session_id: str, tmp_path: Path) -> None:
    said = reported(terminal, path := tmp_path / "report.html", session_id)
    assert said.status == 0, said.err
    assert said.out.decode() == f"{path}\n"
    page = Page(path)
    log = terminal.json("export", session_id)["run_logs"]["generic"][0]
    for text in (log["query"], log["draft"], *log["critique"], *log["revision"]):
        assert text.strip() in page.text
    assert "Answer: version" in page.text
    assert "Similarity to version 0: " in page.text
    assert "<del>Alot</del> <ins>A lot</ins> of snow <del>should of</del>" in page.source
    assert page.source.count("<svg ") == 1


def test_nothing_in_a_report_runs_or_is_fetched(terminal: Terminal, session_id: str, tmp_path: Path) -> None:
    reported(terminal, path := tmp_path / "report.html", session_id)
    page = Page(path)
    assert page.tags <= TAGS
    assert not page.attributes & {"style", "src", "href"}
    assert not {name for name in page.attributes if name.startswith("on")}
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page.source)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for style in re.findall(r"(?s)<style>(.*?)</style>", page.source):
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(
    terminal: Terminal, session_id: str, tmp_path: Path
) -> None:
    (path := tmp_path / "report.html").write_text("mine")
    refused = reported(terminal, path, session_id)
    assert refused.status == 1
    assert "--force" in refused.err
    assert path.read_text() == "mine"
    assert reported(terminal, path, session_id, "--force").status == 0
    assert path.read_text().startswith("<!doctype html>")
    nowhere = reported(terminal, tmp_path / "nowhere" / "report.html", session_id)
    assert nowhere.status == 1
    assert "cannot be written (no such file or directory)" in nowhere.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.html", "sessions.db"]


def test_others_may_read_a_report_as_they_may_any_new_file(terminal: Terminal, session_id: str, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        reported(terminal, path := tmp_path / "report.html", session_id)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_model_that_reported_no_tokens_is_told_as_such() -> None:
    used = {"input_tokens": "not reported", "output_tokens": 1_200, "model_seconds": 2.5}
    overview = {"title": "", "session_id": "an-id", "created_at": "", "last_used": "", "versions": 0}
    page = "".join(report_html(overview | {"models": {"a <model>": used}, "spent": used}, {}))
    assert "<td>a &lt;model&gt;</td><td>not reported</td><td>1,200</td><td>2.5 s</td>" in page


def test_a_session_that_there_is_not_leaves_no_file(terminal: Terminal, tmp_path: Path) -> None:
    refused = reported(terminal, path := tmp_path / "report.html", "nothing")
    assert refused.status == 1
    assert "companions sessions" in refused.err
    assert not path.exists()
    path.write_text("another's")
    assert reported(terminal, path, "nothing").err == refused.err, "a file that is there says nothing of the session"


@pytest.mark.parametrize("said", [errno.EPERM, errno.ENOTSUP])
def test_where_there_are_no_hard_links_a_report_is_written_all_the_same_and_still_takes_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: int
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(said, os.strerror(said))

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "report.html"
    write_whole(path, ["a", "b"], force=False)
    assert path.read_text() == "ab"
    with pytest.raises(FileExistsError):
        write_whole(path, ["c"], force=False)
    assert path.read_text() == "ab"
    assert [*tmp_path.iterdir()] == [path]


def test_a_report_that_cannot_be_copied_whole_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(shutil, "copyfileobj", fail)
    with pytest.raises(OSError, match=str(errno.EPERM)):
        write_whole(tmp_path / "report.html", ["a"], force=False)
    assert [*tmp_path.iterdir()] == []
