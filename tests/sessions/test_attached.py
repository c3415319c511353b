"""Files attached to a query of a session: seen by every step, forked, sealed, copied and erased with it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from companions.attachments import Attachment
from companions.errors import InputError, ModelError, StoreAwayError, StoreError
from companions.models import Sampling
from sessions import erasing
from sessions.answers import Answer
from sessions.attachment_store import Content
from sessions.copying import copy
from sessions.forking import fork
from sessions.loops import Wish
from sessions.sealing import admission
from sessions.spool.spool import Spool
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.files import NOTES, PDF, notes, picture, report
from tests.sessions.building import Story
from tests.sessions.company import patient
from tests.sessions.copies import unheard
from tests.sessions.faults import OWNER, Fault, Process, until
from tests.sessions.filed import ALL, drafted, found
from tests.sessions.sealed_stores import BOTH, NEW_RING, OLD_RING, files_of, sealed
from tests.sessions.test_rotating import rotated


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True, execution_mode="server")
    yield made
    await made.calls.close()


async def test_every_step_of_the_slot_is_shown_what_the_store_keeps_once(process: Process) -> None:
    session_id = await drafted(process)
    await process.step("critique", session_id)
    await process.step("revise", session_id)
    for task in process.model.tasks:
        assert task.messages[-1].attachments == (picture(), report())
        assert NOTES in task.messages[-1].text
    await process.step("draft", session_id, query="And this?", attachments=(picture("same.png"),))
    assert process.model.tasks[-1].messages[-1].attachments == (picture("same.png"),)
    assert len(await process.store.attachments.kept(session_id)) == len(ALL)
    await process.step("draft", session_id, query="And without?")
    assert process.model.tasks[-1].messages[-1].attachments == ()
    query = next(entry for entry in await process.entries(session_id) if entry.kind == "query")
    assert query.meta["attachments"] == [each.told() for each in ALL]


async def test_another_process_goes_on_with_what_is_attached(process: Process) -> None:
    session_id = await drafted(process)
    await process.calls.rest()
    again = Process.on(process.store.store, keeps=True, execution_mode="server")
    await again.step("critique", session_id)
    assert again.model.tasks[-1].messages[-1].attachments == (picture(), report())
    await again.calls.rest()


async def test_a_caller_that_writes_is_given_what_a_model_would_be_shown(process: Process) -> None:
    answer = await process.step("draft", query="What?", attachments=ALL, sampling=Sampling(execution_mode="client"))
    assert answer.status == "write"
    assert answer.attachments == (picture(), report())
    assert NOTES in answer.instructions["user"]
    told = await process.calls.desk.instructions(
        await process.calls.desk.sessions.find(OWNER, answer.session_id), "generic"
    )
    assert told == answer.instructions


async def test_a_call_made_twice_is_one_question_and_another_file_another(process: Process) -> None:
    session_id = await drafted(process)
    again = await process.step("draft", session_id, query="What does it say?", attachments=ALL)
    assert again.already_done
    other = await process.step("draft", session_id, query="What does it say?", attachments=(picture(),))
    assert (other.already_done, other.slot) == (False, 1)


async def test_a_draft_that_failed_keeps_its_files_for_the_next_call(process: Process) -> None:
    process.model.script.append(ModelError("It broke.", "Again."))
    with pytest.raises(ModelError):
        await drafted(process)
    session_id = (await process.calls.desk.sessions.list(OWNER))[0].opening.session_id
    await process.step("draft", session_id)
    assert process.model.tasks[-1].messages[-1].attachments == (picture(), report())


async def test_a_loop_takes_files_with_its_question(process: Process) -> None:
    wish = Wish(query="What?", attachments=ALL, max_iterations=1)
    done = await process.calls.refine(OWNER, None, None, wish, waiting=patient(), signature="host:tests")
    assert await found(process, done.session_id, report()) == report()
    assert all(task.messages[-1].attachments for task in process.model.tasks if task.step != "compare")


async def test_a_fork_reads_what_its_parent_was_given_also_when_that_is_forgotten(process: Process) -> None:
    sessions = process.calls.desk.sessions
    session_id = await drafted(process, picture())
    made = await fork(sessions, OWNER, session_id)
    await process.step("draft", session_id, query="Later?", attachments=(report(),))
    await erasing.forget(sessions, OWNER, session_id)
    assert await found(process, made.session_id, picture()) == picture()
    with pytest.raises(InputError, match="no such attachment"):
        await found(process, made.session_id, report())
    await process.step("critique", made.session_id)
    assert process.model.tasks[-1].messages[-1].attachments == (picture(),)


async def test_what_was_changed_or_lost_in_the_store_is_told(process: Process) -> None:
    session_id = await drafted(process, picture())
    store = process.store.store
    (address,) = await store.attachments.kept(session_id)
    await store.attachments.rewrite(session_id, address, Content(address=address, data=PDF))
    with pytest.raises(StoreError, match=r"'chart\.png' was changed"):
        await process.step("critique", session_id)
    await store.attachments.rewrite(session_id, address, Content(address="gone", data=PDF))
    with pytest.raises(InputError, match=r"'chart\.png' of this query was never stored"):
        await process.step("critique", session_id)


async def test_while_the_store_is_away_files_are_refused_before_the_query_and_texts_are_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "the store", limit=10_000_000)
    process = Process.on(SQLiteStore(tmp_path / "store.db"), keeps=True, spool=spool)
    session_id = (await process.step("draft", query="First?", text="Words.")).session_id
    process.store.away = True
    await process.step("critique", session_id, text="Spooled.")
    with pytest.raises(StoreAwayError, match="attachments cannot be kept for it meanwhile"):
        await process.step("draft", session_id, query="What?", text="Words.", attachments=ALL)
    kinds = [entry.kind for entry in await process.entries(session_id)]
    assert kinds.count("query") == 1
    process.store.away = False
    await until(lambda: not process.calls.desk.sessions.store.away)
    await until(lambda: not process.calls.desk.sessions.writer.keeper.waits(session_id))
    await process.step("draft", session_id, query="What?", text="Words.", attachments=ALL)
    assert await found(process, session_id, picture()) == picture()
    await process.calls.close()
    await process.store.store.close()


async def test_files_that_were_not_stored_behind_their_query_are_put_by_the_same_call(tmp_path: Path) -> None:
    process = Process.on(SQLiteStore(tmp_path / "store.db"), keeps=True, early=True)
    process.store.breaks("attachments.put", Fault(StoreError("The disk is full.", "Make room.")))
    with pytest.raises(StoreError, match="The disk is full"):
        await drafted(process, picture(), text="Words.")
    session_id = (await process.calls.desk.sessions.list(OWNER))[0].opening.session_id
    with pytest.raises(InputError, match="was never stored"):
        await process.step("draft", session_id)
    answer = await process.step("draft", session_id, query="What does it say?", attachments=(picture(),))
    assert isinstance(answer, Answer)
    assert answer.attachments == (picture(),)
    await process.calls.close()
    await process.store.store.close()


async def test_a_sealed_store_tells_nothing_of_what_is_attached(tmp_path: Path) -> None:
    text = notes("a file that somebody else has too, and " * 30)
    folder = tmp_path / "store"
    store = sealed(SQLiteStore(folder / "sessions.db"))
    process = Process.on(store, keeps=True, execution_mode="server")
    session_id = await drafted(process, text)
    held = await asyncio.to_thread(files_of, folder)
    assert b"somebody else has" not in held
    assert text.sha256.encode() not in held
    assert b"notes.md" not in held
    assert await found(process, session_id, text) == text
    (mine,) = await store.attachments.kept(session_id)
    bobs = await _of_somebody_else(store, text)
    assert mine != bobs
    await process.calls.close()
    await store.close()


async def _of_somebody_else(store: Store, file: Attachment) -> str:
    await Story(store, "bobs", owner="bob").write()
    assert await store.attachments.put("bobs", 1, [Content(address=file.sha256, data=file.data)])
    (address,) = await store.attachments.kept("bobs")
    return address


async def test_a_rotation_seals_attachments_with_the_new_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(admission, "EXPIRY", 0.0)
    raw = SQLiteStore(tmp_path / "store.db")
    plain = Process.on(sealed(raw, None), keeps=True, execution_mode="server")
    first = await drafted(plain, picture())
    made = await fork(plain.calls.desk.sessions, OWNER, first)
    await plain.calls.rest()
    old = Process.on(sealed(raw, OLD_RING), keeps=True, execution_mode="server")
    second = await drafted(old, report())
    await erasing.forget(old.calls.desk.sessions, OWNER, first)
    await old.calls.rest()
    done = await rotated(raw, BOTH)
    assert done.whole
    assert {address.partition(":")[0] for name in (made.session_id, second) for address in await _kept(raw, name)} == {
        "new"
    }
    new = Process.on(sealed(raw, NEW_RING), keeps=True)
    assert await found(new, made.session_id, picture()) == picture()
    assert await found(new, second, report()) == report()
    await new.calls.close()
    await raw.close()


async def _kept(store: Store, session_id: str) -> list[str]:
    return [*await store.attachments.kept(session_id)]


async def test_a_copy_brings_what_is_attached_once(process: Process) -> None:
    session_id = await drafted(process, picture())
    made = await fork(process.calls.desk.sessions, OWNER, session_id)
    await process.calls.rest()
    target = MemoryStore()
    for _ in range(2):
        assert (await copy(process.store.store, target, unheard)).differing == ()
    there = Process.on(target)
    assert await found(there, made.session_id, picture()) == picture()
    assert await found(there, session_id, picture()) == picture()
    await there.calls.close()
