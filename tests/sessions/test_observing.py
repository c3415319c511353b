"""Observers: told of everything that is stored, in order, beside the calls; one that fails or hangs harms nobody."""

import asyncio
import importlib
import logging
import sys
import time
from pathlib import Path

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions import observer_line, observing, pruning
from sessions.forking import fork
from sessions.installed_observers import installed
from sessions.pruning import keep_pruned
from sessions.retention import DAY, Retention
from sessions.spool.spool import Spool
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, projection
from tests.sessions.faults import OWNER, Fault, Process, until
from tests.sessions.watched import Notes
from tests.sessions.writing import log_of

FIRST = ["created", "entry configure 1", "entry query 2", "entry draft 3"]
AWAY = StoreAwayError("The store is away.", "Wait.")


def watched(store: Store, **chosen: object) -> tuple[Process, Notes]:
    process, notes = Process.on(store, keeps=True, **chosen), Notes()  # pyright: ignore[reportArgumentType]
    process.calls.desk.sessions.observing.add("notes", notes)
    return process, notes


@pytest.mark.parametrize("early", [False, True])
async def test_an_observer_hears_of_all_that_is_stored_in_its_order(store: Store, *, early: bool) -> None:
    process, notes = watched(store, early=early)
    sessions = process.calls.desk.sessions
    made = await process.step("draft", query="Why?", text="So.")
    await process.step("critique", made.session_id, text="How?")
    await notes.until(5)
    forked = await fork(sessions, OWNER, made.session_id, 3)
    await sessions.forget(OWNER, made.session_id)
    await notes.until(8)
    assert notes.of(made.session_id) == [*FIRST, "entry critique 4", "deleted"]
    assert notes.of(forked.session_id) == ["created", "entry configure 4"]
    assert {(told.owner, told.parent) for told in notes.sessions} == {(OWNER, None), (OWNER, made.session_id)}
    assert notes.sessions[0].created_at <= time.time()
    await process.calls.close()


async def test_what_waited_in_the_spool_is_told_when_it_is_stored_also_by_a_process_that_never_opened_it(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="companions")
    first, told_first = watched(store, spool=Spool(tmp_path, "store", limit=1_000_000))
    made = await first.step("draft", query="Why?", text="So.")
    await told_first.until(4)
    if not store.shared:
        await first.calls.rest()
        return  # what nobody else can write to is never away
    first.store.away = True
    await first.step("critique", made.session_id, text="How?")
    assert len(told_first.heard) == 4
    await first.calls.rest()
    second, told = watched(store, spool=Spool(tmp_path, "store", limit=1_000_000))
    second.calls.desk.sessions.writer.start()
    await told.until(1)
    assert told.of(made.session_id) == ["entry critique 4"]
    assert told.sessions[0].owner == OWNER
    await second.calls.close()


async def test_entries_that_a_store_took_although_it_said_no_are_told_once(store: Store) -> None:
    process, notes = watched(store)
    made = await process.step("draft", query="Why?", text="So.")
    process.store.breaks("append", Fault(AWAY, commits=True))
    await process.step("critique", made.session_id, text="How?")
    process.store.breaks("append", Fault(StoreError("It failed.", "Wait."), commits=True))
    await process.step("revise", made.session_id, text="So it is.")
    await notes.until(6)
    await process.calls.close()
    assert notes.of(made.session_id) == [*FIRST, "entry critique 4", "entry revision 5"]


@pytest.mark.parametrize("fails", [ZeroDivisionError("a bug"), asyncio.CancelledError(), SystemExit(1)])
async def test_one_that_fails_is_logged_once_and_holds_up_neither_calls_nor_others(fails: BaseException) -> None:
    process, failing = watched(MemoryStore())
    failing.fails = fails
    process.calls.desk.sessions.observing.add("other", other := Notes())
    with log_of("companions.observers") as said:
        made = await process.step("draft", query="Why?", text="So.")
        await process.step("critique", made.session_id, text="How?")
        await failing.until(5)
        await other.until(5)
    assert failing.heard == other.heard
    assert said == ["observer notes failed 1 times and was not told of 0 events"]
    await process.calls.close()


async def test_one_that_hangs_is_left_after_a_while_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer_line, "CALL_SECONDS", 0.01)
    process, hanging = watched(MemoryStore())
    hanging.gate.close()
    with log_of("companions.observers") as said:
        made = await process.step("draft", query="Why?", text="So.")
        await until(lambda: bool(said))
        hanging.gate.open()
        await process.step("critique", made.session_id, text="How?")
        await until(lambda: ("entry", made.session_id, "critique 4") in hanging.heard)
    assert said == ["observer notes failed 1 times and was not told of 0 events"]
    await process.calls.close()


async def test_what_waits_for_a_slow_one_is_bounded_and_the_end_waits_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observer_line, "MOST_EVENTS", 2)
    monkeypatch.setattr(observing, "DRAIN_SECONDS", 0.01)
    process, slow = watched(MemoryStore())
    slow.gate.close()
    with log_of("companions.observers") as said:
        for _ in range(4):
            await process.step("draft", query="Why?", text="So.")
        began = time.monotonic()
        await process.calls.close()
    assert time.monotonic() - began < 5
    assert said == [
        "observer notes failed 0 times and was not told of 1 events",
        "observer notes was not told of 2 events before the end",
    ]


async def test_the_end_tells_what_waits_and_another_event_loop_begins_anew() -> None:
    process, notes = watched(MemoryStore())
    made = await process.step("draft", query="Why?", text="So.")
    await process.calls.rest()
    assert notes.of(made.session_id) == FIRST
    process.calls.open()
    await process.step("critique", made.session_id, text="How?")
    await process.calls.close()
    assert notes.of(made.session_id) == [*FIRST, "entry critique 4"]


KEPT = {
    Retention(archive=30 * DAY, delete=90 * DAY): {("archived", "old", ""), ("deleted", "older", "")},
    Retention(archive=30 * DAY): {("archived", "old", ""), ("archived", "older", "")},
}


@pytest.mark.parametrize("kept", KEPT)
async def test_rounds_of_pruning_tell_once_what_is_archived_and_what_is_deleted(
    kept: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, now = MemoryStore(), time.time()
    for session_id, days in (("new", 1), ("old", 40), ("older", 100)):
        await Story(store, session_id, created_at=now - days * DAY).write(note())
        await store.project([projection(session_id, last_used=now - days * DAY)])
    process, notes = watched(store)
    sessions, rounds = process.calls.desk.sessions, list[float]()
    monkeypatch.setattr(pruning.time, "time", lambda: rounds.append(now) or now + len(rounds))
    task = asyncio.create_task(keep_pruned(sessions.store, kept, 0.0, first_seconds=0.0, observing=sessions.observing))
    await until(lambda: len(rounds) > 3)
    task.cancel()
    await asyncio.wait({task})
    await process.calls.close()
    assert len(notes.heard) == 2
    assert {*notes.heard} == KEPT[kept]


OBSERVER = """
heard = []


class Observer:
    async def on_created(self, session): heard.append(("created", session.session_id))
    async def on_entry(self, session, entry): heard.append((entry.kind, session.session_id))
    async def on_archived(self, session): pass
    async def on_deleted(self, session): heard.append(("deleted", session.session_id))


def broken():
    raise RuntimeError("it is not ready")


def leaving():
    raise SystemExit(1)


class Halfway:
    async def on_created(self, session): pass
"""
POINTS = """[persistent_companions.observers]
whole = installed_for_tests:Observer
broken = installed_for_tests:broken
leaving = installed_for_tests:leaving
missing = no_such_module:Observer
halfway = installed_for_tests:Halfway
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install a distribution with observers, one of which can be used; gives its module's name."""
    name = "installed_for_tests"
    (tmp_path / f"{name}.py").write_text(OBSERVER)
    about = tmp_path / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


async def test_an_installed_observer_hears_from_the_first_event_on_and_one_that_does_not_load_is_named(
    distribution: str,
) -> None:
    process, notes = watched(MemoryStore())
    process.calls.desk.sessions.observing.load = installed
    with log_of("companions.observers") as said:
        made = await process.step("draft", query="Why?", text="So.")
        await notes.until(4)
        await process.calls.close()
    heard = importlib.import_module(distribution).heard
    assert heard == [(kind, made.session_id) for kind in ("created", "configure", "query", "draft")]
    assert sorted(said) == [
        "observer broken could not be loaded",
        "observer halfway could not be loaded: it lacks a method of an observer",
        "observer leaving could not be loaded",
        "observer missing could not be loaded",
    ]
