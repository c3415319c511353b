"""``companions refine --attach``: files that belong to the question."""

from base64 import b64encode
from pathlib import Path

import pytest

from companions.attachments import MOST
from companions.errors import InputError
from terminal.attaching import read_files
from tests.files import PDF, PNG, notes, picture, report
from tests.provider.server import Provider
from tests.terminal.commands import Terminal
from tests.wire.processes import with_model

pytest_plugins = ("tests.provider.fixtures",)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    contents = {"chart.png": PNG, "report.pdf": PDF, "notes.md": notes().data, "code.py": b"print()\n", "odd.x": b"?"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [str(tmp_path / name) for name in contents]


def test_a_file_is_given_the_type_that_its_bytes_and_its_name_show(files: list[str]) -> None:
    *known, code, odd = read_files(files)
    assert known == [picture(), report(), notes()]
    assert (code.mime_type, odd.mime_type) == ("text/x-python", "text/plain")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        (
            "gone.png",
            None,
            r"gone\.png cannot be read \(no such file or directory\)\. Check the path given by --attach",
        ),
        ("x.tiff", b"II*\0", r"'x\.tiff' has a type that is not taken: 'image/tiff'"),
        ("x.zip", b"PK\3\4\xff", r"'x\.zip' has a type that is not taken: 'application/zip'"),
        ("x.bin", b"\xff\0", r"'x\.bin' has a type that is not taken"),
        ("torn.png", b"just text", r"The bytes of the attachment 'torn\.png' are not image/png"),
        ("x.png", b"", r"'x\.png' is empty"),
    ],
)
def test_what_cannot_be_attached_is_named(tmp_path: Path, name: str, content: bytes | None, what: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_files([str(tmp_path / name)])


def test_without_a_model_an_attached_text_is_what_is_improved(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "memo.txt").write_text("There was alot of rain.")
    said = terminal("refine", "Improve the memo", "--attach", str(tmp_path / "memo.txt"))
    assert said.out == b"There was a lot of rain.\n"
    shown = terminal("show", said.session_id)
    assert "Attached: memo.txt (text/plain, 23 bytes)." in shown.out.decode()


def test_more_than_a_query_takes_and_files_without_a_question_are_refused(
    terminal: Terminal, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = terminal("refine", "--attach", files[0])
    assert "There is nothing to refine" in refused.err
    refused = terminal("refine", "--session", "x", "--attach", files[0])
    assert "What is attached belongs to a question." in refused.err
    refused = terminal("refine", "What?", *(word for _ in range(MOST + 1) for word in ("--attach", files[0])))
    assert f"a query takes {MOST}." in refused.err
    monkeypatch.setenv("COMPANIONS_ATTACHMENT_LIMIT", "10")
    refused = terminal("refine", "What?", "--attach", files[0])
    assert "more than 10 bytes together" in refused.err
    assert "Session" not in refused.err


def test_a_model_is_sent_the_picture_and_the_same_question_again_adds_nothing(
    terminal: Terminal, files: list[str], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in with_model(provider).items():
        monkeypatch.setenv(name, value)
    words = ("refine", "What is it?", "--attach", files[0], "--max-iterations", "1")
    said = terminal(*words)
    assert said.status == 0, said.err
    asked = provider.bodies[0]["messages"][-1]["content"]
    assert asked[0]["image_url"]["url"].endswith(b64encode(PNG).decode())
    count = len(provider.bodies)
    again = terminal(*words, "--session", said.session_id)
    assert again.out == said.out
    assert len(provider.bodies) == count
