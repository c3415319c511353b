import signal
from pathlib import Path

from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import KEY, Provider
from tests.terminal.commands import MEMO, ROOT, SESSION, Said, on_a_terminal, run, start

pytest_plugins = ("tests.provider.fixtures",)


def environment(provider: Provider) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url, "COMPANIONS_MODEL": "openai:slow"}


async def interrupted(provider: Provider, times: int, *words: str) -> Said:
    """Run a command until the provider was asked so often, and press Ctrl-C while it hangs."""
    with start(*words, environment=environment(provider)) as process:
        await provider.asked(times)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err.decode())


async def test_ctrl_c_in_a_slow_draft_keeps_the_query_and_names_the_command_that_goes_on(provider: Provider) -> None:
    provider.queue(replies.text("never seen", pieces=2, gate=Signal()))
    said = await interrupted(provider, 1, "refine", "What now?")
    assert (said.status, said.out) == (130, b"")
    assert "Traceback" not in said.err
    command = said.err.rpartition("`companions ")[2].partition("`")[0].split()
    assert command[:2] == ["refine", "--session"]
    resumed = run(*command, environment=environment(provider))
    assert resumed.status == 0
    assert resumed.session_id == command[2]
    assert resumed.out.startswith(b"Loopback note")
    assert "never seen" not in resumed.err


async def test_ctrl_c_in_a_later_step_keeps_the_steps_before_it(provider: Provider) -> None:
    provider.queue("A first draft.", "Make it shorter.", replies.broken("hang_mid_stream"))
    said = await interrupted(provider, 3, "refine", "What now?")
    assert said.status == 130
    assert "A first draft." in said.err
    session_id = said.err.rpartition("--session ")[2].partition("`")[0]
    shown = run("show", session_id).out.decode()
    assert "A first draft." in shown
    assert "Make it shorter." in shown
    assert "Revision 1" not in shown
    provider.reset()
    resumed = run("refine", "--session", session_id, environment=environment(provider))
    assert resumed.status == 0
    assert "\nDraft" not in resumed.err
    assert "Revision 1" in resumed.err
    assert "\nPicked  version " in resumed.err


def test_a_model_that_fails_leaves_a_session_that_can_be_gone_on_with(provider: Provider) -> None:
    provider.queue("A first draft.", replies.refusal(401))
    said = run("refine", "What now?", environment=environment(provider))
    assert (said.status, said.out) == (1, b"")
    error = said.err.splitlines()[-1]
    assert error.startswith("companions: The provider refused the key")
    assert "Check the key (OPENAI_API_KEY). Nothing is lost: `companions refine --session " in error
    assert KEY not in said.err


def test_a_named_model_writes_even_where_the_host_is_meant_to(provider: Provider) -> None:
    meant = environment(provider) | {"COMPANIONS_MODEL": "host"}
    said = run("refine", "What now?", "--model", "openai:named", environment=meant)
    assert said.status == 0
    assert {body["model"] for body in provider.bodies} == {"named"}
    assert "Max iterations" in said.err


def test_on_a_terminal_changes_are_coloured_and_the_answer_comes_before_the_session() -> None:
    status, shown = on_a_terminal("refine", "--file", str(MEMO))
    assert status == 0
    assert "\x1b[9;31malot\x1b[0m" in shown
    assert shown.index("Answer") < shown.index("companions show ")
    found = SESSION.search(shown)
    assert found is not None
    status, listed = on_a_terminal("sessions")
    assert found[1] in listed
    status, thinking = on_a_terminal("show", found[1])
    assert "## Query" not in thinking
    assert "Query 0" in thinking


def test_a_text_cannot_command_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text("alot \x1b]0;owned\x07 of \x9b2J rain")
    status, shown = on_a_terminal("refine", "--file", str(tmp_path / "bad.md"))
    assert status == 0
    assert "\x1b]0;" not in shown
    assert "\x9b2J" not in shown
    assert "\N{SYMBOL FOR ESCAPE}]0;owned" in shown
    assert ROOT.name not in shown
