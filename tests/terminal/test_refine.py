import asyncio
from pathlib import Path

import pytest

import server
from companions.requests import Request
from sessions.calls import Waiting
from terminal.program import drained
from tests.terminal.commands import MEMO, Terminal, run

BRACES = (
    "{text} %s {{0}} \N{LEFT DOUBLE QUOTATION MARK}x\N{RIGHT DOUBLE QUOTATION MARK} alot\r\n\u4f60\u597d of them.\r\n"
)


def entries(terminal: Terminal, session_id: str) -> int:
    count: int = terminal.json("show", session_id, "--json")["session"]["entries"]
    return count


def test_a_file_is_improved_for_reasons_that_are_told(terminal: Terminal) -> None:
    said = terminal("refine", "--file", str(MEMO))
    assert said.status == 0
    assert "alot" not in said.out.decode()
    assert b"a lot of paperwork" in said.out
    assert '"alot": a misspelling; replace it with "a lot".' in said.err
    assert "[-alot-] {+a lot+}" in said.err
    assert "Converged  similarity 0.973, 1.000; threshold 1 (default)" in said.err
    assert "Picked  version 2 of 0 to 2\nNothing speaks against version 2" in said.err
    assert terminal("show", said.session_id).status == 0


def test_without_a_model_it_says_that_none_was_used_and_how_to_have_one(terminal: Terminal) -> None:
    said = terminal("refine", "There was alot of rain.")
    assert "without a language model" in said.err
    assert "OPENAI_API_KEY" in said.err
    assert said.out == b"There was a lot of rain.\n"


def test_the_hosts_model_cannot_write_in_a_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "host")
    said = terminal("refine", "There was alot of rain.")
    assert "No model is configured for the terminal" in said.err
    assert said.out == b"There was a lot of rain.\n"
    refused = terminal("refine", "--model", "host", "x")
    assert (refused.status, refused.err.count("\n")) == (1, 1)


def test_a_pipe_gets_the_answer_alone_and_a_file_goes_through_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_bytes(BRACES.encode())
    said = run("refine", "--file", str(tmp_path / "text.md"))
    assert said.out.decode() == BRACES.replace("alot", "a lot")
    assert "\x1b" not in said.err
    assert "Session" in said.err


def test_the_same_file_again_asks_for_nothing_and_adds_nothing(terminal: Terminal) -> None:
    first = terminal("refine", "--file", str(MEMO))
    before = entries(terminal, first.session_id)
    for words in (("--file", str(MEMO)), ()):
        again = terminal("refine", *words, "--session", first.session_id)
        assert again.status == 0
        assert "has ended" in again.err
        assert "Converged" in again.err
        assert again.out == first.out
        assert "Critique" not in again.err
    assert entries(terminal, first.session_id) == before


def test_the_same_file_in_another_state_is_improved_anew(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "note.md"
    file.write_text("There was alot of rain.\n")
    first = terminal("refine", "--file", str(file))
    file.write_text("There is alot of sun.\n")
    again = terminal("refine", "--file", str(file), "--session", first.session_id)
    assert again.out == b"There is a lot of sun.\n"
    assert again.session_id == first.session_id
    log = terminal.json("show", first.session_id, "--json")["run_logs"]["generic"]
    assert [slot["draft"] for slot in log] == ["There was alot of rain.\n", "There is alot of sun.\n"]


def test_words_beside_a_file_are_the_question_and_the_file_the_draft(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("There was alot of rain.")
    said = terminal("refine", "Make it correct", "--file", str(tmp_path / "note.md"), "--companion", "strategy")
    log = terminal.json("show", said.session_id, "--json")["run_logs"]["strategy"]
    assert (log[0]["query"], log[0]["draft"]) == ("Make it correct", "There was alot of rain.")


def test_the_maximum_of_iterations_ends_a_loop_and_a_larger_one_goes_on_with_it(terminal: Terminal) -> None:
    said = terminal("refine", "--file", str(MEMO), "--max-iterations", "1")
    assert "Max iterations" in said.err
    assert "Critique 2" not in said.err
    more = terminal("refine", "--session", said.session_id, "--max-iterations", "5")
    assert "Critique 1" not in more.err
    assert "Critique 2" in more.err
    assert "Converged" in more.err


def test_a_session_of_a_hosts_model_is_gone_on_with_by_the_editor(terminal: Terminal) -> None:
    program = server.program()

    async def report(*told: object) -> None:
        raise AssertionError(told)

    draft = program.calls.step(
        program.owner,
        None,
        "guide",
        Request(step="draft", query="What now?", text="There was alot of rain."),
        waiting=Waiting(seconds=60, every=60, report=report),
        signature="host:test",
    )
    session_id = asyncio.run(drained(program, draft)).session_id
    said = terminal("refine", "--session", session_id)
    assert "No model is configured for the terminal" in said.err
    assert "companion guide" in said.err
    assert said.out == b"There was a lot of rain.\n"


def test_a_text_from_standard_input_is_improved(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("There was alot of rain.")
    with (tmp_path / "given").open() as given:
        said = run("refine", "--file", "-", stdin=given)
    assert said.out == b"There was a lot of rain.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("refine",), "nothing to refine"),
        (("refine", "--file", "/nowhere/x.md"), "x.md cannot be read"),
        (("refine", "--file", "/"), "cannot be read"),
        (("refine", "--companion", "nobody", "x"), "There is no companion type 'nobody'"),
        (("refine", "--session", "nothing"), "There is no session 'nothing'. Run `companions sessions`"),
        (("refine", "--model", "nobody:x", "x"), "There is no model provider 'nobody'"),
        (("refine", "--model", "openai:x", "x"), "needs a key, and none is set. Set OPENAI_API_KEY"),
        (("refine", " "), "is empty"),
    ],
)
def test_what_cannot_be_done_is_told_at_the_end_in_one_line(
    terminal: Terminal, words: tuple[str, ...], told: str
) -> None:
    said = terminal(*words)
    assert (said.status, said.out) == (1, b"")
    error = [line for line in said.err.splitlines() if line.startswith("companions: ")]
    assert len(error) == 1
    assert told in error[0]
    assert said.err.endswith(f"{error[0]}\n")
    assert terminal.json("sessions", "--json") == {"sessions": []}


@pytest.mark.parametrize("words", [("--model", "foo"), ()])
def test_a_model_without_a_key_is_refused_before_anything_is_said_or_stored(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:foo")
    said = terminal("refine", "What now?", *words)
    assert (said.status, said.out) == (1, b"")
    assert said.err == ("companions: The model 'foo' needs a key, and none is set. Set OPENAI_API_KEY.\n")
    assert terminal.json("sessions", "--json") == {"sessions": []}


@pytest.mark.parametrize(("content", "told"), [(b"caf\xe9\n", "not UTF-8 text (line 1)"), (b" \n", "is empty")])
def test_a_file_that_is_no_text_is_refused_by_name(
    terminal: Terminal, tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "odd.md").write_bytes(content)
    said = terminal("refine", "--file", str(tmp_path / "odd.md"))
    assert (said.status, said.err.count("\n")) == (1, 1)
    assert f"odd.md {told}" in said.err or f"odd.md is {told}" in said.err
    assert terminal.json("sessions", "--json") == {"sessions": []}
