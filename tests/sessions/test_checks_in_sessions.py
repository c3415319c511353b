"""Checks in a session: kept with it, and told to a caller that writes."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from companions import checks
from companions.models import Sampling
from tests.companions.chats import ACCEPT
from tests.sessions.own_companions import CRITICS, Named, Open, critique, drafted

pytest_plugins = ("tests.sessions.own_companion_fixtures",)


async def test_a_session_keeps_its_critics_and_checks_when_the_file_is_edited_and_another_process_goes_on(
    opened: Open,
) -> None:
    models = Named()
    models.say(one=ACCEPT, two=ACCEPT, three=ACCEPT)
    settings = f"{CRITICS}checks:\n  max_words: 2\n  json_schema: {{type: object}}\n"
    first = await opened(settings, models)
    session_id = await drafted(first)
    await first.calls.rest()
    second = await opened("", models)
    entry = await critique(second, session_id)
    assert len(entry.meta["critics"]) == 3
    assert entry.meta["unmet"] == ["max_words", "json_schema"]
    revision = await second.step("revise", session_id, text='{"a": 1}', sampling=Sampling(execution_mode="client"))
    assert revision.entry is not None
    assert revision.entry.meta["checks"] == []


async def test_a_caller_that_is_satisfied_with_a_text_that_fails_is_told_why_the_loop_goes_on(opened: Open) -> None:
    process = await opened("checks: {max_words: 2}\n", Named(), execution_mode="client")
    draft = await process.step("draft", companion_type="own", query="Q?", text="Three words here.")
    line = "Version 0 fails max_words (it has 3 words, and at most 2 are allowed); the loop cannot end as converged"
    assert [advice[: len(line)] for advice in draft.advice] == [line]
    answer = await process.step("critique", draft.session_id, satisfied=True)
    assert answer.advice == ("The critic was satisfied, but the text fails max_words: the loop goes on.",)
    assert (answer.stop_reason, answer.next.step) == (None, "revise")
    again = await process.step("critique", draft.session_id, satisfied=True)
    assert (again.already_done, again.not_recorded, again.advice) == (True, None, answer.advice)
    handed = await process.step("revise", draft.session_id)
    assert "<failing_checks>\nmax_words (it has 3 words" in handed.instructions["user"]


async def test_a_check_never_holds_up_the_event_loop(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, failing = list[threading.Thread](), checks.failing

    def seen(asked: Mapping[str, Any], text: str) -> Sequence[Mapping[str, str]]:
        threads.append(threading.current_thread())
        return failing(asked, text)

    monkeypatch.setattr(checks, "failing", seen)
    await drafted(await opened("checks: {max_words: 2}\n", Named()))
    assert threads
    assert threading.main_thread() not in threads
