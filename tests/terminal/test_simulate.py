"""A stored question thought through again, by another model or companion file, and compared with what was."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

import server
from tests.provider import replies, writer
from tests.provider.replies import Reply
from tests.provider.server import KEY, Provider
from tests.terminal.commands import Terminal

pytest_plugins = ("tests.provider.fixtures",)

QUERY = "When is the bridge open?"
CRITIC = "openai:critic"
FIRST = ("The bridge opens at nine.", "Say when it closes.", "The bridge opens at nine and closes at six.")
AGAIN = ("The bridge is open all day.", "Give hours.", "The bridge opens at nine and shuts at six.")
LATER = "And when does it close?"
EVIDENCE = "The sign at the gate says: closed from six."
FILE = """---
name: precise
description: Answers in hours.
---

## Draft
Answer in hours and minutes.
## Critique
Look at the hours alone.
## Revision
Mend the hours.
"""


def later_is_better(prompt: list[str]) -> Reply:
    """Compare as somebody who likes the last texts above, wherever they stand; else write as the provider does."""
    compared = writer.COMPARED.findall(prompt[-1])
    liked = [name for name, _, text in compared if text in {FIRST[-1], AGAIN[-1]}]
    return replies.text(json.dumps({"better": liked[0]}) if liked else writer.write(prompt))


@pytest.fixture(autouse=True)
def environment(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the loopback provider's model write, at a price."""
    provider.author = later_is_better
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:one")
    monkeypatch.setenv("COMPANIONS_PRICES", '{"openai:two": {"input": 1, "output": 2}}')


@pytest.fixture
def session(terminal: Terminal, provider: Provider) -> str:
    """A session of one question, with one iteration."""
    provider.queue(*FIRST)
    return terminal("refine", QUERY, "--max-iterations", "1").session_id


@pytest.fixture
def evidenced(provider: Provider) -> str:
    """A session whose critique was given evidence, by a host."""
    provider.queue(*FIRST)
    wired = server.Wired.of(server.Settings())
    mcp = wired.server()

    async def think() -> str:
        async with Client(mcp) as client:
            told: Any = (await client.call_tool("draft", {"query": QUERY})).structured_content
            place = {"session_id": told["session_id"]}
            await client.call_tool("critique", place | {"evidence": EVIDENCE})
            await client.call_tool("revise", place)
        await wired.lifetime.drain()
        return told["session_id"]

    return asyncio.run(think())


def as_stored(terminal: Terminal, session: str) -> Any:
    return terminal.json("export", session)


def test_another_model_answers_the_same_question_in_a_fork_and_both_are_measured(
    terminal: Terminal, provider: Provider, session: str
) -> None:
    before, asked = as_stored(terminal, session), list(provider.exchanges)
    provider.queue(*AGAIN)
    (told,) = terminal.json("simulate", session, "--model", "openai:two", "--json")["slots"]

    stored, simulated = told["stored"], told["simulated"]
    assert (stored["answer"], simulated["answer"]) == (FIRST[2], AGAIN[2])
    assert (stored["written_by"], simulated["written_by"]) == (["one"], ["two"])
    assert [stored[name] for name in ("iterations", "stop_reason", "calls")] == [1, "max_iterations", 5]
    assert [simulated[name] for name in ("iterations", "stop_reason", "calls")] == [1, "max_iterations", 5]
    assert (stored["cost"], simulated["cost"] > 0) == (None, True)
    assert 0 < told["similarity"] < 1
    again = provider.exchanges[len(asked) :]
    assert [exchange.body["model"] for exchange in again] == ["two"] * 5
    assert again[0].prompt == asked[0].prompt
    assert as_stored(terminal, session) == before
    made = terminal.json("export", simulated["session_id"])
    assert made["session"]["parent"]["session_id"] == session
    assert made["session"]["title"] == f"Simulation of {session}, slot 0, by openai:two"


def test_what_is_attached_to_a_question_is_attached_again(
    terminal: Terminal, provider: Provider, tmp_path: Path
) -> None:
    sign = tmp_path / "sign.txt"
    sign.write_text(EVIDENCE)
    provider.queue(*FIRST, *AGAIN)
    session = terminal("refine", QUERY, "--max-iterations", "1", "--attach", str(sign)).session_id
    asked = len(provider.exchanges)
    (told,) = terminal.json("simulate", session, "--json")["slots"]

    again = [exchange.prompt for exchange in provider.exchanges[asked : asked + 3]]
    assert all(EVIDENCE in prompt[-1] for prompt in again)
    before, after = (terminal.json("export", told[side]["session_id"]) for side in ("stored", "simulated"))
    assert "sign.txt" in str(before)
    assert "sign.txt" in str(after)


def test_an_earlier_question_is_asked_with_the_history_that_it_had(
    terminal: Terminal, provider: Provider, session: str
) -> None:
    provider.queue("At six.", "Nothing more.", "At six in the evening.")
    terminal("refine", LATER, "--session", session, "--max-iterations", "1")
    terminal("refine", "A third question", "--session", session, "--max-iterations", "1")
    asked = len(provider.exchanges)
    told = terminal.json("simulate", session, "--slot", "1", "--slot", "0", "--json")["slots"]

    questions = {QUERY, LATER}
    drafts = [exchange.prompt for exchange in provider.exchanges[asked:] if exchange.prompt[-1] in questions]
    assert [(each["stored"]["slot"], each["simulated"]["slot"]) for each in told] == [(1, 1), (0, 0)]
    assert drafts[0][1:] == [QUERY, FIRST[2], LATER]
    assert drafts[1][1:] == [QUERY]


def test_evidence_is_given_to_the_same_critique_and_a_companion_file_stands_in(
    terminal: Terminal, provider: Provider, tmp_path: Path, evidenced: str
) -> None:
    file = tmp_path / "precise.md"
    file.write_text(FILE)
    asked = len(provider.exchanges)
    provider.queue(*AGAIN)
    said = terminal("simulate", evidenced, "--companion-file", str(file))

    assert said.status == 0, said.err
    draft, critique, revision = [exchange.prompt for exchange in provider.exchanges[asked : asked + 3]]
    assert "Answer in hours and minutes." in draft[0]
    assert "Look at the hours alone." in critique[0]
    assert EVIDENCE in critique[1]
    assert "Mend the hours." in revision[0]
    assert "Evidence was given to critique 1, as before." in said.err
    assert "it does not say which answer is better" in said.err


def test_a_diff_shows_the_words_and_a_pipe_gets_the_new_session(
    terminal: Terminal, provider: Provider, session: str
) -> None:
    provider.queue(*AGAIN)
    said = terminal("simulate", session, "--diff")

    assert "[-closes-] {+shuts+}" in said.err
    assert f"against session {said.out.decode().strip()}" in said.err


def test_budgets_hold_for_a_simulation(
    terminal: Terminal, session: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_OWNER_DAY_TOKENS", "1")
    asked = len(provider.exchanges)
    said = terminal("simulate", session)

    assert said.status == 1
    assert "1 token" in said.err
    assert len(provider.exchanges) == asked


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--slot", "7"), "has no text in slot 7"),
        (("--companion", "strategy"), "has no text of 'strategy'"),
        (("--companion-file", "nowhere.md"), "cannot be used: nowhere.md: the file cannot be read"),
        (("--model", "host"), "A terminal has no host"),
        (("--library", "nowhere"), "the folder cannot be read"),
    ],
)
def test_what_cannot_be_simulated_is_refused_and_nothing_is_begun(
    terminal: Terminal, session: str, words: tuple[str, ...], told: str
) -> None:
    said = terminal("simulate", session, *words)

    assert said.status == 1
    assert told in said.err
    assert len(terminal.json("sessions", "--json")["sessions"]) == 1


def models_since(provider: Provider, asked: int) -> list[str]:
    """Name the models that wrote draft, critique and revision."""
    return [exchange.body["model"] for exchange in provider.exchanges[asked : asked + 3]]


@pytest.mark.parametrize("settings", ["", "model: three\n"])
def test_critics_keep_their_model_and_a_companion_file_s_own_model_writes(
    terminal: Terminal, provider: Provider, tmp_path: Path, session: str, settings: str
) -> None:
    file = tmp_path / "precise.md"
    file.write_text(FILE.replace("---\n\n", f"critic_model: critic\n{settings}---\n\n", 1))
    asked = len(provider.exchanges)
    provider.queue(*AGAIN)
    said = terminal("simulate", session, "--companion-file", str(file))

    assert said.status == 0, said.err
    writes = "three" if settings else "one"
    assert models_since(provider, asked) == [writes, "critic", writes]


def test_who_wrote_before_writes_again_where_another_is_configured_by_now_and_critics_keep_theirs(
    terminal: Terminal, provider: Provider, monkeypatch: pytest.MonkeyPatch, session: str
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:three")
    monkeypatch.setenv("COMPANIONS_CRITIC_MODEL", CRITIC)
    asked = len(provider.exchanges)
    provider.queue(*AGAIN)
    (told,) = terminal.json("simulate", session, "--json")["slots"]

    assert models_since(provider, asked) == ["one", "critic", "one"]
    made = terminal.json("export", told["simulated"]["session_id"])
    assert made["session"]["title"].endswith("by openai:one")


def test_a_synthesis_is_refused_in_one_sentence_and_a_contribution_is_not(
    terminal: Terminal, provider: Provider
) -> None:
    consulted = terminal("consult", QUERY, "--companion", "generic", "--companion", "guide")
    assert consulted.status == 0, consulted.err
    asked = len(provider.exchanges)
    said = terminal("simulate", consulted.session_id, "--companion", "strategy")

    assert said.status == 1
    assert "Slot 0 of 'strategy' joins the answers of a consultation" in said.err
    assert len(provider.exchanges) == asked
    assert len(terminal.json("sessions", "--json")["sessions"]) == 1
    assert terminal("simulate", consulted.session_id, "--companion", "guide").status == 0
