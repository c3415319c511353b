"""Critics and checks of a companion's file, used from Python."""

import asyncio
from pathlib import Path

from companions import ThinkingCompanion
from companions.prompts import NOTHING_LEFT
from tests.companions.chats import ACCEPT, Open, saying
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures", "tests.companions.chat_fixtures")

FILE = """---
name: own
description: Mine.
critics: [accuracy, {name: clarity, model: "openai:elsewhere"}]
checks: {must_contain: [Signed]}
max_iterations: 4
---
## Draft
Write.
## Critique
Judge.
## Revision
Mend.
"""
LONG = "The store keeps every step of the session, in order, and gives it back when it is asked for. " * 3


def own(folder: Path) -> Path:
    (folder / "own.md").write_text(FILE)
    return folder


def test_the_chat_model_that_is_given_is_every_critic_and_no_critic_ends_what_fails_a_check(tmp_path: Path) -> None:
    chat = saying(LONG, ACCEPT, ACCEPT, LONG, "Sign it.", ACCEPT, f"{LONG}Signed, Ann.", ACCEPT, f"Good.\n{ACCEPT}")
    companion = ThinkingCompanion(chat, companion_type="own", library=own(tmp_path))
    assert companion("Q?") == f"{LONG}Signed, Ann."
    (slot,) = companion.run_log
    assert slot["stop_reason"] == "critic_satisfied"
    first, second, third = slot["critique"]
    assert f"## accuracy\n\n{NOTHING_LEFT}\n\n## clarity\n\n{NOTHING_LEFT}\n\nThe text fails" in first
    assert second == f"## accuracy\n\nSign it.\n\n## clarity\n\n{NOTHING_LEFT}"
    assert "fails" not in third


async def test_awaited_its_critics_are_asked_at_once_over_real_connections(
    tmp_path: Path, open_chat: Open, provider: Provider
) -> None:
    companion = await asyncio.to_thread(
        lambda: ThinkingCompanion(open_chat(), companion_type="own", library=own(tmp_path), max_loops=1)
    )
    await companion.ainvoke("What is it like?")
    assert len(provider.bodies) == 4
    assert [body["model"] for body in provider.bodies] == ["gpt-4.1-mini"] * 4
    assert companion.run_log[0]["stop_reason"] == "max_iterations"


def test_called_without_an_event_loop_they_share_the_chat_model(tmp_path: Path, open_chat: Open) -> None:
    companion = ThinkingCompanion(open_chat(), companion_type="own", library=own(tmp_path), max_loops=2)
    companion("What is it like?")
    assert len(companion.run_log[0]["critique"]) == 2
    assert companion.last is not None
    assert companion.last.why.endswith("It still fails must_contain.")
