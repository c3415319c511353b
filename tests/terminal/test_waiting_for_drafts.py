"""Sessions that wait for their draft: where no model writes, somebody must give it, and every hint says so."""

from pathlib import Path

from tests.terminal.commands import MEMO, Terminal

RAIN = "There was alot of rain."


def forked(terminal: Terminal) -> str:
    """Give a fork of a session from before its draft."""
    session_id = terminal("refine", "Is it right?", "--file", str(MEMO)).session_id
    said = terminal("fork", session_id, "--at", "2")
    made = said.out.decode().strip()
    assert f"It begins as session {session_id} was at entry 2. It waits for its draft." in said.err
    assert f"companions refine --session {made} --file FILE" in said.err
    return made


def test_the_editor_does_not_take_a_question_for_a_draft(terminal: Terminal) -> None:
    session_id = forked(terminal)
    said = terminal("refine", "--session", session_id)
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert f"Give the text: `companions refine --session {session_id} --file FILE`" in said.err
    assert "Nothing is lost" not in said.err
    (slot,) = terminal.json("show", session_id, "--json")["run_logs"]["generic"]
    assert slot["draft"] == ""


def test_the_text_that_is_given_becomes_the_draft_of_the_question_that_waits_for_one(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "rain.md").write_text(RAIN)
    for words in ((RAIN,), ("--file", str(tmp_path / "rain.md"))):
        session_id = forked(terminal)
        said = terminal("refine", *words, "--session", session_id)
        assert (said.status, said.out) == (0, b"There was a lot of rain.\n")
        again = terminal("refine", *words, "--session", session_id)
        assert (again.out, "has ended" in again.err) == (said.out, True)
        (slot,) = terminal.json("show", session_id, "--json")["run_logs"]["generic"]
        assert (slot["query"], slot["draft"]) == ("Is it right?", RAIN)


def test_a_question_beside_the_text_takes_the_place_of_the_one_that_waits(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "rain.md").write_text(RAIN)
    session_id = forked(terminal)
    assert terminal("refine", "Is it short?", "--file", str(tmp_path / "rain.md"), "--session", session_id).status == 0
    (slot,) = terminal.json("show", session_id, "--json")["run_logs"]["generic"]
    assert (slot["query"], slot["draft"]) == ("Is it short?", RAIN)


def test_a_fork_that_has_a_draft_goes_on_without_a_text(terminal: Terminal) -> None:
    session_id = terminal("refine", RAIN).session_id
    said = terminal("fork", session_id, "--at", "4")
    made = said.out.decode().strip()
    assert said.err.endswith(f"was at entry 4. Go on with: companions refine --session {made}\n")
    refused = terminal("fork", session_id, "--at", "99")
    assert f"`companions show {session_id}` tells the number of each." in refused.err
