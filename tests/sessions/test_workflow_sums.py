"""What workflows came to: exact in whatever batches their entries come, and no step counted for a wrong one."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from companions.companion import Companion
from companions.entries import Entry
from companions.models import OnText, Sampling, Task, Written
from companions.next_step import stop_reason
from sessions.metrics import Metrics
from sessions.projections import brought_up
from sessions.reading import Reading
from sessions.stores.memory.store import MemoryStore
from sessions.workflow_sums import told_by_kind, told_newest, workflows_after
from tests.sessions.consulted import consult, workflows
from tests.sessions.faults import OWNER, Process, ScriptedModel
from tests.sessions.looping import CONTENT, MORE, loop_of, process_on, refine, stop, version, votes
from tests.sessions.spending import with_models

SECONDS = 0.25
SETTLING = (version(0), version(8), version(10))
CLIENT = Sampling(execution_mode="client")


@dataclass(frozen=True, slots=True)
class Timed:
    """The scripted model with a clock of its own."""

    model: ScriptedModel

    @property
    def name(self) -> str:
        return self.model.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        return replace(await self.model.write(task, on_text), meta={"seconds": SECONDS})


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    async with process_on(MemoryStore()) as made:
        yield with_models(made, default=Timed(made.model))


async def refined(process: Process) -> str:
    """Have a loop that ended, was given more, and converged; gives its session."""
    process.model.script.extend([*loop_of(*SETTLING), *votes("A", "D")])
    session_id = (await refine(process, query="Q?", max_iterations=2)).session_id
    process.model.script.extend([MORE, SETTLING[2]])
    await refine(process, session_id, max_iterations=5)
    return session_id


async def thought_through(process: Process) -> str:
    """Have loops and a consultation of every fate in one session."""
    session_id = await refined(process)
    await process.step("critique", session_id, "generic", text=MORE)
    process.model.script.extend([version(3), CONTENT])
    await refine(process, session_id, companion="generic", query="And then?")
    for query in ("Where?", "When?"):
        await refine(process, session_id, companion="bug_triage", query=query, sampling=CLIENT)
    await stop(process, session_id, companion="bug_triage")
    await refine(process, session_id, companion="bug_triage", text="Now.", sampling=CLIENT)
    await stop(process, session_id, companion="bug_triage")
    await process.step("draft", session_id, "marketing", query="By hand?", text=version(0))
    for text in SETTLING[1:]:
        await process.step("critique", session_id, "marketing", text=MORE)
        await process.step("revise", session_id, "marketing", text=text)
    process.model.script.extend(votes("tie", "tie"))
    await refine(process, session_id, companion="marketing", max_iterations=1)
    await consult(process, session_id, query="All?", companion_types=("generic", "marketing"))
    process.model.script.extend([CONTENT])
    await refine(process, session_id, companion="strategy")
    return session_id


async def by_companion(process: Process, session_id: str) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in await process.entries(session_id):
        found.setdefault(entry.companion_type, []).append(entry)
    return found


def followed(entries: Sequence[Entry], size: int) -> dict[str, Any]:
    """Add entries so many at a time, each time to what was stored before."""
    kept: dict[str, Any] = {}
    for first in range(0, len(entries), size):
        kept = json.loads(json.dumps(workflows_after(kept, entries[first : first + size])))
    return kept


async def told(process: Process) -> dict[str, Any]:
    desk = process.calls.desk
    return await Metrics(sessions=desk.sessions, allowance=desk.allowance).of(OWNER)


async def test_loops_are_counted_by_why_they_ended_and_one_that_goes_on_has_not_ended(process: Process) -> None:
    session_id = await refined(process)
    assert (await told(process))["workflows"]["refine"]["ended"] == {"converged": 1}
    await process.step("critique", session_id, text=MORE)
    body = (await told(process))["workflows"]["refine"]
    assert (body["begun"], body["ended"]) == (1, {})


async def test_loops_and_consultations_of_every_fate_are_told_by_kind(process: Process) -> None:
    session_id = await thought_through(process)
    body = (await told(process))["workflows"]
    assert (body["refine"]["begun"], body["consult"]["begun"]) == (6, 1)
    each = {"cancelled": 1, "critic_satisfied": 2, "left": 1, "max_iterations": 1, "replaced": 1}
    assert body["refine"]["ended"] == each
    assert body["consult"]["ended"] == {"done": 1}
    assert body["consult"]["usage"]["input_tokens"] == 3 * 7
    assert body["consult"]["model_seconds"] == 3 * SECONDS
    calls = len(process.model.tasks)
    assert body["refine"]["usage"]["input_tokens"] == (calls - 3) * 7
    assert body["refine"]["model_seconds"] == (calls - 3) * SECONDS
    overview = await Reading(calls=process.calls).overview(OWNER, session_id)
    assert overview["workflows"]["by_kind"] == body
    newest = overview["workflows"]["newest"]
    assert [each["orchestrator"] for each in newest] == ["strategy", "marketing", "bug_triage", "generic"]
    assert {(each["workflow"], each["state"]) for each in newest} == {("refine", "done")}
    sums = {"course", "workflow", "workflows"}
    assert all(values.keys().isdisjoint(sums) for values in overview["companions"].values())


async def test_the_sums_are_what_the_workflows_tell_one_by_one(process: Process) -> None:
    session_id = await refined(process)
    await consult(process, session_id, query="All?", companion_types=("generic", "marketing"))
    body = (await told(process))["workflows"]
    for each in await workflows(process, session_id):
        sums = body[each["workflow"]]
        assert (sums["begun"], sums["usage"]) == (1, each["usage"])
        assert sums["seconds"] == pytest.approx(each["seconds"], abs=0.002)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
async def test_the_sums_are_the_same_in_whatever_batches_entries_come(process: Process, size: int) -> None:
    for entries in (await by_companion(process, await thought_through(process))).values():
        assert followed(entries, size) == followed(entries, len(entries))


async def test_sums_that_are_on_their_way_to_a_store_stay_as_they_are(process: Process) -> None:
    for entries in (await by_companion(process, await thought_through(process))).values():
        kept: dict[str, Any] = {}
        for entry in entries:
            stored = json.dumps(kept)
            after = workflows_after(kept, [entry])
            assert json.dumps(kept) == stored
            kept = after


async def test_sums_that_were_kept_while_it_happened_are_those_that_its_entries_give(process: Process) -> None:
    session_id = await thought_through(process)
    sessions = process.calls.desk.sessions
    head = await sessions.head(await sessions.find(OWNER, session_id))
    rebuilt = await brought_up(process.store.store, replace(head, projection=None))
    assert head.projection is not None
    assert rebuilt.companions == head.projection.companions


async def test_after_every_entry_a_loop_has_ended_exactly_if_its_companion_says_so(process: Process) -> None:
    seen = Counter[str | None]()
    for name, entries in (await by_companion(process, await thought_through(process))).items():
        companion, kept = Companion(name), dict[str, Any]()
        for entry in entries:
            companion.apply(entry)
            kept = workflows_after(kept, [entry])
            loop = None if companion.slot is None else companion.slot.workflow
            if loop is not None and loop.meta["workflow"] == "refine":
                seen[stop_reason(companion)] += 1
                assert kept["workflow"].get("stop_reason") == stop_reason(companion)
    assert {None, "cancelled", "converged", "critic_satisfied", "max_iterations"} == {*seen}


async def test_a_query_that_takes_the_place_of_a_waiting_one_replaces_its_loop() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = (await refine(process, query="Q?")).session_id
        await process.step("draft", session_id, query="Another?", text="By hand.")
        overview = await Reading(calls=process.calls).overview(OWNER, session_id)
        (newest,) = overview["workflows"]["newest"]
        assert (newest["workflow"], newest["state"]) == ("refine", "replaced")
        sums = overview["workflows"]["by_kind"]["refine"]
        assert (sums["begun"], sums["ended"], sums["seconds"]) == (1, {"replaced": 1}, 0)


async def test_a_workflow_that_another_query_came_before_the_end_of_is_told_alike_everywhere() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = (await refine(process, query="Waits?")).session_id
        await stop(process, session_id)
        await refine(process, session_id, query="Drafted?", text="Words.")
        await consult(process, session_id, query="All?", companion_types=("marketing",), synthesizer="generic")
        reading = Reading(calls=process.calls)
        told_so: list[str] = []
        for query in ("Else?", "More?"):
            await process.step("draft", session_id, "generic", query=query, text="By hand.")
            (newest,) = (await reading.overview(OWNER, session_id))["workflows"]["newest"]
            told_so.append(newest["state"])
            assert [each["state"] for each in await workflows(process, session_id)] == ["replaced", "left", "replaced"]
        assert told_so == ["replaced", "replaced"]
        sums = (await told(process))["workflows"]
        assert (sums["refine"]["begun"], sums["refine"]["ended"]) == (2, {"left": 1, "replaced": 1})
        assert (sums["consult"]["begun"], sums["consult"]["ended"]) == (1, {"replaced": 1})


async def test_a_consultation_s_end_that_is_recorded_twice_counts_once(process: Process) -> None:
    done = await consult(process, query="All?", companion_types=("generic", "marketing"))
    entries = (await by_companion(process, done.session_id))["strategy"]
    once, end = workflows_after({}, entries), entries[-1]
    assert end.meta["state"] == "done"
    assert workflows_after(once, [replace(end, seq=end.seq + 1)]) == once
    assert [each["state"] for each in told_newest({"strategy": once})] == ["done"]


async def test_neither_a_text_that_lost_nor_a_step_after_a_synthesis_counts_for_a_workflow(process: Process) -> None:
    session_id = await refined(process)
    await consult(process, session_id, query="All?", companion_types=("marketing",))
    entries = await by_companion(process, session_id)
    for name, kind in (("generic", "alternative"), ("strategy", "critique")):
        known = workflows_after({}, entries[name])
        text = next(entry for entry in entries[name] if entry.kind == "draft")
        after = workflows_after(known, [replace(text, kind=kind, slot=entries[name][-1].slot, seq=99)])
        assert told_by_kind([after]) == told_by_kind([known])
