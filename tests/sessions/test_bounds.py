"""What one caller, one name or one late message can do to a process is bounded."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from companions.errors import InputError, UnknownNameError
from companions.models import Sampling
from sessions.calls import Pending
from sessions.reading import Reading
from sessions.store import Projection, Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process

SERVER = Sampling(execution_mode="server")


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    made.model.gate.open()
    await made.calls.close()


async def test_steps_that_nobody_waits_for_any_more_are_bounded_too(process: Process) -> None:
    process.calls.runs.at_once = 3
    process.model.gate.close()
    for number in range(3):
        assert isinstance(await process.call("draft", seconds=0.01, query=f"{number}?", sampling=SERVER), Pending)

    with pytest.raises(InputError, match="3 steps of yours"):
        await process.call("draft", query="one more?", sampling=SERVER)


async def test_an_unknown_companion_type_leaves_nothing_behind(process: Process) -> None:
    session_id = (await process.step("draft", query="Q?", text="Words.")).session_id
    for number in range(5):
        with pytest.raises(UnknownNameError):
            await process.call("critique", session_id, f"nobody_{number}")

    session = await process.calls.desk.sessions.find(OWNER, session_id)
    assert list(session.awake) == ["generic"]


async def test_a_session_that_was_named_is_not_claimed_by_the_same_question_any_more(process: Process) -> None:
    process.model.gate.close()
    pending = await process.call("draft", seconds=0.01, query="Q?", sampling=SERVER)
    process.model.gate.open()
    seen = await process.step("draft", pending.session_id)
    again = await process.step("draft", query="Q?", sampling=SERVER)

    assert seen.session_id == pending.session_id
    assert again.session_id != seen.session_id


async def test_a_verdict_that_comes_too_late_is_told(process: Process) -> None:
    session_id = (await process.step("draft", query="Q?", text="Words.")).session_id
    await process.step("critique", session_id, text="Too short.")
    late = await process.step("critique", session_id, satisfied=True)

    assert late.already_done
    assert "satisfied" in (late.not_recorded or "")


@pytest.mark.parametrize("wrong", [{"offset": 10**19}, {"offset": -1}, {"slot": 10**20}])
async def test_a_place_that_no_store_can_compare_is_refused_in_words(process: Process, wrong: dict[str, Any]) -> None:
    session_id = (await process.step("draft", query="Q?", text="Words.")).session_id

    with pytest.raises(InputError, match="no such slot or offset"):
        await Reading(calls=process.calls).part(OWNER, session_id, None, "run_log", **wrong)


async def test_an_older_projection_never_takes_a_newer_one_s_place(store: Store) -> None:
    process = Process.on(store)
    session_id = (await process.step("draft", query="Q?", text="Words.")).session_id
    await process.calls.rest()
    for seq, title in ((5, "newer"), (4, "older")):
        shown = Projection(session_id=session_id, seq=seq, title=title, last_used=1.0, preview="")
        await store.project([shown])

    head = await store.head(session_id)
    assert head is not None
    assert head.projection is not None
    assert head.projection.title == "newer"
