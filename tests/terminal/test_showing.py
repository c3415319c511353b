"""``companions show``: the chart of a run, and two versions side by side, on terminals of every kind and in pipes."""

from typing import Any

import pytest

from terminal.charts import MOST_BARS, chart
from tests.terminal.commands import MEMO, Terminal, on_a_terminal

ESCAPE = "\x1b"


def drawn(similarities: list[float], *, width: int = 60, ascii_only: bool = True, **more: Any) -> list[str]:
    """Draw a chart and give its lines."""
    pairs = [{"revision_pair": [number, number + 1], "similarity": value} for number, value in enumerate(similarities)]
    body = {
        "companion_type": "generic",
        "slot": 0,
        "similarities": pairs,
        "threshold": 0.5,
        "threshold_source": "file",
        "stop_reason": None,
        "answer_version": len(pairs),
        "picked": False,
    }
    return [line.plain for line in chart(body | more, width=width, ascii_only=ascii_only)]


def test_bars_are_as_long_as_versions_are_similar_and_the_threshold_crosses_them_all() -> None:
    heading, first, second, third = drawn([0.0, 0.25, 1.0], picked=True, stop_reason="max_iterations")
    assert heading.startswith("Max iterations  generic, slot 0")
    assert heading.endswith("| threshold 0.5 (file)")
    bars = [line[15 : 15 + 26] for line in (first, second, third)]
    assert [bar.count("#") for bar in bars] == [0, 6, 25]
    assert {bar.index("|") for bar in bars} == {13}
    assert third.endswith("  picked")


def test_a_terminal_with_other_letters_gets_blocks_in_eighths() -> None:
    (_, bar) = drawn([0.99], ascii_only=False)
    assert "\u2588" * 12 + "\u2502" + "\u2588" * 11 in bar
    assert bar.isascii() is False
    assert all(line.isascii() for line in drawn([0.99]))


def test_charts_of_nothing_and_of_very_much_say_so() -> None:
    assert "No revision yet" in drawn([])[1]
    many = drawn([0.9] * 5_000)
    assert len(many) == MOST_BARS + 2
    assert "Earlier ones than revision 4,981 are left out." in many[1]
    assert drawn([0.9], answer_version=0, picked=True)[-1] == "  The draft (version 0) was picked."


def test_a_pipe_gets_the_thinking_alone_and_people_the_chart_without_colours(terminal: Terminal) -> None:
    session_id = terminal("refine", "--file", str(MEMO)).session_id
    said = terminal("show", session_id)
    assert b"threshold 1 (default)" not in said.out
    assert "Converged  generic, slot 0" in said.err
    assert "2  1.000" in said.err
    assert ESCAPE not in said.err
    whole = terminal("show", session_id, "--json")
    assert whole.err == ""


def test_two_versions_are_compared_word_by_word(terminal: Terminal) -> None:
    session_id = terminal("refine", "Alot of snow should of fallen.").session_id
    compared = terminal("show", session_id, "--diff")
    assert compared.out.decode() == "[-Alot-] {+A lot+} of snow [-should of-] {+should've+} fallen.\n"
    assert "What changed from version 0 to" in compared.err
    assert terminal("show", session_id, "--diff", "0", "1").out == compared.out
    assert terminal("show", session_id, "--diff", "1", "0").out.startswith(b"[-A lot-] {+Alot+}")
    for wrong in (("9",), ("0", "9")):
        refused = terminal("show", session_id, "--diff", *wrong)
        assert refused.status == 1
        assert refused.err == "companions: Question 0 has no version 9. Its versions are 0 to 1.\n"
    assert terminal("show", session_id, "--diff", "0", "1", "2").status == 1


def test_colours_are_for_terminals_whose_person_wants_them(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = terminal("refine", "Alot of snow.").session_id
    status, coloured = on_a_terminal("show", session_id, "--diff")
    assert status == 0
    assert "[-" not in coloured
    assert f"{ESCAPE}[1;32mA lot" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    _, plain = on_a_terminal("show", session_id, "--diff")
    assert "[-Alot-] {+A lot+} of snow." in plain
    assert f"{ESCAPE}[1;32m" not in plain


def test_versions_of_an_earlier_question_are_compared_too(terminal: Terminal) -> None:
    session_id = terminal("refine", "Alot of snow should of fallen.").session_id
    first = terminal("show", session_id, "--diff").out
    assert terminal("refine", "Alot of rain.", "--session", session_id).status == 0
    assert b"rain" in terminal("show", session_id, "--diff").out
    earlier = terminal("show", session_id, "--diff", "--question", "0")
    assert (earlier.out, "generic, question 0" in earlier.err) == (first, True)
    assert "--question N, from 0 to 1, names another question." in terminal("show", session_id, "--diff", "9").err
    for words, told in (
        (("--diff", "--question", "7"), "has no question 7. The questions are 0 to 1."),
        (("--question", "0"), "--question is for --diff alone."),
    ):
        refused = terminal("show", session_id, *words)
        assert (refused.status, told in refused.err) == (1, True)


def test_entries_have_the_numbers_that_a_fork_is_made_at(terminal: Terminal) -> None:
    session_id = terminal("refine", "Alot of snow.").session_id
    shown = terminal("show", session_id).out.decode()
    lines = terminal.json("show", session_id, "--json")["timelines"]["generic"]
    numbers = {line["kind"]: line["seq"] for line in lines if line.get("iteration", 1) == 1}
    assert f"## Query 0, entry {numbers['query']}\n" in shown
    assert f", entry {numbers['draft']}\n\nAlot of snow." in shown
    assert f", entry {numbers['revision']}\n\nA lot of snow." in shown
    fork = terminal("fork", session_id, "--at", str(numbers["draft"])).out.decode().strip()
    assert terminal.json("show", fork, "--json")["timelines"]["generic"][-1]["kind"] == "draft"
