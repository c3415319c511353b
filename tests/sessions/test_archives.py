"""Archives: everything of an owner comes out and goes in again, into any store, whatever happens on the way."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from companions.errors import CompanionsError, StoreAwayError
from sessions import whole_sessions
from sessions.archives import layout
from sessions.store import Head, Projection, Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import bring, contents, export, looped, read, thought
from tests.sessions.faults import OWNER, Fault, Process

AWAY = StoreAwayError("The store is away.", "Wait.")


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    await made.calls.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "all.zip"


def shown(head: Head) -> Projection:
    """Give what listings show, but when it was used: that is told by a step a moment later than by its entry."""
    assert head.projection is not None
    return replace(head.projection, last_used=0.0)


async def test_an_archive_brings_sessions_and_forks_into_any_store_once(
    process: Process, store: Store, path: Path
) -> None:
    ids = await thought(process)
    exported = await export(process, path)
    assert exported.sessions == 3

    target = Process.on(store, keeps=True)
    brought = await bring(target, path)
    assert (brought.sessions, brought.entries, brought.there, brought.renamed) == (3, exported.entries, 0, {})
    for session_id in ids:
        assert await read(store, session_id) == await read(process.store, session_id)
        here, there = await store.head(session_id), await process.store.head(session_id)
        assert here is not None
        assert there is not None
        assert here.opening == there.opening
        assert shown(here) == shown(there)
    again = await bring(target, path)
    assert (again.sessions, again.entries, again.there) == (0, 0, 3)
    # A step goes on where the session was, and what it added is left alone by the next import.
    assert (await target.step("revise", ids[2], "generic", text="Of the third, revised.")).step == "revise"
    assert (await bring(target, path)).there == 3
    await target.calls.close()


async def test_files_keep_to_the_schema_and_to_the_digests_of_the_manifest(process: Process, path: Path) -> None:
    ids = await thought(process)
    await export(process, path)
    held = contents(path)
    schema, manifest = json.loads(held["schema.json"]), json.loads(held["manifest.json"])
    assert held["schema.json"].decode() == layout.schema_text()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(manifest, schema["$defs"]["manifest"])
    assert sorted(told["session_id"] for told in manifest["sessions"]) == sorted(ids)
    for told in manifest["sessions"]:
        session, transcript = (held[name(told["session_id"])] for name in (layout.session_name, layout.transcript_name))
        jsonschema.validate(json.loads(session), schema)
        assert hashlib.sha256(session).hexdigest() == told["sha256"]
        for entry in json.loads(session)["entries"]:
            shown = entry["kind"] in {"query", "draft", "critique", "revision"}
            assert not shown or entry["text"].encode() in transcript
    # A fork holds its own entries, and names the rest.
    fork = json.loads(held[f"sessions/{ids[1]}.json"])
    assert (fork["session"]["parent"], fork["session"]["base"], fork["entries"][0]["seq"]) == (ids[0], 7, 8)


async def test_an_archive_holds_one_owner_s_sessions_and_nothing_that_was_learned(
    process: Process, path: Path, tmp_path: Path
) -> None:
    mine = await looped(process, "Mine?")
    assert (await export(process, path)).sessions == 1
    assert (await export(process, tmp_path / "none.zip", "bob")).sessions == 0
    assert set(contents(path)) == {
        "manifest.json",
        "schema.json",
        f"sessions/{mine}.json",
        f"transcripts/{mine}.md",
    }


async def test_a_session_whose_id_is_taken_gets_another_and_its_fork_follows(process: Process, path: Path) -> None:
    ids = await thought(process)
    await export(process, path)
    brought = await bring(process, path, "bob")
    assert brought.sessions == 3
    assert set(brought.renamed) == set(ids)
    for old, new in brought.ids.items():
        assert [(e.seq, e.id, e.text) for e in await read(process.store, new)] == [
            (e.seq, e.id, e.text) for e in await read(process.store, old)
        ]
    head = await process.store.head(brought.ids[ids[1]])
    assert head is not None
    assert (head.opening.owner, head.opening.parent) == ("bob", brought.ids[ids[0]])
    assert {entry.author for entry in await process.store.page(head.opening.session_id, after=head.opening.base)} == {
        "bob"
    }
    again = await bring(process, path, "bob")
    assert (again.there, again.ids) == (3, brought.ids)
    # The ids of forgotten sessions are not given out again either.
    for session_id in ids:
        await process.calls.desk.sessions.forget(OWNER, session_id)
    assert set((await bring(process, path)).renamed) == set(ids)


async def test_an_import_that_was_cut_short_says_so_and_is_gone_on_with(
    process: Process, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await thought(process)
    exported = await export(process, path)
    monkeypatch.setattr(whole_sessions, "MOST_ENTRIES", 4)
    target = Process.on(store, keeps=True)
    target.calls.desk.sessions.store.seconds = 0.2
    # The next is stored although its answer is lost, and all after it fail.
    target.store.breaks("append", None, None, Fault(AWAY, commits=True), *[Fault(AWAY)] * 100)
    with pytest.raises(StoreAwayError):
        await bring(target, path)
    target.store.faults.clear()
    target.calls.desk.sessions.store.away = False
    (cut,) = [head for head in await store.list(OWNER) if head.projection is not None]
    assert cut.projection is not None
    assert (
        cut.projection.title
        == f"Import not finished: {cut.projection.seq} of {len(await read(process.store, ids[0]))} entries"
    )

    brought = await bring(target, path)
    assert brought.sessions == 3
    assert brought.entries == exported.entries - cut.seq
    for session_id in ids:
        assert await read(store, session_id) == await read(process.store, session_id)
        here, there = await store.head(session_id), await process.store.head(session_id)
        assert here is not None
        assert there is not None
        assert shown(here) == shown(there)
    await target.calls.close()


async def test_a_fork_whose_parent_is_forgotten_is_exported_with_all_that_it_reads(
    process: Process, path: Path
) -> None:
    ids = await thought(process)
    whole = await read(process.store, ids[1])
    await process.calls.desk.sessions.forget(OWNER, ids[0])
    await export(process, path)
    fork = json.loads(contents(path)[f"sessions/{ids[1]}.json"])
    assert (fork["session"]["parent"], fork["session"]["base"]) == (None, 0)
    assert (await bring(process, path)).there == 2
    target = Process.on(MemoryStore())
    await bring(target, path)
    assert await read(target.store, ids[1]) == whole
    await target.calls.close()


async def test_an_export_that_fails_leaves_the_file_as_it_was(process: Process, path: Path) -> None:
    await thought(process)
    await asyncio.to_thread(path.write_bytes, b"before")
    process.calls.desk.sessions.store.seconds = 0.2
    process.store.breaks("page", None, *[Fault(AWAY)] * 100)
    with pytest.raises(StoreAwayError):
        await export(process, path)
    assert await asyncio.to_thread(path.read_bytes) == b"before"
    assert [*path.parent.iterdir()] == [path]
    process.store.faults.clear()
    process.calls.desk.sessions.store.away = False
    with pytest.raises(CompanionsError, match=r"cannot be written \(no such file or directory\)"):
        await export(process, path.parent / "missing" / "all.zip")
    with pytest.raises(CompanionsError, match="cannot be written"):
        await export(process, path.parent)


async def test_a_session_that_is_forgotten_while_it_is_written_is_left_out_whole(
    process: Process, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_sessions, "FIRST_PAGE", 1)
    kept, lost = await looped(process, "Kept?"), await looped(process, "Lost?")
    page, source = process.store.store.page, process.store.store

    async def forgetting(session_id: str, **chosen: object) -> object:
        found = await page(session_id, **chosen)  # pyright: ignore[reportArgumentType] -- as it was given
        if session_id == lost:
            await source.tombstone(lost)
        return found

    monkeypatch.setattr(source, "page", forgetting)
    exported = await export(process, path)
    assert exported.sessions == 1
    assert f"sessions/{kept}.json" in contents(path)
    assert f"sessions/{lost}.json" not in contents(path)
