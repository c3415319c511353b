"""Sessions of the seed project: what stands in their run_logs is gone on with, and what cannot is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from companions.errors import InputError
from companions.run_log import run_log
from sessions.archives.importing import Imported
from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import TEXT_LIMIT, bring
from tests.sessions.faults import OWNER, Process

SLOT: dict[str, Any] = {
    "query": "Where? {0}",
    "draft": "Here.",
    "critique": ["Too cold.", "Too warm."],
    "revision": ["There."],
    "similarity": [0.25],
    "variant": "gpt-4o",
    "sampling": {"temperature": 0.7},
}
SESSION: dict[str, Any] = {
    "created_at": "2025-03-01T10:00:00",
    "last_accessed": "2025-03-02T11:30:00+00:00",
    "companions": {
        "generic": {
            "history": [{"type": "human", "content": "Where?"}],
            "run_log": [SLOT, {"query": "When?"}],
            "config": {"similarity_threshold": 0.9, "max_loops": 4, "temperature": 0.2},
            "custom_attrs": {"mood": "calm"},
        },
        "our_own": {"run_log": [{"query": "Why?", "draft": "Since."}]},
        "silent": {"run_log": []},
    },
}


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    await made.calls.close()


async def imported(process: Process, path: Path, body: object) -> Imported:
    await asyncio.to_thread(path.write_text, json.dumps(body))
    return await bring(process, path)


async def test_a_seed_session_is_gone_on_with_where_it_was(process: Process, tmp_path: Path) -> None:
    brought = await imported(process, tmp_path / "seed.json", SESSION)
    (session_id,) = brought.ids.values()
    entries = await process.entries(session_id)
    told = run_log([entry for entry in entries if entry.companion_type == "generic"])
    for name in ("query", "draft", "critique", "revision", "similarity", "variant", "sampling"):
        assert told[0][name] == SLOT[name]
    assert told[1]["query"] == "When?"
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    generic, own = await session.look("generic"), await session.look("our_own")
    assert generic.configuration is not None
    assert (generic.configuration.threshold, generic.configuration.max_iterations) == (0.9, 4)
    assert generic.configuration.temperature == 0.2
    assert (generic.phase, own.phase) == ("draft", "critique")
    assert entries[0].meta["imported"] == {
        "config": SESSION["companions"]["generic"]["config"],
        "custom_attrs": {"mood": "calm"},
    }
    assert session.opening.created_at == 1_740_823_200.0
    await process.step("draft", session_id, "generic", text="Now.")

    again = await bring(process, tmp_path / "seed.json")
    assert (again.sessions, again.there, again.ids) == (0, 1, brought.ids)


async def test_a_seed_session_is_known_again_where_other_models_and_thresholds_are_set(tmp_path: Path) -> None:
    store = MemoryStore()
    first, second = Process.on(store), Process.on(store, model="openai:other", similarity_threshold=0.5)
    before = await imported(first, tmp_path / "seed.json", SESSION)
    again = await bring(second, tmp_path / "seed.json")
    assert (again.sessions, again.there, again.ids) == (0, 1, before.ids)
    assert (await store.size()).sessions == 1
    for process in (first, second):
        await process.calls.close()


async def test_a_text_over_the_limit_is_refused_by_its_place(process: Process, tmp_path: Path) -> None:
    slot = SLOT | {"critique": ["Too cold.", "x" * (TEXT_LIMIT + 1)]}
    with pytest.raises(InputError, match=r"critique 1 of slot 0 of companion generic in seed\.json has a text of more"):
        await imported(process, tmp_path / "seed.json", {"companions": {"generic": {"run_log": [slot]}}})
    assert (await process.store.size()).sessions == 0


async def test_a_slot_is_gone_on_with_in_its_own_phase(process: Process, tmp_path: Path) -> None:
    body = {"companions": {"generic": {"run_log": [SLOT]}}}
    (session_id,) = (await imported(process, tmp_path / "seed.json", body)).ids.values()
    revised = await process.step("revise", session_id, text="Somewhere between.")
    assert (revised.iteration, revised.slot) == (2, 0)


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "more revisions than critiques": ({"critique": [], "revision": ["x"]}, "0 critiques and 1 revisions"),
    "two critiques unanswered": ({"critique": ["a", "b"], "revision": []}, "2 critiques and 0 revisions"),
    "a critique of nothing": ({"draft": "", "critique": ["a"], "revision": []}, "no draft, 1 critiques"),
    "a draft that is no text": ({"draft": 7}, "draft of slot 1"),
    "critiques that are no list": ({"critique": "abc"}, "critique of slot 1"),
    "a revision that is no text": ({"revision": [None]}, "revision of slot 1"),
    "half a character": ({"draft": "\ud800"}, "half of a character"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
async def test_a_slot_that_no_steps_build_is_refused_by_its_number(what: str, process: Process, tmp_path: Path) -> None:
    given, told = IMPOSSIBLE[what]
    with pytest.raises(InputError) as raised:
        await imported(process, tmp_path / "seed.json", {"companions": {"generic": {"run_log": [SLOT, SLOT | given]}}})
    assert told in str(raised.value)
    assert "lot 1 of companion generic in seed.json" in str(raised.value)
    assert (await process.store.size()).sessions == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"companions": []},
        {"companions": {"generic": []}},
        {"companions": {"generic": {"run_log": {}}}},
        {"companions": {"generic": {"run_log": [3]}}},
        {"companions": {"": {"run_log": [SLOT]}}},
        {"companions": {"generic": {"history": []}}},
    ],
)
async def test_what_is_no_session_of_the_seed_project_is_refused(
    body: object, process: Process, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="A session of the seed project is"):
        await imported(process, tmp_path / "seed.json", body)
    assert (await process.store.size()).sessions == 0
