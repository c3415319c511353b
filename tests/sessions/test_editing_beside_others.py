"""Edits that another process, or a store that goes away, comes between: they hold, or whoever made them is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from companions.configuration import Defaults
from companions.edits import EDIT
from companions.entries import Entry
from companions.errors import ConflictError, StoreAwayError
from sessions.labelling import set_title
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.edited import companion_of, edited, messages, replayed, shown_to_the_next_draft, thought
from tests.sessions.faults import OWNER, Process
from tests.sessions.keeping_apart import home, started

MINE = "Mended here."


@pytest.fixture
async def other(sqlite: SQLiteStore) -> AsyncIterator[Process]:
    made = Process.on(sqlite, keeps=True)
    yield made
    await made.calls.close()


async def edits_of(process: Process, session_id: str) -> list[Entry]:
    return [entry for entry in await process.entries(session_id) if EDIT in entry.meta]


async def answers(process: Process, session_id: str) -> list[str]:
    told = (await messages(process, session_id))["messages"]
    return [message["content"] for message in told if message["type"] == "ai"]


def judges_by(process: Process, threshold: float) -> None:
    defaults = Defaults(execution_mode="client", similarity_threshold=threshold)
    process.calls.desk.sessions.defaults = defaults


async def overtaken(editing: Awaitable[object]) -> None:
    with pytest.raises(ConflictError, match="went on in another process"):
        await editing


async def in_background(sqlite: SQLiteStore, folder: Path) -> tuple[Process, str]:
    process = started(sqlite, folder, early=True)
    process.calls.desk.sessions.store.seconds = 30.0
    session_id = await thought(process)
    await process.calls.desk.sessions.writer.drain()
    return process, session_id


async def test_in_the_background_an_edit_holds_beside_a_step_of_another_process(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process, session_id = await in_background(sqlite, tmp_path)
    gate = process.store.holds("append")
    editing = asyncio.create_task(edited(process, session_id, 1, answer=MINE, left_out=True))
    await gate.reached.wait()
    judges_by(other, 0.5)
    await other.step("draft", session_id, query="Fourth?", text="Theirs.")
    gate.open()
    made = await editing
    assert (made.made, made.seq) == (("answer", "left_out"), (await edits_of(process, session_id))[-1].seq)
    for reader in (process, other):
        assert await answers(reader, session_id) == [
            "Revised text of the first, longer.",
            MINE,
            "Draft of the third.",
            "Theirs.",
        ]
        live = await companion_of(reader, session_id)
        assert live.edits.left_out == {1}
        assert live.configuration is not None
        assert live.configuration.threshold == 0.5
        assert live.edits == replayed(await process.entries(session_id)).edits
    await process.calls.close()


async def test_an_edit_of_what_another_process_revised_is_kept_and_its_maker_told_that_it_is_not_the_answer(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process, session_id = await in_background(sqlite, tmp_path)
    gate = process.store.holds("append")
    editing = asyncio.create_task(edited(process, session_id, 2, answer=MINE))
    await gate.reached.wait()
    await other.step("revise", session_id, text="Revised in another process.")
    gate.open()
    await overtaken(editing)
    assert [edit.text for edit in await edits_of(process, session_id)] == [MINE]
    assert (await answers(process, session_id))[-1] == "Revised in another process."
    await process.calls.close()


async def test_an_edit_never_covers_a_text_that_another_process_wrote_anew(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process, session_id = await in_background(sqlite, tmp_path)
    await process.step("revise", session_id, text="Revised text of the third, with more words.")
    await process.calls.desk.sessions.writer.drain()
    gate = process.store.holds("append")
    editing = asyncio.create_task(edited(process, session_id, 2, answer=MINE))
    await gate.reached.wait()
    await other.step("revise", session_id, text="Written anew in another process.", redo=True)
    gate.open()
    await overtaken(editing)
    assert await edits_of(process, session_id) == []
    assert (await answers(process, session_id))[-1] == "Written anew in another process."
    await process.calls.close()


async def test_an_edit_of_a_text_that_loses_while_it_is_on_its_way_corrects_no_other(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process, session_id = await in_background(sqlite, tmp_path)
    await process.step("draft", session_id, query="Fourth?", text="Ours.")
    await process.calls.desk.sessions.writer.drain()
    gate = process.store.holds("append")
    await process.step("draft", query="Elsewhere?", text="In a batch of its own.")
    await gate.reached.wait()
    await process.step("draft", session_id, text="Ours, written anew.", redo=True)
    editing = asyncio.create_task(edited(process, session_id, 3, answer=MINE))
    await other.step("critique", session_id, text="Theirs, of what was there before.")
    gate.open()
    await overtaken(editing)
    assert await edits_of(process, session_id) == []
    assert (await edited(process, session_id, 3, answer=MINE)).made == ("answer",)
    await process.calls.close()


async def test_an_edit_that_the_store_went_away_under_is_no_success_and_comes_home_beside_other_steps(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process = started(sqlite, tmp_path)
    session_id = await thought(process)
    gate = process.store.holds("append")
    editing = asyncio.create_task(edited(process, session_id, 1, query="Second?"))
    await gate.reached.wait()
    process.store.away = True
    gate.open()
    with pytest.raises(StoreAwayError, match="may wait for it"):
        await editing
    with pytest.raises(StoreAwayError, match="waits for it"):
        await edited(process, session_id, 0, left_out=True)
    await other.step("draft", session_id, query="Fourth?", text="Theirs.")
    await home(process)
    for reader in (process, other):
        assert "Second?" in await shown_to_the_next_draft(reader, session_id)
    await process.calls.rest()


async def test_what_waits_behind_an_edit_leads_to_it_by_the_number_that_it_comes_home_under(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process = started(sqlite, tmp_path)
    session_id = await thought(process)
    gate = process.store.holds("append")
    editing = asyncio.create_task(edited(process, session_id, 1, answer=MINE))
    await gate.reached.wait()
    process.store.away = True
    gate.open()
    with pytest.raises(StoreAwayError):
        await editing
    judges_by(process, 0.5)
    await process.step("draft", session_id, "generic", query="Fourth?", text="Ours.")
    await edited(other, session_id, 0, query="The first?", left_out=True)
    await other.step("draft", session_id, "strategy", query="Beside?", text="Theirs.")
    await home(process)
    entries = await process.entries(session_id)
    for reader in (process, other):
        companion = await companion_of(reader, session_id)
        told = (await messages(reader, session_id))["messages"]
        assert [message["content"] for message in told[:4]] == [
            "The first?",
            "Revised text of the first, longer.",
            "Secnod?",
            MINE,
        ]
        assert (companion.edits.left_out, companion.edits.count) == ({0}, 3)
        assert companion.edits == replayed([each for each in entries if each.companion_type == "generic"]).edits
    configured = [entry for entry in entries if entry.kind == "configure" and entry.companion_type == "generic"]
    assert [entry.meta["threshold"] for entry in configured[-2:]] == [1.0, 0.5]
    await process.calls.rest()


async def test_an_edit_that_comes_home_configures_nothing_besides(
    sqlite: SQLiteStore, other: Process, tmp_path: Path
) -> None:
    process, session_id = await in_background(sqlite, tmp_path)
    gate = process.store.holds("append")
    editing = asyncio.create_task(edited(process, session_id, 0, answer=MINE))
    await gate.reached.wait()
    await set_title(other.calls.desk.sessions, OWNER, session_id, "Given meanwhile")
    gate.open()
    await editing
    (edit,) = await edits_of(process, session_id)
    assert "title" not in edit.meta
    await process.calls.close()
