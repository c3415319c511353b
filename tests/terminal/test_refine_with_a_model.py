"""The loop in the terminal where a model writes: the version that is picked, and the budget that ends it."""

import re
from pathlib import Path

import pytest

from tests.provider.server import KEY, Provider
from tests.terminal.commands import Terminal

pytest_plugins = ("tests.provider.fixtures",)

SHORT = "The bridge opens at nine and closes at six."
BETTER = "The bridge opens at nine and closes at six every day."
WORSE = "The bridge, as some may know, is a thing of iron, and whether it opens is told at the gate, or not at all."


@pytest.fixture(autouse=True)
def environment(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the loopback provider's model write."""
    for name, value in (("API_KEY", KEY), ("BASE_URL", provider.url)):
        monkeypatch.setenv(f"OPENAI_{name}", value)
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:loopback")


def test_a_version_that_got_worse_is_not_the_answer_and_it_says_why(
    terminal: Terminal, provider: Provider, tmp_path: Path
) -> None:
    provider.queue(SHORT, "Say on which days.", BETTER, "Say more.", WORSE, '{"better": "A"}', '{"better": "D"}')
    said = terminal("refine", "When is the bridge open?", "--max-iterations", "2")
    assert said.out.decode() == f"{BETTER}\n"
    assert "Max iterations" in said.err
    assert "Picked  version 1 of 0 to 2\nVersion 1 " in said.err
    assert "compared in both orders" in said.err
    shown = terminal("show", said.session_id).out.decode()
    assert "Picked version 1: Version 1 " in shown
    assert "at most 2 iterations" in shown
    (slot,) = terminal.json("show", said.session_id, "--json")["run_logs"]["generic"]
    assert slot["answer"]["version"] == 1
    assert slot["answer"]["why"] in said.err
    report = tmp_path / "report.html"
    assert terminal("report", said.session_id, "-o", str(report)).status == 0
    page = report.read_text()
    assert "Answer: version 1" in page
    assert re.search(r"<td>openai:loopback[^<]*</td><td>\d+</td><td>\d+</td><td>\d", page)
    assert re.search(r"Revision 2 <span>[^<]* tokens read, \d+ tokens written</span>", page)
    asked = len(provider.bodies)
    again = terminal("refine", "--session", said.session_id)
    assert (again.out, len(provider.bodies)) == (said.out, asked)
    assert "Picked  version 1 of 0 to 2" in again.err


def test_a_budget_ends_the_loop_before_the_call_that_would_exceed_it(terminal: Terminal, provider: Provider) -> None:
    said = terminal("refine", "When is the bridge open?", "--budget", "250")
    spent = len(provider.bodies)
    assert said.status == 0
    assert "\nBudget" in said.err
    assert "This loop is limited to 250 tokens" in said.err
    assert f"`companions refine --session {said.session_id} --budget N` goes on from there." in said.err
    assert "Picked  version " in said.err or "Not picked  version " in said.err
    more = terminal("refine", "--session", said.session_id, "--budget", "100000")
    assert len(provider.bodies) > spent
    assert "\nDraft" not in more.err
    assert "\nBudget" not in more.err


def test_a_budget_that_allows_no_draft_keeps_the_question(terminal: Terminal, provider: Provider) -> None:
    said = terminal("refine", "When is the bridge open?", "--budget", "1")
    assert (said.status, said.out, provider.bodies) == (1, b"", [])
    assert "limited to 1 tokens" in said.err
    assert "has ended" not in said.err
    command = said.err.rpartition("`companions ")[2].partition("`")[0].split()
    assert terminal(*command, "--budget", "100000").out


def test_a_new_question_is_written_by_whoever_writes_now_and_it_says_so(
    terminal: Terminal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = terminal("refine", "When is the bridge open?", "--max-iterations", "1")
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:other")
    second = terminal("refine", "When is it closed?", "--max-iterations", "1", "--session", first.session_id)
    assert "openai:other writes." in second.err
    assert provider.bodies[-1]["model"] == "other"
    monkeypatch.setenv("COMPANIONS_MODEL", "host")
    asked = len(provider.bodies)
    third = terminal("refine", "There was alot of rain.", "--session", first.session_id)
    assert "No model is configured for the terminal" in third.err
    assert (third.out, len(provider.bodies)) == (b"There was a lot of rain.\n", asked)


@pytest.mark.parametrize("words", [(), ("--model", "anthropic:named")])
@pytest.mark.parametrize("command", [("refine", "--max-iterations", "1"), ("consult",)])
def test_a_model_without_a_key_is_no_obstacle_where_another_stands_in_for_it(
    terminal: Terminal,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "anthropic:keyless")
    monkeypatch.setenv("COMPANIONS_FALLBACK_MODELS", "openai:loopback")
    said = terminal(*command, "When is the bridge open?", *words)
    assert said.status == 0, said.err
    assert {body["model"] for body in provider.bodies} == {"loopback"}


@pytest.mark.parametrize("command", ["refine", "consult"])
def test_where_what_stands_in_lacks_a_key_too_it_is_refused_and_no_session_is_made(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "anthropic:keyless")
    monkeypatch.setenv("COMPANIONS_FALLBACK_MODELS", "anthropic:another")
    said = terminal(command, "When is the bridge open?")
    assert (said.status, said.out) == (1, b"")
    assert said.err.startswith("companions: The model 'keyless' needs a key, and none is set. Set ANTHROPIC_API_KEY")
    assert terminal.json("sessions", "--json") == {"sessions": []}
