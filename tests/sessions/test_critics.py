"""Several critics at once: asked at the same time, joined into one critique, and what of them fails."""

from collections.abc import Callable

import pytest

from companions.errors import ModelError
from companions.model_catalog import ModelCatalog
from companions.models import Sampling
from companions.prompts import NOTHING_LEFT
from tests.companions.chats import ACCEPT
from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import Provider
from tests.sessions.faults import until
from tests.sessions.own_companions import CRITICS, Named, Open, critique, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.sessions.own_companion_fixtures")

BARE = "critics: [accuracy, completeness, clarity]\n"
FAILED = ModelError("The provider refused.", "Wait a moment.")


async def test_they_are_asked_at_the_same_time_and_alike_up_to_the_aspect(
    opened: Open, provider: Provider, open_catalog: Callable[..., ModelCatalog]
) -> None:
    process = await opened(BARE, open_catalog(), model="gpt-4.1")
    session_id = await drafted(process)
    gate = Signal()
    provider.queue(*(replies.text("Say more about it.", pieces=3, gate=gate) for _ in range(3)))
    await process.call("critique", session_id, seconds=0.0)
    await provider.asked(3)  # none can be answered before the gate opens
    gate.set()
    done = await process.step("critique", session_id)
    assert done.entry is not None
    assert [line for line in done.entry.text.split("\n") if line] == [
        line for name in ("accuracy", "completeness", "clarity") for line in (f"## {name}", "Say more about it.")
    ]
    prompts = [[message["content"] for message in body["messages"]] for body in provider.bodies]
    assert len({system for system, _ in prompts}) == 1
    shared = {asked.partition("Look at one aspect only: ")[0] for _, asked in prompts}
    assert len(shared) == 1
    assert "A short text." in shared.pop()
    meta = done.entry.meta
    assert meta["usage"] == {
        name: sum(critic["usage"][name] for critic in meta["critics"]) for name in meta["critics"][0]["usage"]
    }
    assert meta["usage"]["output_tokens"] == 12


async def test_each_has_its_own_model_prompt_and_verdict(opened: Open) -> None:
    models = Named()
    models.say(one=f'It is wrong.\n{ACCEPT[:-8]}revise"}}', two=f"All is there.\n{ACCEPT}", three="Unclear: {x}.")
    process = await opened(CRITICS, models)
    entry = await critique(process, await drafted(process))
    assert entry.text == (
        f"## accuracy\n\nIt is wrong.\n\n## completeness\n\n{NOTHING_LEFT}\n\n## clarity\n\nUnclear: {{x}}."
    )
    assert [(each["name"], each["satisfied"]) for each in entry.meta["critics"]] == [
        ("accuracy", False),
        ("completeness", True),
        ("clarity", False),
    ]
    assert "satisfied" not in entry.meta
    ((task,),) = [model.tasks for name, model in models.models.items() if name == "one"]
    assert task.messages[-1].text.endswith(
        "Look at one aspect only: accuracy (Are the facts {right}?). Other critics look at the rest. "
        "The verdict is yours, about this aspect alone."
    )


async def test_the_loop_ends_only_if_every_critic_accepts(opened: Open) -> None:
    models = Named()
    models.say(one=ACCEPT, two=f"Fine.\n{ACCEPT}", three=ACCEPT)
    process = await opened(CRITICS, models)
    entry = await critique(process, await drafted(process))
    assert (entry.meta["stop_reason"], entry.meta["satisfied"]) == ("critic_satisfied", True)


@pytest.mark.parametrize("failure", [FAILED, '{"verdict": "revise"}', None], ids=["refused", "empty", "unknown"])
async def test_one_that_fails_is_told_and_the_others_are_taken(opened: Open, failure: Exception | str | None) -> None:
    models = Named()
    models.say(one=ACCEPT, three=ACCEPT, **({} if failure is None else {"two": failure}))
    process = await opened(CRITICS, models)
    answer = await process.step("critique", await drafted(process))
    assert answer.entry is not None
    told = {critic["name"]: critic.get("error") for critic in answer.entry.meta["critics"]}
    assert [name for name, error in told.items() if error] == ["completeness"]
    assert "## completeness\n\nThis critic did not answer." in answer.entry.text
    assert answer.advice == (f"This critique lacks critics that failed: completeness ({told['completeness']}).",)
    assert (answer.stop_reason, answer.next.step) == (None, "revise")


async def test_if_all_fail_it_is_the_first_ones_error_and_nothing_is_recorded(opened: Open) -> None:
    models = Named()
    models.say(one=FAILED, two=ModelError("Another.", "Wait."), three='{"verdict": "revise"}')
    process = await opened(CRITICS, models)
    session_id = await drafted(process)
    with pytest.raises(ModelError, match="The provider refused"):
        await process.step("critique", session_id)
    assert [entry.kind for entry in await process.entries(session_id)] == ["configure", "query", "draft"]


async def test_what_the_call_or_the_session_asks_for_goes_before_a_critics_own_model(opened: Open) -> None:
    models = Named()
    models.say(one="1", two="2", three="3", mine="Mine.")
    models.models["mine"].script.extend(["Mine."] * 5)
    process = await opened(CRITICS, models)
    session_id = await drafted(process)
    asked = Sampling(model="mine", execution_mode="server")
    entry = await critique(process, session_id, sampling=asked)
    assert {each["name"]: each["model"] for each in entry.meta["critics"]} == dict.fromkeys(
        ("accuracy", "completeness", "clarity"), "scripted:1"
    )
    assert len(models.models["mine"].tasks) == 3
    other = await process.step("draft", companion_type="own", query="Another?", text="Words.", sampling=asked)
    await critique(process, other.session_id)
    assert len(models.models["mine"].tasks) == 6


async def test_a_shutdown_drops_all_of_them(opened: Open) -> None:
    models = Named()
    models.say(one="1", two="2", three="3")
    for model in models.models.values():
        model.gate.close()
    process = await opened(CRITICS, models)
    session_id = await drafted(process)
    await process.call("critique", session_id, seconds=0.0)
    await until(lambda: all(model.gate.reached.is_set() for model in models.models.values()))
    await process.calls.rest()
    assert [entry.kind for entry in await process.entries(session_id)] == ["configure", "query", "draft"]


async def test_a_caller_that_writes_gets_one_writing_with_the_parts_by_name(opened: Open) -> None:
    process = await opened(CRITICS, Named(), execution_mode="client")
    session_id = await drafted(process)
    answer = await process.step("critique", session_id)
    assert answer.status == "write"
    assert answer.instructions["user"].endswith("- accuracy: Are the facts {right}?\n- completeness\n- clarity")
    text = "## accuracy\n\nOne.\n\n## clarity\n\nTwo."
    entry = await critique(process, session_id, text=text)
    assert (entry.text, "critics" in entry.meta) == (text, False)


async def test_the_offline_editor_is_one_critic(opened: Open) -> None:
    process = await opened(f"{CRITICS}checks: {{max_words: 2}}\n", Named(), execution_mode="offline")
    session_id = await drafted(process, "It is very very short.")
    entry = await critique(process, session_id)
    assert entry.text.startswith("The offline editor reads by rules")
    assert entry.text.endswith("max_words (it has 5 words, and at most 2 are allowed).")
    assert "critics" not in entry.meta
