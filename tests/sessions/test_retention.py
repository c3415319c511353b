"""How long sessions are kept: the setting's text, what is archived or too old, and pruning as one process at a time."""

import asyncio
import logging
import time
from dataclasses import replace

import pytest

from companions.errors import InputError, StoreAwayError, StoreError
from sessions import retention
from sessions.leases import Held
from sessions.pruning import keep_pruned
from sessions.retention import LEASE, Pruned, Retention, nothing_spared, prune
from sessions.store import Append, Head, Opening, Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, projection
from tests.sessions.faults import Fault, FaultyStore, until
from tests.sessions.writing import log_of

HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0
NOW = 1_000_000_000.0
KEPT = Retention(archive=30 * DAY, delete=90 * DAY)
WRONG = [
    *("", "forever", "30d", "delete", "delete=", "delete=0d", "delete=-1d", "delete=1.5d", "delete=30", "delete=30m"),
    *("delete=30D", "delete=\u0663d", "delete=9999999d", "delete=1d,", "delete=1d,delete=2d", "keep,delete=1d"),
    "destroy=1d",
]
AWAY = StoreAwayError("The store is away.", "Wait.")


async def used(store: Store, session_id: str, days: float, *, projected: bool = True) -> Story:
    """Store a session that was last used so many days before now."""
    at = NOW - days * DAY
    story = Story(store, session_id, created_at=at)
    append = story.append(note("query"))
    entries = tuple(replace(entry, at=at) for entry in append.entries)
    await store.append([Append(session_id=session_id, entries=entries, opening=append.opening)])
    story.entries += entries
    if projected:
        await store.project([projection(session_id, last_used=at)])
    return story


async def living(store: Store) -> list[str]:
    return [head.opening.session_id for head in await store.scan()]


async def pruned(store: Store, kept: Retention = KEPT, *, dry_run: bool = False) -> Pruned:
    return await prune(store, kept, NOW, dry_run=dry_run, holder="tests")


@pytest.mark.parametrize(
    ("text", "archive", "delete"),
    [
        ("keep", None, None),
        (" keep ", None, None),
        ("archive=30d,delete=365d", 30 * DAY, 365 * DAY),
        ("delete=365d, archive=30d", 30 * DAY, 365 * DAY),
        ("archive=12h", 12 * HOUR, None),
        ("delete=2w", None, 2 * WEEK),
        (" delete = 1d ", None, DAY),
        ("archive=7d,delete=1w", WEEK, WEEK),
    ],
)
def test_a_setting_says_when_sessions_are_archived_and_deleted(
    text: str, archive: float | None, delete: float | None
) -> None:
    assert Retention.parse(text) == Retention(archive=archive, delete=delete)


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_text_is_an_error_that_says_the_form(text: str) -> None:
    with pytest.raises(InputError, match=r"archive=30d,delete=365d") as refused:
        Retention.parse(text)
    assert repr(text) in refused.value.what


def test_nothing_is_deleted_sooner_than_it_is_archived() -> None:
    with pytest.raises(InputError, match="Make delete at least as long"):
        Retention.parse("archive=2w,delete=13d")


def test_a_session_ages_from_its_last_use_or_else_from_its_minting() -> None:
    head = Head(opening=Opening(session_id="s1", owner="ann", created_at=NOW - 31 * DAY), seq=1)
    assert KEPT.archived(head, NOW)
    assert not KEPT.expired(head, NOW)
    shown = replace(head, projection=projection("s1", last_used=NOW - 29 * DAY))
    assert not KEPT.archived(shown, NOW)
    assert KEPT.expired(shown, NOW + 62 * DAY)
    assert not KEPT.archived(shown, NOW + DAY)
    for never in (Retention(), Retention.parse("keep")):
        assert not never.archived(head, NOW + 1_000 * DAY)
        assert not never.expired(head, NOW + 1_000 * DAY)


async def test_what_is_too_old_is_deleted_and_nothing_else(store: Store) -> None:
    await used(store, "fresh", 1)
    await used(store, "old", 40)
    await used(store, "older", 89.9)
    await used(store, "oldest", 91)
    await used(store, "bare", 200, projected=False)
    expected = Pruned(sessions=5, archived=2, deleted=2)
    assert await pruned(store, dry_run=True) == expected
    assert len(await living(store)) == 5
    assert await pruned(store) == expected
    assert await living(store) == ["fresh", "old", "older"]
    assert await pruned(store) == Pruned(sessions=3, archived=2)


async def test_only_archiving_deletes_nothing(store: Store) -> None:
    await used(store, "s1", 4_000)
    assert await pruned(store, Retention(archive=DAY)) == Pruned(sessions=1, archived=1)
    assert await living(store) == ["s1"]


async def test_pages_follow_each_other_while_sessions_disappear(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 3)
    for number in range(20):
        await used(store, f"s{number:02}", 100 if number % 3 else 1)
    assert await pruned(store) == Pruned(sessions=20, deleted=13)
    assert len(await living(store)) == 7


async def test_what_a_fork_still_reads_stays_readable_to_it(store: Store) -> None:
    parent = await used(store, "parent", 100)
    fork = parent.fork("fork", 1)
    fork.created_at = NOW
    await fork.write(note("draft"))
    assert await pruned(store) == Pruned(sessions=2, deleted=1)
    assert await living(store) == ["fork"]
    await fork.check()


async def test_a_session_that_is_used_just_before_its_deletion_stays(store: Store) -> None:
    story = await used(store, "s1", 100)
    faulty = FaultyStore(store)
    gate = faulty.holds("head")
    run = asyncio.create_task(pruned(faulty))
    await gate.reached.wait()
    await story.write(note("draft"))
    await store.project([replace(projection("s1", last_used=NOW), seq=2)])
    gate.open()
    assert await run == Pruned(sessions=1)
    await story.check()


async def test_a_step_whose_projection_was_lost_counts_as_use(store: Store) -> None:
    story = await used(store, "s1", 100)
    append = story.append(note("draft"))
    await store.append([replace(append, entries=tuple(replace(entry, at=NOW) for entry in append.entries))])
    assert await pruned(store, dry_run=True) == Pruned(sessions=1)
    assert await pruned(store) == Pruned(sessions=1)
    assert await living(store) == ["s1"]


async def test_only_one_process_prunes_at_a_time(store: Store) -> None:
    await used(store, "s1", 100)
    assert await store.lease(LEASE, "another", 60) == "another"
    if store.shared:
        assert await pruned(store) == Pruned(elsewhere=True)
        assert await living(store) == ["s1"]
        assert await pruned(store, dry_run=True) == Pruned(sessions=1, deleted=1)
        await store.lease(LEASE, "another", 0)
    assert await pruned(store) == Pruned(sessions=1, deleted=1)
    assert await store.lease(LEASE, "third", 60) in {"third", "another"}


async def test_the_lease_is_given_back_also_after_a_failure(store: Store) -> None:
    faulty = FaultyStore(store)
    faulty.breaks("scan", Fault(AWAY))
    with pytest.raises(StoreAwayError):
        await pruned(faulty)
    assert await store.lease(LEASE, "another", 60) == "another"


async def test_who_lost_the_lease_stops(store: Store) -> None:
    await used(store, "s1", 100)
    assert await retention._walk(store, KEPT, NOW, Held(lost=True), nothing_spared) == Pruned(elsewhere=True)  # pyright: ignore[reportPrivateUsage]
    assert await living(store) == ["s1"]


async def test_a_session_whose_traces_could_not_be_wiped_at_once_is_deleted_all_the_same(store: Store) -> None:
    for name in ("s1", "s2"):
        await used(store, name, 100)
    faulty = FaultyStore(store)
    faulty.breaks("tombstone", Fault(StoreError("Its text is in the log.", "Wait."), commits=True))
    assert await pruned(faulty) == Pruned(sessions=2, deleted=2)
    await used(store, "s3", 100)
    faulty.breaks("tombstone", Fault(StoreError("It failed.", "Wait.")))
    with pytest.raises(StoreError, match="It failed"):
        await pruned(faulty)
    assert await living(store) == ["s3"]


async def test_others_run_between_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 1)
    store, turns = MemoryStore(), 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    for number in range(50):
        await used(store, f"s{number}", 1)
    other = asyncio.create_task(take_turns())
    await pruned(store)
    other.cancel()
    assert turns >= 49


async def test_a_server_prunes_in_rounds_whatever_fails_and_logs_one_line_when_it_deleted(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="companions.retention")
    faulty = FaultyStore(store)
    faulty.breaks("scan", Fault(AWAY), Fault(ZeroDivisionError("a bug")))
    await used(store, "s1", 100)
    await Story(store, "s2", created_at=time.time()).write(note())
    await store.project([projection("s2", last_used=time.time())])
    with log_of("companions.retention") as said:
        task = asyncio.create_task(keep_pruned(faulty, Retention(delete=DAY), 0.0, first_seconds=0.0))
        try:
            await until(lambda: len(said) == 3)
            # Two rounds more, in which there is nothing to say.
            faulty.breaks("scan", *[None] * 4)
            await until(lambda: not faulty.faults["scan"])
        finally:
            task.cancel()
            await asyncio.wait({task})
    assert task.cancelled()
    assert await living(store) == ["s2"]
    assert said == [
        "old sessions could not be deleted: The store is away.",
        "old sessions could not be deleted",
        "deleted 1 of 2 sessions that were unused for too long",
    ]


async def test_where_nothing_is_ever_deleted_a_server_looks_at_nothing() -> None:
    faulty = FaultyStore(MemoryStore())
    faulty.breaks("scan", Fault(AWAY))
    await keep_pruned(faulty, Retention(archive=DAY), 0.0, first_seconds=0.0)
    assert len(faulty.faults["scan"]) == 1
