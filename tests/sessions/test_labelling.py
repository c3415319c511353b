"""Titles and pins that people set: what they are, where they go, and what stands first and is kept."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from companions.errors import InputError, SessionNotFoundError
from companions.models import Sampling
from sessions.archives.writing import export_template
from sessions.budgets import Budget
from sessions.copying import copy
from sessions.labelling import MOST_CHARACTERS, pin, set_title, unpin
from sessions.labels import MOST_PINNED, listed_at
from sessions.reading import Reading
from sessions.retention import Retention, prune
from sessions.sealing.store import SealedStore
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.archived import bring, contents, export, forged, refused
from tests.sessions.building import Story, note, projection
from tests.sessions.conftest import KEYRING
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked
from tests.sessions.labelled import head_of, listed, opened
from tests.sessions.spending import drafted, reported, running
from tests.sessions.spending import refused as refused_step

YEAR = 365 * 86_400.0
POLICY = Retention(archive=YEAR, delete=YEAR)
TITLE = 'Prices, in {spring} %s "2027" 漢字'


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True)
    yield made
    await made.calls.close()


async def test_a_title_that_was_set_stands_in_the_place_of_the_first_query(process: Process) -> None:
    sessions = process.calls.desk.sessions
    (session_id,) = await opened(process, "Which price?")
    await set_title(sessions, OWNER, session_id, f"  {TITLE} ")
    stored = await process.entries(session_id)
    await set_title(sessions, OWNER, session_id, TITLE)
    assert await process.entries(session_id) == stored
    await process.step("critique", session_id, text="Shorter.")
    await process.step("draft", session_id, "strategy", query="Which market?", text="None.")
    assert await listed(process) == [(session_id, TITLE, False)]
    await head_of(process, session_id)
    await process.calls.rest()
    other = Process.on(process.store.store, keeps=True)
    assert (await Reading(calls=other.calls).overview(OWNER, session_id))["title"] == TITLE
    await set_title(other.calls.desk.sessions, OWNER, session_id, "Markets")
    assert [head.opening.session_id for head in await other.calls.desk.sessions.list(OWNER, search="markets")] == [
        session_id
    ]
    await other.calls.close()
    assert await listed(process) == [(session_id, "Markets", False)]


async def test_a_pinned_session_stands_first_on_every_page_until_it_is_unpinned(process: Process) -> None:
    sessions = process.calls.desk.sessions
    first, second, *rest = await opened(process, "One?", "Two?", "Three?", "Four?")
    for session_id in (second, first):
        await pin(sessions, OWNER, session_id)
    stored = await process.entries(first)
    await pin(sessions, OWNER, first)
    assert await process.entries(first) == stored
    await process.step("critique", second, text="Shorter.")
    for session_id in (rest[1], rest[0]):
        await process.step("critique", session_id, text="Shorter.")
    shown = [(session_id, pinned) for session_id, _, pinned in await listed(process)]
    assert shown == [(second, True), (first, True), (rest[0], False), (rest[1], False)]
    pages = [(await sessions.list(OWNER, limit=1, offset=number))[0] for number in range(4)]
    assert [head.opening.session_id for head in pages] == [session_id for session_id, _ in shown]
    head = await head_of(process, second)
    assert head.projection is not None
    assert abs(head.projection.used_at - time.time()) < 60
    overview = await Reading(calls=process.calls).overview(OWNER, second)
    assert (overview["pinned"], overview["last_used"][:2]) == (True, "20")
    with pytest.raises(SessionNotFoundError, match=rf"newest sessions: {rest[0]} .*, {rest[1]} .*, {second} "):
        await sessions.find(OWNER, "nobody")
    await unpin(sessions, OWNER, second)
    assert [session_id for session_id, _, _ in await listed(process)] == [first, second, *rest]


async def test_a_fork_begins_without_its_parent_s_label_also_where_it_stands_alone(process: Process) -> None:
    sessions = process.calls.desk.sessions
    (parent,) = await opened(process, "Which price?")
    await set_title(sessions, OWNER, parent, TITLE)
    await pin(sessions, OWNER, parent)
    made = await forked(process, parent)
    assert {*await listed(process)} == {(parent, TITLE, True), (made.session_id, "Which price?", False)}
    await head_of(process, made.session_id)
    await sessions.forget(OWNER, parent)
    await process.calls.rest()
    target = MemoryStore()
    await copy(process.store, target, lambda _sessions, _entries: None)
    alone = Process.on(target)
    assert await listed(alone) == [(made.session_id, "Which price?", False)]
    assert (await head_of(alone, made.session_id)).opening.parent is None
    await alone.calls.close()


async def test_retention_leaves_a_pinned_session_alone(process: Process) -> None:
    kept, _ = await opened(process, "Kept?", "Lost?")
    await pin(process.calls.desk.sessions, OWNER, kept)
    await process.calls.rest()
    done = await prune(process.store, POLICY, time.time() + 2 * YEAR, dry_run=False, holder="tests")
    assert (done.deleted, done.archived) == (1, 0)
    assert [head.opening.session_id for head in await process.store.scan()] == [kept]


async def test_retention_sees_a_pin_that_listings_do_not_show_yet(store: Store) -> None:
    story = Story(store)
    await story.write(note("query"))
    await store.project([projection(story.session_id)])
    for pinned in (True, False):
        await story.write(note("configure", pinned=pinned))
        assert (await prune(store, POLICY, time.time(), dry_run=False, holder="tests")).deleted == (not pinned)


@pytest.mark.parametrize(
    "title", ["", " \n ", "x" * (MOST_CHARACTERS + 1), "two\nlines", "a\x00b", "a\x1bb", "a\u2028b", "a\x85b", "\ud800"]
)
async def test_what_is_no_title_is_refused(by_caller: Process, title: str) -> None:
    (session_id,) = await opened(by_caller, "Which price?")
    with pytest.raises(InputError, match="The title"):
        await set_title(by_caller.calls.desk.sessions, OWNER, session_id, title)
    assert [title for _, title, _ in await listed(by_caller)] == ["Which price?"]


async def test_only_the_owner_labels_a_session_that_is_there(by_caller: Process) -> None:
    sessions = by_caller.calls.desk.sessions
    (session_id,) = await opened(by_caller, "Which price?")
    for label in (pin, unpin):
        with pytest.raises(SessionNotFoundError, match="You have no sessions yet"):
            await label(sessions, "somebody else", session_id)
    with pytest.raises(SessionNotFoundError):
        await set_title(sessions, "somebody else", session_id, "Mine")
    with pytest.raises(InputError, match="Nothing is in session"):
        await pin(sessions, OWNER, sessions.mint(OWNER).session_id)


async def test_no_more_are_pinned_than_leave_room_for_others(by_caller: Process) -> None:
    sessions = by_caller.calls.desk.sessions
    *several, last = await opened(by_caller, *(f"Question {number}?" for number in range(MOST_PINNED + 1)))
    for session_id in several:
        await pin(sessions, OWNER, session_id)
    await pin(sessions, OWNER, several[0])
    with pytest.raises(InputError, match="Unpin one of them first"):
        await pin(sessions, OWNER, last)
    await unpin(sessions, OWNER, several[0])
    await pin(sessions, OWNER, last)


async def test_labels_are_sealed_with_the_rest() -> None:
    inner = MemoryStore()
    process = Process.on(SealedStore(inner, KEYRING))
    (session_id,) = await opened(process, "Which price?")
    await set_title(process.calls.desk.sessions, OWNER, session_id, "markerword")
    await pin(process.calls.desk.sessions, OWNER, session_id)
    assert await listed(process) == [(session_id, "markerword", True)]
    held = [repr(await inner.page(session_id)), repr(await inner.list(OWNER))]
    assert not any("markerword" in each for each in held)
    (found,) = await process.calls.desk.sessions.list(OWNER, search=time.strftime("%Y-%m", time.gmtime()))
    assert found.opening.session_id == session_id
    await process.calls.close()


async def test_labels_go_with_an_archive_and_not_with_a_template(by_caller: Process, tmp_path: Path) -> None:
    sessions = by_caller.calls.desk.sessions
    (session_id,) = await opened(by_caller, "Which price?")
    await set_title(sessions, OWNER, session_id, TITLE)
    await pin(sessions, OWNER, session_id)
    await export(by_caller, tmp_path / "all.zip")
    other = Process.on(MemoryStore())
    await bring(other, tmp_path / "all.zip")
    assert await listed(other) == [(session_id, TITLE, True)]
    await other.calls.close()
    await export_template(await sessions.find(OWNER, session_id), tmp_path / "template.zip")
    held = b"".join(contents(tmp_path / "template.zip").values())
    assert TITLE[:15].encode() not in held


async def test_an_import_leaves_no_more_pinned_than_may_be(by_caller: Process, tmp_path: Path) -> None:
    brought = await opened(by_caller, *(f"Question {number}?" for number in range(8)))
    for session_id in brought:
        await pin(by_caller.calls.desk.sessions, OWNER, session_id)
    await export(by_caller, tmp_path / "all.zip")
    other = Process.on(MemoryStore())
    mine = await opened(other, *(f"Mine {number}?" for number in range(5)))
    for session_id in mine:
        await pin(other.calls.desk.sessions, OWNER, session_id)
    told = [await bring(other, tmp_path / "all.zip") for _ in range(2)]
    assert [imported.unpinned for imported in told] == [3, 0]
    pinned = {session_id for session_id, _, pinned in await listed(other, limit=20) if pinned}
    assert pinned == {*mine, *brought[3:]}
    await other.calls.close()


@pytest.mark.parametrize("said", [{"title": "x" * 201}, {"title": "a\nb"}, {"title": "ab\n"}, {"pinned": "yes"}])
async def test_an_archive_with_what_is_no_label_is_refused(
    by_caller: Process, tmp_path: Path, said: dict[str, object]
) -> None:
    (session_id,) = await opened(by_caller, "Which price?")
    await export(by_caller, tmp_path / "all.zip")
    path = forged(tmp_path / "all.zip", session_id, lambda _head, entries: entries[0]["meta"].update(said))
    assert "sessions/" in await refused(path)


async def test_an_old_session_that_is_pinned_hides_nothing_that_was_spent_today(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with running(SQLiteStore(path)) as other, running(SQLiteStore(path), owner_day=Budget(tokens=160)) as one:
        old = await drafted(other)
        await pin(other.calls.desk.sessions, OWNER, old)
        head = await head_of(other, old)
        assert head.projection is not None
        aged = replace(head.projection, last_used=listed_at(1_000_000.0, pinned=True), companions={})
        for _ in range(4):
            await drafted(other)
        await other.calls.desk.sessions.projector.flush()
        await other.store.project([aged])
        session_id = (await one.step("draft", query="Mine?", text="By hand.")).session_id
        refusal = await refused_step(one, session_id)
        assert refusal.spent == reported(other) - reported(other) // 5


async def test_a_label_is_set_between_the_steps_of_another_process(sqlite: SQLiteStore) -> None:
    one, other = Process.on(sqlite, keeps=True), Process.on(sqlite, keeps=True)
    (session_id,) = await opened(one, "Which price?")
    await set_title(other.calls.desk.sessions, OWNER, session_id, TITLE)
    await one.step("critique", session_id, text="Shorter.")
    await pin(other.calls.desk.sessions, OWNER, session_id)
    await one.step("revise", session_id, text="On it.")
    await unpin(one.calls.desk.sessions, OWNER, session_id)
    await pin(one.calls.desk.sessions, OWNER, session_id)
    for process in (one, other):
        assert await listed(process) == [(session_id, TITLE, True)]
        await head_of(process, session_id)
    sampled = await one.step("critique", session_id, text="More.", sampling=Sampling(execution_mode="client"))
    assert sampled.iteration == 2
    for process in (one, other):
        await process.calls.close()
