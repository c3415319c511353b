"""Forks: they begin as their parent was, go on by themselves, and survive it; on every store."""

from collections import deque
from collections.abc import AsyncIterator

import pytest

from companions.errors import InputError, SessionNotFoundError, StoreAwayError
from companions.models import Sampling
from sessions.forking import fork
from sessions.reading import Reading
from sessions.session import Session
from sessions.store import Store
from tests.sessions.faults import OWNER, Fault, Process

TEXTS = ("draft", "critique", "revision")


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True)
    yield made
    await made.calls.rest()


async def _loop(process: Process, *, revisions: int = 2) -> str:
    session_id = (await process.step("draft", query="Where?", text="v0")).session_id
    for number in range(revisions):
        await process.step("critique", session_id, text=f"c{number}")
        await process.step("revise", session_id, text=f"v{number + 1} and more words")
    return session_id


async def _fork(process: Process, session_id: str, at: int | None = None) -> Session:
    return await fork(process.calls.desk.sessions, OWNER, session_id, at)


async def _texts(process: Process, session_id: str) -> list[str]:
    return [entry.text for entry in await process.entries(session_id) if entry.kind in TEXTS]


async def test_a_fork_begins_as_its_parent_is_and_neither_sees_what_the_other_does(process: Process) -> None:
    parent = await _loop(process)
    before = await _texts(process, parent)
    made = await _fork(process, parent)
    assert await _texts(process, made.session_id) == before
    await process.step("critique", made.session_id, text="of the fork")
    await process.step("critique", parent, text="of the parent")
    assert await _texts(process, made.session_id) == [*before, "of the fork"]
    assert await _texts(process, parent) == [*before, "of the parent"]


async def test_a_rewound_session_goes_on_from_there_in_a_new_process(process: Process) -> None:
    parent = await _loop(process)
    first = next(entry for entry in await process.entries(parent) if entry.kind == "critique")
    made = await _fork(process, parent, first.seq)
    assert (await made.look("generic")).phase == "revise"
    await process.calls.rest()
    restarted = Process.on(process.store.store, keeps=True)
    try:
        revised = await restarted.step("revise", made.session_id, text="Another way.")
        assert (revised.iteration, revised.phase) == (1, "critique")
        assert await _texts(restarted, made.session_id) == ["v0", "c0", "Another way."]
        assert len(await _texts(restarted, parent)) == 5
    finally:
        await restarted.calls.rest()


async def test_a_fork_outlives_its_parent_and_so_does_a_fork_of_the_fork(process: Process) -> None:
    parent = await _loop(process)
    before = await _texts(process, parent)
    child = await _fork(process, parent)
    await process.step("critique", child.session_id, text="c2")
    grandchild = await _fork(process, child.session_id)
    for forgotten in (parent, child.session_id):
        await process.calls.desk.sessions.forget(OWNER, forgotten)
    assert await _texts(process, grandchild.session_id) == [*before, "c2"]
    await process.step("revise", grandchild.session_id, text="v3 at last")
    assert (await _texts(process, grandchild.session_id))[-1] == "v3 at last"
    with pytest.raises(SessionNotFoundError):
        await _fork(process, parent)


async def test_a_fork_is_listed_with_its_parent_and_has_used_nothing_yet(process: Process) -> None:
    given = await process.step("draft", query="Where?", sampling=Sampling(execution_mode="server"))
    parent = given.session_id
    reading = Reading(calls=process.calls)
    assert (await reading.overview(OWNER, parent))["usage"]
    made = await _fork(process, parent)
    overview = await reading.overview(OWNER, made.session_id)
    assert overview["parent"] == {"session_id": parent, "at": made.opening.base}
    assert (overview["title"], overview["usage"]) == ("Where?", {})
    assert overview["companions"]["generic"]["phase"] == "critique"
    listed = (await reading.listing(OWNER))["sessions"]
    assert [known["session_id"] for known in listed] == [made.session_id, parent]


async def test_what_is_shown_of_a_fork_is_the_same_after_a_crash(process: Process) -> None:
    parent = await _loop(process)
    await process.step("draft", parent, "strategy", query="And then?", text="s0")
    made = await _fork(process, parent)
    process.store.faults["project"] = deque([Fault(error=StoreAwayError("It is away.", "Wait."))] * 9)
    crashed = Process.on(process.store.store, keeps=True)
    try:
        head = await process.store.store.head(made.session_id)
        assert head is not None
        assert head.projection is None
        [again] = [
            head.projection
            for head in await crashed.calls.desk.sessions.list(OWNER)
            if head.opening.session_id == made.session_id
        ]
    finally:
        await crashed.calls.rest()
    assert again is not None
    assert (again.seq, again.title, again.companions) == (made.counted, made.title, made.shown)


async def test_a_rewound_session_has_the_settings_that_were_in_force_there(process: Process) -> None:
    server = Sampling(execution_mode="server", temperature=0.5)
    given = await process.step("draft", query="Where?", sampling=server)
    await process.step("draft", given.session_id, query="And then?", text="v0", sampling=Sampling(temperature=1.5))
    configured = [entry for entry in await process.entries(given.session_id) if entry.kind == "configure"]
    made = await _fork(process, given.session_id, given.entry.seq if given.entry else 0)
    own = (await process.entries(made.session_id))[-1]
    assert (own.kind, own.meta) == ("configure", configured[0].meta)
    later = await _fork(process, given.session_id)
    assert (await process.entries(later.session_id))[-1].meta == configured[-1].meta


@pytest.mark.parametrize("at", [0, -1, 8, 10**9])
async def test_a_fork_of_an_entry_that_is_not_there_names_those_that_are(process: Process, at: int) -> None:
    parent = await _loop(process)
    last = len(await process.entries(parent))
    with pytest.raises(InputError, match=f"entries are 1 to {last}"):
        await _fork(process, parent, at)
