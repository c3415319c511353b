"""Forks: they begin as their parent was, go on by themselves, and survive it; on every store, and however early a step
is answered."""

from collections import deque
from collections.abc import AsyncIterator

import pytest

from companions.errors import InputError, SessionNotFoundError, StoreAwayError
from companions.models import Sampling
from sessions.labels import UNLABELLED
from sessions.reading import Reading
from sessions.store import Store
from tests.sessions.faults import OWNER, Fault, Process
from tests.sessions.forks import entries_of, forked, listed, looped, texts_of


@pytest.fixture(params=[False, True], ids=["stored", "early"])
async def process(request: pytest.FixtureRequest, store: Store) -> AsyncIterator[Process]:
    made = Process.on(store, keeps=True, early=request.param)
    yield made
    await made.calls.rest()


async def test_a_fork_begins_as_its_parent_is_and_neither_sees_what_the_other_does(process: Process) -> None:
    parent = await looped(process)
    before = await texts_of(process, parent)
    made = await forked(process, parent)
    assert await texts_of(process, made.session_id) == before
    await process.step("critique", made.session_id, text="of the fork")
    await process.step("critique", parent, text="of the parent")
    assert await texts_of(process, made.session_id) == [*before, "of the fork"]
    assert await texts_of(process, parent) == [*before, "of the parent"]


async def test_a_rewound_session_goes_on_from_there_in_a_new_process(process: Process) -> None:
    parent = await looped(process)
    first = next(entry for entry in await entries_of(process, parent) if entry.kind == "critique")
    made = await forked(process, parent, first.seq)
    assert (await made.look("generic")).phase == "revise"
    await process.calls.rest()
    restarted = Process.on(process.store.store, keeps=True)
    try:
        revised = await restarted.step("revise", made.session_id, text="Another way.")
        assert (revised.iteration, revised.phase) == (1, "critique")
        assert await texts_of(restarted, made.session_id) == ["v0", "c0", "Another way."]
        assert len(await texts_of(restarted, parent)) == 5
    finally:
        await restarted.calls.rest()


async def test_a_fork_outlives_its_parent_and_so_does_a_fork_of_the_fork(process: Process) -> None:
    parent = await looped(process)
    before = await texts_of(process, parent)
    child = await forked(process, parent)
    await process.step("critique", child.session_id, text="c2")
    grandchild = await forked(process, child.session_id)
    for forgotten in (parent, child.session_id):
        await process.calls.desk.sessions.forget(OWNER, forgotten)
    assert await texts_of(process, grandchild.session_id) == [*before, "c2"]
    await process.step("revise", grandchild.session_id, text="v3 at last")
    assert (await texts_of(process, grandchild.session_id))[-1] == "v3 at last"
    with pytest.raises(SessionNotFoundError):
        await forked(process, parent)


async def test_a_fork_is_listed_with_its_parent_and_has_used_nothing_yet(process: Process) -> None:
    given = await process.step("draft", query="Where?", sampling=Sampling(execution_mode="server"))
    parent = given.session_id
    reading = Reading(calls=process.calls)
    assert (await reading.overview(OWNER, parent))["usage"]
    made = await forked(process, parent)
    overview = await reading.overview(OWNER, made.session_id)
    assert overview["parent"] == {"session_id": parent, "at": made.opening.base}
    assert (overview["title"], overview["usage"]) == ("Where?", {})
    assert overview["companions"]["generic"]["phase"] == "critique"
    listed = (await reading.listing(OWNER))["sessions"]
    assert [known["session_id"] for known in listed] == [made.session_id, parent]


async def test_what_is_shown_of_a_fork_is_the_same_after_a_crash(process: Process) -> None:
    parent = await looped(process)
    await process.step("draft", parent, "strategy", query="And then?", text="s0")
    made = await forked(process, parent)
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
    assert (again.seq, again.title, again.companions) == (made.counted, made.label.title, made.shown)


async def test_a_rewound_session_has_the_settings_that_were_in_force_there(process: Process) -> None:
    server = Sampling(execution_mode="server", temperature=0.5)
    given = await process.step("draft", query="Where?", sampling=server)
    await process.step("draft", given.session_id, query="And then?", text="v0", sampling=Sampling(temperature=1.5))
    configured = [entry for entry in await entries_of(process, given.session_id) if entry.kind == "configure"]
    made = await forked(process, given.session_id, given.entry.seq if given.entry else 0)
    own = (await entries_of(process, made.session_id))[-1]
    assert (own.kind, own.meta) == ("configure", {**configured[0].meta, **UNLABELLED})
    later = await forked(process, given.session_id)
    assert (await entries_of(process, later.session_id))[-1].meta == {**configured[-1].meta, **UNLABELLED}


@pytest.mark.parametrize("at", [0, -1, 8, 10**9])
async def test_a_fork_of_an_entry_that_is_not_there_names_those_that_are(process: Process, at: int) -> None:
    parent = await looped(process)
    last = len(await entries_of(process, parent))
    with pytest.raises(InputError, match=f"entries are 1 to {last}"):
        await forked(process, parent, at)


async def test_a_fork_that_was_answered_early_never_writes_over_what_it_shares(process: Process) -> None:
    parent = await looped(process)
    made = await forked(process, parent)
    again = await process.step("draft", made.session_id, query="And then?", text="w0")
    assert again.slot == 1
    assert await texts_of(process, made.session_id) == [*await texts_of(process, parent), "w0"]


async def test_a_fork_shows_no_title_of_a_query_that_it_does_not_share(process: Process) -> None:
    parent = await looped(process)
    [query] = [entry for entry in await entries_of(process, parent) if entry.kind == "query"]
    before = await forked(process, parent, query.seq - 1)
    process.store.breaks("project", *[Fault(error=StoreAwayError("It is away.", "Wait."))] * 9)
    crashed = await forked(process, parent, query.seq - 1)
    process.store.faults.clear()
    asked = await forked(process, parent, query.seq)
    await process.calls.desk.sessions.forget(OWNER, parent)
    assert await listed(process) == {before.session_id: "", crashed.session_id: "", asked.session_id: "Where?"}
    await process.step("draft", before.session_id, query="When?", text="Now.")
    assert (await listed(process))[before.session_id] == "When?"


async def test_a_mark_of_what_was_learned_does_not_choose_the_companion_of_a_fork(process: Process) -> None:
    session_id = (await process.step("draft", None, "strategy", query="Q?", text="s0")).session_id
    await process.step("critique", session_id, "strategy", satisfied=True)
    await process.step("draft", session_id, "generic", query="And?", text="g0")
    sessions = process.calls.desk.sessions
    await sessions.learner.settle()
    last = (await entries_of(process, session_id))[-1]
    assert (last.kind, last.companion_type) == ("learned", "strategy")
    made = await forked(process, session_id)
    assert made.last_type == "generic"
    assert (await entries_of(process, made.session_id))[-1].companion_type == "generic"
