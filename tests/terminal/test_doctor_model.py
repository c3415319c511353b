"""What ``companions doctor`` says of models, of each provider: what is set, what is missing, and what one answers."""

import os
import re
from pathlib import Path

import pytest

import server
from companions.providers import Account
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.terminal.commands import Terminal

pytest_plugins = ("tests.provider.fixtures",)


@pytest.fixture(autouse=True)
def _reached(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead every provider to the loopback, with keys for two of them."""
    for name in ("ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.setenv(name, provider.root)
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, KEY)


def lines(terminal: Terminal, *words: str, status: int = 0) -> list[str]:
    said = terminal("doctor", *words)
    assert said.status == status, said.out
    assert KEY not in said.out.decode() + said.err
    return said.out.decode().splitlines()


@pytest.mark.parametrize("model", ["anthropic:claude-test", "google:gemini-2.5-flash", "ollama:llama3.2:3b"])
def test_doctor_asks_a_model_one_tiny_thing_and_tells_what_came_of_it(
    terminal: Terminal, provider: Provider, model: str
) -> None:
    provider.queue(replies.text("ready", model="the-one-that-wrote"))
    told = lines(terminal, "--model", model)[-1]
    assert re.fullmatch(
        rf"ok     Asked {model}: the-one-that-wrote answered in \d+\.\d\d s, its first word after \d+\.\d\d s; "
        r"tokens: 6 read, 1 written",
        told,
    )
    assert provider.exchanges[0].prompt == ["Reply with the one word: ready"]


def test_doctor_tells_what_failed_and_what_to_do(terminal: Terminal, provider: Provider) -> None:
    provider.queue(replies.refusal(401))
    told = lines(terminal, "--model", "anthropic:claude-test", status=1)[-1]
    assert told.startswith("wrong  Asked anthropic:claude-test: The provider refused the key")
    assert told.endswith("Check the key (ANTHROPIC_API_KEY).")
    provider.queue(replies.broken("cut"))
    told = lines(terminal, "--model", "ollama:llama3.2", status=1)[-1]
    assert told.endswith("Run the same command again; if it goes on, choose another model.")


def test_a_model_that_is_still_thinking_at_the_limit_answers(terminal: Terminal, provider: Provider) -> None:
    provider.queue(replies.text("", finish="length"))
    assert "it answers, and had not come to an end" in lines(terminal, "--model", "google:gemini-2.5-flash")[-1]


def test_doctor_asks_the_configured_model_if_none_is_named(
    terminal: Terminal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "ollama:llama3.2")
    told = lines(terminal, "--model")
    assert any(line.startswith(f"ok     Model: ollama:llama3.2 writes at {provider.root} (") for line in told)
    assert told[-1].startswith("ok     Asked ollama:llama3.2: ")
    assert len(provider.bodies) == 1


def test_doctor_asks_nobody_unless_told_to(terminal: Terminal, provider: Provider) -> None:
    told = lines(terminal)
    assert provider.bodies == []
    assert "note   Model: ANTHROPIC_API_KEY is set. For its models, set COMPANIONS_MODEL to anthropic:NAME." in told
    told = lines(terminal, "--model", status=1)
    assert told[-1] == "wrong  Model: none is configured, so none was asked. Name one, like anthropic:NAME."


def test_doctor_misses_the_key_of_the_provider_that_writes(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "google:gemini-2.5-flash")
    assert any("google:gemini-2.5-flash writes" in line and "a key is set" in line for line in lines(terminal))
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL")
    told = lines(terminal, status=1)
    assert any(line.endswith("but no key is set. Set GOOGLE_API_KEY.") for line in told)


def test_doctor_looks_at_every_model_that_is_asked_unnamed(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANIONS_MODEL", "ollama:llama3.2")
    monkeypatch.setenv("COMPANIONS_CRITIC_MODEL", "google:gemini-2.5-flash")
    monkeypatch.setenv("COMPANIONS_COMPARISON_MODEL", "ollama:llama3.2")
    monkeypatch.setenv("COMPANIONS_FALLBACK_MODELS", "google:gemini-2.5-flash,anthropic:claude-test")
    monkeypatch.setenv("COMPANIONS_LIBRARY", str(tmp_path))
    top, sections = "name: travel\ndescription: Plans.\nmodel: gpt-own\n", ("draft", "critique", "revision")
    guide = "\n".join(["---", top + "---", *(f"## {section}\n\nPlan.\n" for section in sections)])
    (tmp_path / "travel.md").write_text(guide, encoding="utf-8")
    for name in ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name)
    told = [line for line in lines(terminal, status=1) if " writes" in line]
    assert [line.partition(";")[0].partition(",")[0] for line in told] == [
        f"ok     Model: ollama:llama3.2 writes at {os.environ['OLLAMA_HOST']} (COMPANIONS_MODEL)",
        "wrong  Model: google:gemini-2.5-flash writes (COMPANIONS_CRITIC_MODEL)",
        "wrong  Model: anthropic:claude-test writes (COMPANIONS_FALLBACK_MODELS)",
        "wrong  Model: gpt-own writes (companion travel)",
    ]


def test_accounts_are_read_from_the_settings_that_the_documents_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "first")
    monkeypatch.setenv("OLLAMA_API_KEY", "hosted")
    accounts = server.Settings().accounts()
    assert {name: account.key for name, account in accounts.items()} == {
        "anthropic": KEY,
        "google": "first",
        "ollama": "hosted",
    }
    assert Account(key=KEY) == Account(key=f" {KEY} ")
    shown = str(server.program().settings)
    assert KEY not in shown
    assert "first" not in shown
    assert "hosted" not in shown
