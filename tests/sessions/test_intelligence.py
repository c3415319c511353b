"""What is known before a call of how its loop will go: from memory alone, for the owner's own open sessions."""

import time
from typing import Any

import pytest

from companions.models import Sampling, Step
from companions.outlook import Body
from companions.patterns.sample import PHASES, Effort, Sample
from companions.patterns.sums import PERIOD_SECONDS
from sessions import intelligence
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import MORE, process_on, version
from tests.sessions.taught import told as told_loop

EFFORTS: dict[Step, Effort] = {phase: Effort(steps=1, seconds=1.0) for phase in PHASES}


def before(process: Process, tool: str, owner: str = OWNER, **arguments: Any) -> Body | None:
    return intelligence.before(process.calls.desk.sessions, owner, tool, arguments)


async def learned(process: Process, *revisions: int, model: str = "host", seconds_ago: float = 0.0) -> None:
    """Have a process know of loops that ended after so many revisions, just now unless a test says otherwise."""
    knowledge, at = process.calls.desk.sessions.learner.knowledge, time.time() - seconds_ago
    for number in revisions:
        knowledge.add("generic", model, Sample(revisions=number, censored=False, efforts=EFFORTS), at)
    await knowledge.exchange()


def to_go(told: Body | None) -> tuple[int, float]:
    """Give the iterations and the seconds that are expected; each step takes one."""
    assert told is not None
    return told["remaining_iterations"]["iterations"], told["estimated_completion"]["seconds"]


async def test_each_step_is_told_how_the_loop_goes_on_behind_it() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=9) as process:
        await learned(process, *[3] * 9)
        assert to_go(before(process, "draft", query="Q?", text="One.")) == (3, 6.0)
        session_id = (await process.step("draft", query="Q?", text=version(0))).session_id
        assert to_go(before(process, "critique", session_id=session_id, text=MORE)) == (3, 5.0)
        await process.step("critique", session_id, text=MORE)
        assert to_go(before(process, "critique", session_id=session_id)) == (3, 5.0)
        assert to_go(before(process, "revise", session_id=session_id, text=version(9))) == (2, 4.0)
        await process.step("revise", session_id, text=version(9))
        assert to_go(before(process, "revise", session_id=session_id, text=version(9), redo=True)) == (2, 4.0)
        assert to_go(before(process, "draft", session_id=session_id, query="Another?", text="One.")) == (3, 6.0)


async def test_where_the_caller_is_first_to_write_its_step_is_still_to_come() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=9) as process:
        await learned(process, *[3] * 9)
        assert to_go(before(process, "draft", query="Q?")) == (3, 7.0)
        assert to_go(before(process, "refine", query="Q?")) == (3, 7.0)
        session_id = (await process.step("draft", query="Q?", text=version(0))).session_id
        assert to_go(before(process, "critique", session_id=session_id)) == (3, 6.0)
        assert to_go(before(process, "refine", session_id=session_id)) == (3, 6.0)
        assert to_go(before(process, "refine", session_id=session_id, text=MORE)) == (3, 5.0)
        assert to_go(intelligence.now(process.calls.desk.sessions, OWNER, session_id, "generic")) == (3, 6.0)


async def test_a_loop_s_own_maximum_bounds_what_is_expected() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=9) as process:
        await learned(process, *[5] * 9)
        assert to_go(before(process, "refine", query="Q?", text="One.", max_iterations=2)) == (2, 4.0)


async def test_loops_of_another_model_tell_nothing() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        await learned(process, *[3] * 9, model="openai:m:1")
        assert (before(process, "draft", query="Q?") or {})["samples"] == 0
        asked = {"model": "m:1", "execution_mode": "server"}
        assert (before(process, "draft", query="Q?", sampling=asked) or {})["samples"] == 9
        opened = await process.step("draft", query="Q?", text="One.", sampling=Sampling(model="m:1"))
        assert (before(process, "critique", session_id=opened.session_id) or {})["samples"] == 0


async def test_what_is_out_of_the_ordinary_is_told_until_it_is_written_again() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        await learned(process, *[3] * 9)
        session_id = (await process.step("draft", query="Q?", text=version(0))).session_id
        await process.step("critique", session_id, text=MORE)
        await process.step("revise", session_id, text="No.")
        odd = ["version 1 looks empty"]
        assert (before(process, "critique", session_id=session_id, text=MORE) or {})["anomalies"] == odd
        rewritten = before(process, "revise", session_id=session_id, text=version(9), redo=True)
        assert (rewritten or {})["anomalies"] == []


async def test_nothing_is_known_of_other_owners_unknown_sessions_and_unknown_companions() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        await learned(process, *[3] * 9)
        session_id = (await process.step("draft", query="Q?", text="One.")).session_id
        assert before(process, "critique", session_id=session_id) is not None
        assert before(process, "critique", "eve", session_id=session_id) is None
        assert before(process, "critique", session_id="unknown") is None
        assert before(process, "draft", query="Q?", companion_type="nobody") is None
        assert intelligence.now(process.calls.desk.sessions, "eve", session_id, "generic") is None


async def test_malformed_arguments_are_passed_over() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        await learned(process, *[3] * 9)
        odds: list[Any] = [[], {}, 7, True, "", "x" * 9]
        for odd in odds:
            names = ("query", "companion_type", "text", "sampling", "redo", "max_iterations", "synthesizer")
            for tool in intelligence.LOOPS:
                before(process, tool, **dict.fromkeys(names, odd), session_id=odd)


async def test_before_what_was_learned_has_been_read_nothing_is_known() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        assert before(process, "draft", query="Q?") is None
        await learned(process)
        assert (before(process, "draft", query="Q?") or {})["samples"] == 0


async def test_what_was_learned_long_ago_weighs_little_though_nothing_was_learned_since() -> None:
    for periods, samples in ((0, 40), (3, 5), (4, 2.5), (40, 0)):
        async with process_on(MemoryStore(), mode="client") as process:
            await learned(process, *[2] * 40, seconds_ago=periods * PERIOD_SECONDS)
            told = before(process, "draft", query="Q?", text="One.") or {}
        assert told["samples"] == samples
        assert ("remaining_iterations" in told) == (samples >= 5)


@pytest.mark.parametrize(("stopping", "recommended"), [("economy", True), ("lossless", False)])
async def test_loops_that_are_lossless_are_recommended_no_threshold(stopping: str, recommended: bool) -> None:
    async with process_on(MemoryStore(), mode="client", stopping=stopping) as process:
        knowledge = process.calls.desk.sessions.learner.knowledge
        for _ in range(20):
            knowledge.add("generic", "host", told_loop(2, improves=False), time.time())
        await knowledge.exchange()
        told = before(process, "draft", query="Q?", text="One.") or {}
    assert told["samples"] == 20
    assert ("recommended_threshold" in told) == recommended


async def test_it_reads_no_store() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        await learned(process, *[3] * 9)
        session_id = (await process.step("draft", query="Q?", text="One.")).session_id
        process.store.away = True
        assert (before(process, "critique", session_id=session_id, text=MORE) or {})["samples"] == 9
        process.store.away = False
