"""Edits of a companion's history: who sees them, what stays as it was, and that nobody loses one."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companions.errors import InputError, SessionNotFoundError, StoreAwayError, UnknownNameError
from sessions.archives.writing import export_template
from sessions.copying import copy
from sessions.editing import Wish, edit
from sessions.history_view import LOOKED
from sessions.labelling import set_title
from sessions.reading import Reading
from sessions.reconciling import reconcile
from sessions.spool.spool import Spool
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.archived import bring, contents, export
from tests.sessions.edited import (
    companion_of,
    edited,
    messages,
    part,
    shown_to_the_next_draft,
    thought,
)
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked
from tests.sessions.learners import converged, counted, known
from tests.sessions.looping import loop_of, process_on, refine, votes


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True)
    yield made
    await made.calls.close()


async def test_every_process_fork_and_copy_sees_what_was_corrected_and_left_out(process: Process) -> None:
    session_id = await thought(process)
    before, phase = await process.entries(session_id), await part(process, session_id, "phase")
    await edited(process, session_id, 0, answer="Mended text of the first.")
    await edited(process, session_id, 1, query="Second?", left_out=True)
    made = await edited(process, session_id, 2, answer="Mended text of the third.")
    assert (made.made, made.version) == (("answer",), 0)
    stored = await process.entries(session_id)
    assert (stored[: len(before)], [entry.kind for entry in stored[len(before) :]]) == (before, ["configure"] * 4)
    assert (await part(process, session_id, "phase")) == phase
    assert (await edited(process, session_id, 1, query="Second?", left_out=True)).made == ()
    await set_title(process.calls.desk.sessions, OWNER, session_id, "Three questions")
    await process.calls.desk.sessions.writer.drain()
    target = MemoryStore()
    await copy(process.store, target, lambda _sessions, _entries: None)
    live, others = await companion_of(process, session_id), [Process.on(process.store.store, keeps=True)]
    others += [Process.on(target)]
    assert [await companion_of(other, session_id) for other in others] == [live, live]
    fork = (await forked(process, session_id)).session_id
    # A store that nobody shares is one process's to write to.
    readers = others if process.store.shared else others[1:]
    for reader, name in [(process, fork), *((each, session_id) for each in (*readers, process))]:
        shown = await shown_to_the_next_draft(reader, name)
        assert "Mended text of the first." in shown
        assert "Revised text" not in shown
        assert "Second?" not in shown
        assert "Draft of the second." not in shown
        assert "Mended text of the third." in shown
        log = (await part(reader, name, "run_log"))["run_log"]
        assert (log[0]["revision"], log[0]["replaced"][0]["text"]) == (
            ["Mended text of the first."],
            "Revised text of the first, longer.",
        )
        assert [slot["query"] for slot in log] == ["First?", "Second?", "Third?", "And then?"]
        assert (await part(reader, name, "answer", slot=0))["text"] == "Mended text of the first."
    await edited(process, session_id, 1, left_out=False)
    others.append(Process.on(process.store.store, keeps=True))
    for reader in (process, others[-1]):
        assert "Second?" in await shown_to_the_next_draft(reader, session_id)
    for other in others:
        await other.calls.close()


async def test_an_edit_is_kept_though_another_process_configures_at_the_same_time(sqlite: SQLiteStore) -> None:
    one, other = Process.on(sqlite, keeps=True), Process.on(sqlite, keeps=True)
    session_id = await thought(one)
    await companion_of(other, session_id)
    gate = other.store.holds("append")
    titled = asyncio.create_task(set_title(other.calls.desk.sessions, OWNER, session_id, "Given meanwhile"))
    await gate.reached.wait()
    await edited(one, session_id, 0, answer="Mended.", left_out=True)
    gate.open()
    await titled
    await edited(other, session_id, 0, left_out=False)
    fresh = Process.on(sqlite, keeps=True)
    companions = [await companion_of(each, session_id) for each in (one, other, fresh)]
    assert companions == [companions[0]] * 3
    assert "Mended." in await shown_to_the_next_draft(fresh, session_id)
    for process in (one, other, fresh):
        await process.calls.close()


async def test_a_step_goes_on_from_a_corrected_text_and_a_redone_one_takes_its_place(by_caller: Process) -> None:
    session_id = await thought(by_caller)
    await edited(by_caller, session_id, 2, answer="Mended text of the third.")
    asked = await by_caller.step("revise", session_id)
    assert asked.instructions is not None
    assert "Mended text of the third." in asked.instructions["user"]
    await by_caller.step("revise", session_id, text="Revised text of the third, with more words.")
    await edited(by_caller, session_id, 2, answer="Mended once more.")
    assert (await part(by_caller, session_id, "answer"))["text"] == "Mended once more."
    await by_caller.step("revise", session_id, text="Revised by redoing it, with other words.", redo=True)
    assert (await part(by_caller, session_id, "answer"))["text"] == "Revised by redoing it, with other words."
    log = (await part(by_caller, session_id, "run_log", slot=2))["run_log"][0]
    assert (log["draft"], log["revision"]) == (
        "Mended text of the third.",
        ["Revised by redoing it, with other words."],
    )
    assert [each["text"] for each in log["replaced"]] == [
        "Draft of the third.",
        "Revised text of the third, with more words.",
        "Mended once more.",
    ]
    text = (await part(by_caller, session_id, "transcript"))["text"]
    assert "Before it was:\n\nDraft of the third." in text


async def test_a_corrected_answer_stands_before_what_was_picked() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([*loop_of("One.", "One and two.", "None of these at all."), *votes("A", "D")])
        session_id = (await refine(process, query="Which?", max_iterations=2)).session_id
        assert (await part(process, session_id, "answer"))["version"] == 1
        await edited(process, session_id, 0, answer="Mended.")
        for _ in range(2):
            told = await part(process, session_id, "answer", slot=0)
            assert (told["text"], told["picked"]) == ("Mended.", False)
            assert "answer" not in (await part(process, session_id, "run_log", slot=0))["run_log"][0]
            await process.step("draft", session_id, query="And?", text="Yes.")


async def test_the_history_is_read_and_searched_in_pages(by_caller: Process) -> None:
    session_id = await thought(by_caller)
    await edited(by_caller, session_id, 0, answer="Mended text of the first.")
    await edited(by_caller, session_id, 1, left_out=True)
    body = await messages(by_caller, session_id)
    assert [(each["slot"], each["type"], each["content"]) for each in body["messages"]] == [
        (0, "human", "First?"),
        (0, "ai", "Mended text of the first."),
        (1, "human", "Secnod?"),
        (1, "ai", "Draft of the second."),
        (2, "human", "Third?"),
        (2, "ai", "Draft of the third."),
    ]
    assert [each["in_window"] for each in body["messages"]] == [True, True, False, False, True, True]
    assert [each.get("left_out", False) for each in body["messages"]][2:4] == [True, True]
    assert [*body["messages"][1]["corrected"]] == ["at", "seq"]
    assert body["messages"][1]["version"] == 1
    found = await messages(by_caller, session_id, search="TEXT first")
    assert [each["content"] for each in found["messages"]] == ["Mended text of the first."]
    assert await part(by_caller, session_id, "history", slot=1) == (await part(by_caller, session_id, "history")) | {
        "messages": body["messages"][2:4]
    }
    for number in range(LOOKED):
        await by_caller.step("draft", session_id, query=f"Question {number}?", text=f"{number} " + "x" * 4_000)
    pages, offset = list[dict[str, Any]](), 0
    while offset is not None:
        pages.append(await messages(by_caller, session_id, offset=offset))
        offset = pages[-1]["next_offset"]
    slots = [each["slot"] for page in pages for each in page["messages"]]
    assert slots == [number for number in range(LOOKED + 3) for _ in range(2)]
    assert max(len(json.dumps(page)) for page in pages) < 100_000
    assert [each["slot"] for page in pages for each in page["messages"] if each["in_window"]][::2] == [*range(98, 103)]
    few = await messages(by_caller, session_id, search="question 99?")
    assert (few["messages"], few["next_offset"]) == ([], LOOKED)
    [last] = (await messages(by_caller, session_id, search="question 99?", offset=LOOKED))["messages"]
    assert last["slot"] == LOOKED + 2
    listed = await Reading(calls=by_caller.calls).history(OWNER, session_id, "generic")
    assert len(listed["history"]) == 14


async def test_edits_are_refused_that_could_not_hold(by_caller: Process) -> None:
    session_id = await thought(by_caller)
    await by_caller.step("draft", session_id, query="Fourth?")
    stored = await by_caller.entries(session_id)
    with pytest.raises(InputError, match="Slot 3 has no answer yet"):
        await edited(by_caller, session_id, 3, answer="Mine.")
    with pytest.raises(InputError, match="There is no slot 4"):
        await edited(by_caller, session_id, 4, left_out=True)
    with pytest.raises(UnknownNameError, match="it has: generic"):
        await edited(by_caller, session_id, 0, "strategy", left_out=True)
    wishes: list[dict[str, Any]] = [{}, {"answer": " "}, {"query": "\ud800"}, {"answer": "long", "text_limit": 3}]
    for wished in wishes:
        with pytest.raises(InputError):
            await edited(by_caller, session_id, 0, **wished)
    with pytest.raises(SessionNotFoundError):
        await edit(by_caller.calls, "bob", session_id, None, Wish(slot=0, left_out=True))
    assert await by_caller.entries(session_id) == stored


async def test_while_the_store_is_away_nothing_is_edited(sqlite: SQLiteStore, tmp_path: Path) -> None:
    process = Process.on(sqlite, keeps=True, spool=Spool(tmp_path / "spool", "sqlite", limit=1_000_000))
    session_id = await thought(process)
    process.store.away = True
    await process.step("revise", session_id, text="Kept on this machine's disk meanwhile.")
    with pytest.raises(StoreAwayError):
        await edited(process, session_id, 0, answer="Mended.")
    process.store.away = False
    await process.calls.close()


async def test_a_configuration_that_comes_late_leads_to_the_edits_made_before_it(by_caller: Process) -> None:
    session_id = await thought(by_caller)
    known = await by_caller.entries(session_id)
    late = replace(known[0], seq=known[-1].seq + 1, id="another-1", meta={**known[0].meta, "title": "Kept meanwhile"})
    await edited(by_caller, session_id, 0, answer="Mended.")
    await reconcile(by_caller.store, session_id, [late])
    fresh = Process.on(by_caller.store.store, keeps=True)
    assert "Mended." in await shown_to_the_next_draft(fresh, session_id)


async def test_slots_with_a_corrected_text_are_not_learned_from(by_caller: Process) -> None:
    first, second = await converged(by_caller), await converged(by_caller, "Another?")
    await edited(by_caller, first, 0, answer="Mended.")
    await edited(by_caller, second, 0, left_out=True)
    await counted(by_caller)
    assert known(by_caller)[0] == 1


async def test_an_archive_brings_edits_and_a_template_asks_the_corrected_query(
    by_caller: Process, tmp_path: Path
) -> None:
    session_id = await thought(by_caller)
    await edited(by_caller, session_id, 1, query="Second?", answer="Mended text of the second.", left_out=True)
    await export(by_caller, tmp_path / "all.zip")
    brought = Process.on(MemoryStore())
    await bring(brought, tmp_path / "all.zip")
    assert (await messages(brought, session_id))["messages"][2:4] == (await messages(by_caller, session_id))[
        "messages"
    ][2:4]
    session = await by_caller.calls.desk.sessions.find(OWNER, session_id)
    await export_template(session, tmp_path / "template.zip")
    template = contents(tmp_path / "template.zip")
    assert "Mended" not in str(template)
    assert "Second?" in str(template)
    assert "Secnod?" not in str(template)
