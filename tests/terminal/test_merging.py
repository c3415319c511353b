"""Sessions that are merged in the terminal: by a model, or without any one behind another."""

import pytest

from tests.provider.server import KEY, Provider
from tests.terminal.commands import Terminal

pytest_plugins = ("tests.provider.fixtures",)

MERGED = "Both, in {one}.\n"
ANSWERS = ("A first answer, in short.", "Another answer, and a longer one.")


@pytest.fixture
def answered(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Have two sessions answered by a rule-based editor, which leaves good texts as they are."""
    monkeypatch.setenv("COMPANIONS_MODEL", "offline")
    return tuple(terminal("refine", text).session_id for text in ANSWERS)


def test_sessions_are_merged_by_a_model_and_the_same_command_asks_nobody_again(
    terminal: Terminal, answered: tuple[str, ...], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", provider.url)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:loopback")
    provider.queue(MERGED)
    one, other = answered
    said = terminal("consult", "Which is it?", "--with", one, "--with", other)
    assert (said.status, said.out.decode()) == (0, MERGED)
    assert f"All have contributed; merging {one}, {other}; strategy joins the answers.\n" in said.err
    (body,) = provider.bodies
    assert all(text in body["messages"][-1]["content"] for text in ANSWERS)
    again = terminal("consult", "--session", said.session_id)
    assert (again.out, len(provider.bodies)) == (said.out, 1)
    shown = terminal("show", said.session_id)
    assert f"Brought from session {other}" in shown.out.decode()


@pytest.mark.parametrize("words", [(), ("--model", "offline")])
def test_without_a_model_the_answers_are_put_one_behind_another(
    terminal: Terminal, answered: tuple[str, ...], words: tuple[str, ...]
) -> None:
    one, other = answered
    said = terminal("consult", "Which is it?", "--with", one, "--with", other, *words)
    assert (said.status, said.out.decode()) == (0, "\n\n".join(ANSWERS) + "\n")
    assert "no language model is used" in said.err
    refused = terminal("consult", "Which is it?", "--with", one, "--companion", "generic")
    assert "A consultation needs a language model" in refused.err


def test_what_cannot_be_merged_is_told_in_a_terminal_s_words(terminal: Terminal, answered: tuple[str, ...]) -> None:
    one, other = answered
    for words, told in (
        (("--with", one), "One session alone has nothing to be drawn together with. Name another session"),
        (("--with", one, "--with", "nobody"), "There is no session 'nobody'"),
        (("--with", one, "--with", other), "The sessions answer different queries."),
    ):
        said = terminal("consult", *words)
        assert (said.status, said.out) == (1, b"")
        assert said.err.startswith(f"companions: {told}")
        assert said.err.count("\n") == 1
    assert len(terminal.json("sessions", "--json")["sessions"]) == len(answered)


def test_a_model_without_a_key_is_refused_before_anybody_is_announced(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:loopback")
    for words in ((), ("--model", "foo")):
        said = terminal("consult", "What now?", *words)
        assert (said.status, said.err.count("\n")) == (1, 1)
        assert "needs a key, and none is set. Set OPENAI_API_KEY." in said.err
    assert terminal.json("sessions", "--json") == {"sessions": []}
