"""What a fork's workflows come to: those that it has from its parent are the parent's, but for what the fork uses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sessions.forking import fork
from sessions.metrics import Metrics
from sessions.projections import brought_up
from sessions.session import Session
from sessions.stores.memory.store import MemoryStore
from tests.sessions.consulted import consult
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import CONTENT, MORE, loop_of, process_on, refine, stop, version

CALL = {"input_tokens": 7}


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    async with process_on(MemoryStore()) as made:
        yield made


async def _fork(process: Process, session_id: str, kind: str) -> Session:
    """Fork a session at its newest entry of a kind."""
    seq = [entry.seq for entry in await process.entries(session_id) if entry.kind == kind][-1]
    return await fork(process.calls.desk.sessions, OWNER, session_id, seq)


async def _sums(process: Process, kind: str) -> dict[str, Any]:
    desk = process.calls.desk
    return (await Metrics(sessions=desk.sessions, allowance=desk.allowance).of(OWNER))["workflows"][kind]


async def _is_exact(process: Process, session: Session) -> None:
    """Check that what is kept of a fork is what its entries give when nothing is known."""
    head = await process.calls.desk.sessions.head(session)
    assert head.projection is not None
    lost = type(head)(opening=head.opening, seq=head.seq)
    assert (await brought_up(process.store.store, lost)).companions == head.projection.companions


async def test_a_fork_of_a_consultation_counts_the_synthesis_that_it_makes_and_no_contribution(
    process: Process,
) -> None:
    parent = (await consult(process, query="Q?", companion_types=("generic", "marketing"))).session_id
    before = await _sums(process, "consult")
    sessions = process.calls.desk.sessions
    [synthesis] = [
        entry for entry in await process.entries(parent) if (entry.companion_type, entry.kind) == ("strategy", "draft")
    ]
    made = await fork(sessions, OWNER, parent, synthesis.seq - 1)
    assert await _sums(process, "consult") == before
    asked = len(process.model.tasks)
    assert (await consult(process, made.session_id)).status == "done"
    assert len(process.model.tasks) == asked + 1
    after = await _sums(process, "consult")
    assert (after["begun"], after["ended"]) == (before["begun"], before["ended"])
    assert after["usage"]["input_tokens"] == before["usage"]["input_tokens"] + CALL["input_tokens"]
    await _is_exact(process, made)


async def test_a_fork_of_a_consultation_counts_a_contribution_that_it_lets_make_anew(process: Process) -> None:
    parent = (await consult(process, query="Q?", companion_types=("generic", "marketing"))).session_id
    before = await _sums(process, "consult")
    begun, _ = [entry for entry in await process.entries(parent) if entry.kind == "workflow"]
    made = await fork(process.calls.desk.sessions, OWNER, parent, begun.seq)
    assert (await consult(process, made.session_id)).status == "done"
    after = await _sums(process, "consult")
    assert after["usage"]["input_tokens"] == 2 * before["usage"]["input_tokens"]
    assert (after["begun"], after["ended"]) == (1, {"done": 1})
    await _is_exact(process, made)


async def test_a_stop_and_a_query_in_a_fork_leave_the_parents_loop_as_it_is_counted(process: Process) -> None:
    process.model.script.extend([*loop_of(version(0), version(8))])
    parent = (await refine(process, query="Q?", max_iterations=1)).session_id
    before = await _sums(process, "refine")
    made = await _fork(process, parent, "critique")
    await stop(process, made.session_id)
    again = await _fork(process, parent, "critique")
    await process.step("draft", again.session_id, query="Another?", text="Words.")
    assert await _sums(process, "refine") == before
    for each in (made, again):
        await _is_exact(process, each)


async def test_a_fork_of_a_loop_that_ended_counts_what_it_uses_when_it_is_given_more(process: Process) -> None:
    process.model.script.extend([*loop_of(version(0), version(8))])
    parent = (await refine(process, query="Q?", max_iterations=1)).session_id
    before = await _sums(process, "refine")
    made = await fork(process.calls.desk.sessions, OWNER, parent)
    asked = len(process.model.tasks)
    process.model.script.extend([MORE, version(16), CONTENT])
    await refine(process, made.session_id, max_iterations=3)
    calls = len(process.model.tasks) - asked
    assert calls > 1
    after = await _sums(process, "refine")
    assert (after["begun"], after["ended"]) == (1, before["ended"])
    assert after["usage"]["input_tokens"] == before["usage"]["input_tokens"] + calls * CALL["input_tokens"]
    await _is_exact(process, made)


async def test_a_loop_that_a_fork_begins_is_its_own(process: Process) -> None:
    process.model.script.extend([*loop_of(version(0), version(8))])
    parent = (await refine(process, query="Q?", max_iterations=1)).session_id
    made = await fork(process.calls.desk.sessions, OWNER, parent)
    process.model.script.extend([version(3), CONTENT])
    await refine(process, made.session_id, query="And then?")
    after = await _sums(process, "refine")
    assert (after["begun"], after["ended"]) == (2, {"critic_satisfied": 1, "max_iterations": 1})
    await _is_exact(process, made)
