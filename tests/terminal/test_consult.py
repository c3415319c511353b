"""Several companions asked in the terminal: what is shown and where, what is refused, what is stopped and resumed."""

import asyncio
import re
import signal

import pytest

import server
from sessions.calls import Waiting
from sessions.consulting import Consultations
from sessions.questions import Question
from terminal.program import drained
from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import KEY, Provider
from tests.terminal.commands import Terminal, on_a_terminal, start

pytest_plugins = ("tests.provider.fixtures",)

WHOLE = "All in {all}:\n\n  two views \N{EM DASH} one answer.\n\n"
ENDED = "this consultation has ended"


@pytest.fixture(autouse=True)
def environment(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the loopback provider's model write."""
    for name, value in (("API_KEY", KEY), ("BASE_URL", provider.url)):
        monkeypatch.setenv(f"OPENAI_{name}", value)
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:loopback")


def command_in(told: str) -> list[str]:
    """Give the words of the command that a line tells to run."""
    return told.rpartition("`companions ")[2].partition("`")[0].split()


def consulted(query: str, text: str) -> str:
    """Begin a consultation as a host does whose model writes, with its first text; gives the session."""
    program = server.program()

    async def report(*told: object) -> None:
        raise AssertionError(told)

    given = Consultations(calls=program.calls).consult(
        program.owner,
        None,
        Question(query=query, text=text),
        waiting=Waiting(seconds=60, every=60, report=report),
        signature="host:test",
    )
    return asyncio.run(drained(program, given)).session_id


def test_a_pipe_gets_the_synthesis_alone_and_people_see_what_each_contributed(
    terminal: Terminal, provider: Provider
) -> None:
    provider.queue("One view.", "Another {view}.", WHOLE)
    said = terminal("consult", "What now?", "--companion", "generic", "--companion", "guide")
    assert (said.status, said.out.decode()) == (0, WHOLE)
    assert "Asking generic, guide; strategy joins the answers.\n" in said.err
    assert "openai:loopback writes." in said.err
    for text in ("One view.", "Another {view}."):
        assert f" {len(text)} characters\n{text}\n" in said.err
    assert "\nSynthesis  by strategy  loopback  " in said.err
    assert WHOLE.strip() not in said.err
    assert "Used by this session so far: " in said.err
    assert "\x1b" not in said.err
    record = terminal.json("show", said.session_id, "--json")
    assert {*record["run_logs"]} == {"generic", "guide", "strategy"}


def test_one_that_fails_is_told_with_the_reason_and_the_others_are_joined(
    terminal: Terminal, provider: Provider
) -> None:
    provider.queue("One view.", replies.refusal(401), "Another.", WHOLE)
    said = terminal("consult", "What now?")
    assert (said.status, said.out.decode()) == (0, WHOLE)
    assert said.err.count(" failed: The provider refused the key") == 1
    assert provider.bodies[3]["messages"][-1]["content"].count("<contribution>") == 2


def test_if_all_fail_the_error_names_the_command_that_goes_on(terminal: Terminal, provider: Provider) -> None:
    provider.queue(*[replies.refusal(401)] * 3)
    said = terminal("consult", "What now?", "--model", "openai:named")
    assert (said.status, said.out) == (1, b"")
    error = said.err.splitlines()[-1]
    assert error.startswith("companions: The provider refused the key")
    assert error.endswith("` goes on from there.")
    assert said.err.count(" failed: ") == 3
    words = command_in(error)
    assert (words[:2], words[3:]) == (["consult", "--session"], ["--model", "openai:named"])
    again = terminal(*words)
    assert again.status == 0
    assert again.session_id == words[2]
    assert len(provider.bodies) == 3 + 4


def test_what_has_ended_is_shown_again_and_nobody_is_asked(
    terminal: Terminal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = terminal("consult", "What now?", "--companion", "generic", "--synthesizer", "guide")
    asked = len(provider.bodies)
    monkeypatch.setenv("COMPANIONS_MODEL", "host")  # no model is needed to look
    for words in ((), ("What now?",), ("--synthesizer", "guide")):
        again = terminal("consult", *words, "--session", first.session_id)
        assert (again.status, again.out) == (0, first.out)
        assert ENDED in again.err
    assert len(provider.bodies) == asked
    other = terminal("consult", "--synthesizer", "strategy", "--session", first.session_id)
    assert "This session has no consultation to go on with. Give a question beside" in other.err


def test_a_question_in_a_session_that_has_one_already_is_a_new_consultation(
    terminal: Terminal, provider: Provider
) -> None:
    first = terminal("consult", "What now?", "--companion", "generic")
    second = terminal("consult", "And then?", "--companion", "marketing", "--session", first.session_id)
    assert second.session_id == first.session_id
    assert ENDED not in second.err
    assert terminal("consult", "--session", first.session_id).out == second.out
    assert len(provider.bodies) == 4
    refused = terminal("consult", "And then?", "--companion", "guide", "--session", first.session_id)
    assert "put to marketing here. Leave out --companion to go on with that, or --session for" in refused.err


def test_what_a_host_began_is_finished_by_the_configured_model(
    terminal: Terminal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "host")
    session_id = consulted("What now?", "The host's own.")
    refused = terminal("consult", "--session", session_id)
    assert "A consultation needs a language model" in refused.err
    assert f"Nothing is lost: `companions consult --session {session_id}` goes on" in refused.err
    monkeypatch.setenv("COMPANIONS_MODEL", "openai:loopback")
    said = terminal("consult", "--session", session_id)
    assert said.status == 0
    assert "Asking marketing, bug_triage; strategy joins" in said.err
    assert "The host's own." not in said.err
    assert len(provider.bodies) == 3
    assert "The host's own." in provider.bodies[2]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("model", "words"), [(None, ()), ("host", ()), ("offline", ()), ("openai:x", ("--model", "offline"))]
)
def test_without_a_language_model_it_is_refused_before_anything_is_stored(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, model: str | None, words: tuple[str, ...]
) -> None:
    for name in ("COMPANIONS_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name)
    if model is not None:
        monkeypatch.setenv("COMPANIONS_MODEL", model)
    said = terminal("consult", "What now?", *words)
    assert (said.status, said.out) == (1, b"")
    assert said.err == (
        "companions: A consultation needs a language model: the built-in editor has no views of its own. "
        "Set OPENAI_API_KEY, or COMPANIONS_MODEL to openai:NAME, or give --model openai:NAME.\n"
    )
    assert terminal.json("sessions", "--json") == {"sessions": []}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "There is nothing to consult on"),
        (("x", "--model", "host"), "A terminal has no host"),
        (("x", "--model", "openai:"), "is not the name of a model"),
        (("x", "--companion", "nobody"), "There is no companion type 'nobody'"),
        (("x", "--synthesizer", "nobody"), "There is no companion type 'nobody'"),
        (("x", "--companion", "strategy"), "Leave it out of --companion, or name another synthesizer."),
        (("x", "--companion", "guide", "--companion", "guide"), "--companion holds 2 names, 1 of them different."),
        (("x", "--session", "nothing"), "There is no session 'nothing'. Run `companions sessions`"),
        ((" ",), "is empty"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(
    terminal: Terminal, provider: Provider, words: tuple[str, ...], told: str
) -> None:
    said = terminal("consult", *words)
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert told in said.err
    assert provider.bodies == []
    assert terminal.json("sessions", "--json") == {"sessions": []}


def test_a_budget_that_allows_nobody_says_so_once_in_a_terminal_s_words(
    terminal: Terminal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_SESSION_TOKENS", "1")
    said = terminal("consult", "What now?")
    error = said.err.splitlines()[-1]
    assert (said.status, provider.bodies) == (1, [])
    assert error.count("This session is limited to 1 tokens") == 1
    assert "None of the 3 companions was asked. Go on in a new session, or have COMPANIONS_SESSION_TOKENS" in error
    assert "execution_mode" not in error


def test_ctrl_c_keeps_what_was_contributed_and_names_the_command_that_resumes(
    terminal: Terminal, provider: Provider
) -> None:
    provider.queue("One view.", replies.broken("hang_mid_stream"))
    with start("consult", "What now?", "--companion", "generic", "--companion", "guide") as process:
        assert process.stderr is not None
        told = b""
        while b"One view." not in told:
            line = process.stderr.readline()
            assert line
            told += line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    words = command_in(err.decode())
    provider.reset()
    provider.queue("Another.", WHOLE)
    said = terminal(*words)
    assert (said.status, said.out.decode()) == (0, WHOLE)
    assert "One view." not in said.err
    assert len(provider.bodies) == 2
    assert "One view." in provider.bodies[1]["messages"][-1]["content"]


def test_on_a_terminal_each_contributor_has_a_line_while_they_write_at_the_same_time(provider: Provider) -> None:
    first, second, last = Signal(), Signal(), Signal()
    provider.queue(
        replies.text("One \x1b]0;owned\x07 view.", pieces=2, gate=first),
        replies.text("Another view.", pieces=2, gate=second),
        replies.text(WHOLE, pieces=2, gate=last),
    )

    def seen(received: bytes) -> None:
        newest = received.rpartition(b"Asking")[2]
        if re.search(rb"generic[^\n]*writing, .*\n.*guide[^\n]*writing, ", newest):
            first.set()
        if b"done, " in newest:
            second.set()
        if b"Synthesis: " in newest:
            last.set()

    status, shown = on_a_terminal("consult", "What now?", "--companion", "generic", "--companion", "guide", seen=seen)
    assert status == 0
    assert "waiting, " in shown
    assert "\x1b]0;" not in shown
    assert shown.index("Another view.") < shown.index("Synthesis: ") < shown.index("Answer")
    assert shown.index("Answer") < shown.rindex("one answer.") < shown.index("companions show ")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is there again
