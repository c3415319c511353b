"""What a loop comes to when a model writes: why it ended, which version is its answer, and what was asked for that."""

from typing import Any

import pytest

from companions.errors import InputError, ModelError
from sessions.loops import Refined
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Process
from tests.sessions.looping import CONTENT, MORE, kept, loop_of, process_on, refine, shown, steps, version, votes
from tests.sessions.spending import SERVER, running

SETTLING = (version(0), version(8), version(10))


async def ended(process: Process, *versions: str, said: tuple[str, str] = ("tie", "tie"), **wish: Any) -> str:
    """Run a loop over these versions to its maximum; gives its session."""
    process.model.script.extend([*loop_of(*versions), *votes(*said)])
    done = await refine(process, query="Q?", max_iterations=len(versions) - 1, **wish)
    assert done.status == "done"
    return done.session_id


async def test_of_a_third_version_that_is_worse_the_second_is_the_answer_with_the_reason() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([*loop_of(*SETTLING), *votes("A", "D")])
        done = await refine(process, query="Q?", max_iterations=2)
        assert (done.status, done.stop_reason, done.versions) == ("done", "max_iterations", 3)
        assert shown(done) == (1, SETTLING[1])
        (pick,) = await kept(process, done.session_id, "pick")
        assert done.pick == pick
        assert (pick.meta["version"], pick.meta["flipped"]) == (1, True)
        assert (pick.meta["candidates"], pick.meta["votes"]) == ([1, 2], ["earlier", "earlier"])
        assert pick.meta["why"].startswith("Version 1 was preferred, compared in both orders because")


@pytest.mark.parametrize(("said", "answer"), [(("B", "C"), 2), (("tie", "tie"), 1), (("A", "C"), 1), (("", "B"), 1)])
async def test_the_later_version_needs_more_votes_than_the_earlier(said: tuple[str, str], answer: int) -> None:
    async with process_on(MemoryStore()) as process:
        session_id = await ended(process, *SETTLING, said=said)
        assert shown(await refine(process, session_id))[0] == answer


async def test_a_loop_that_goes_back_to_an_earlier_version_stops_and_says_so() -> None:
    async with process_on(MemoryStore(), max_iterations=5) as process:
        process.model.script.extend([*loop_of(version(0), version(20), version(0)), *votes("A", "D")])
        done = await refine(process, query="Q?")
        assert done.stop_reason == "cycle"
        assert "went back to version 0" in done.why
        assert shown(done) == (0, version(0))
        *_, first, second = process.model.tasks
        assert {first.step, second.step} == {"compare"}
        assert first.sampling.temperature == second.sampling.temperature == 0
        one, other = (task.messages[-1].text for task in (first, second))
        assert one.index(version(0)) < one.index(version(20))
        assert other.index(version(20)) < other.index(version(0))


async def test_a_critic_that_is_satisfied_at_once_costs_one_critique_and_no_comparison() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([version(0), CONTENT])
        done = await refine(process, query="Q?")
        assert (done.stop_reason, shown(done)) == ("critic_satisfied", (0, version(0)))
        assert [task.step for task in process.model.tasks] == ["draft", "critique"]
        assert done.pick is not None


async def test_a_loop_that_never_settles_ends_by_its_maximum_and_is_never_called_converged() -> None:
    async with process_on(MemoryStore()) as process:
        texts = [version(step * 6, by=f"by{step}x") for step in range(5)]
        session_id = await ended(process, *texts)
        done = await refine(process, session_id)
        assert done.stop_reason == "max_iterations"
        assert "maximum of 4 iterations" in done.why
        assert not [
            entry for entry in await process.entries(session_id) if entry.meta.get("stop_reason") == "converged"
        ]


async def test_a_larger_maximum_goes_on_and_the_pick_is_out_of_date_until_the_new_end() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = await ended(process, *SETTLING)
        process.model.script.extend([MORE, SETTLING[2]])
        done = await refine(process, session_id, max_iterations=5)
        assert (done.stop_reason, done.versions, shown(done)[0]) == ("converged", 4, 3)
        assert [pick.meta["version"] for pick in await kept(process, session_id, "pick")] == [1, 3]
        asked = len(process.model.tasks)
        assert await refine(process, session_id, max_iterations=5) == await refine(process, session_id)
        assert len(process.model.tasks) == asked


async def test_a_version_written_by_hand_makes_the_pick_out_of_date() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = await ended(process, *SETTLING)
        await process.step("critique", session_id, text=MORE)
        await process.step("revise", session_id, text=version(12))
        companion = await process.calls.desk.sessions.find("ann", session_id)
        slot = (await companion.look("generic")).slot
        assert slot is not None
        assert (slot.picked, slot.answer) == (None, slot.revision)


async def test_a_smaller_maximum_than_there_are_iterations_ends_a_loop_without_another_step() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = (await process.step("draft", query="Q?", text=version(0))).session_id
        for text in SETTLING[1:]:
            await process.step("critique", session_id, text=MORE)
            await process.step("revise", session_id, text=text)
        process.model.script.extend(votes("tie", "tie"))
        done = await refine(process, session_id, max_iterations=1)
        assert (done.status, done.stop_reason, done.versions) == ("done", "max_iterations", 3)


async def test_another_query_opens_a_slot_with_bounds_of_its_own() -> None:
    async with process_on(MemoryStore()) as process:
        session_id = await ended(process, *SETTLING, budget_tokens=100_000)
        process.model.script.extend([version(3), CONTENT])
        done = await refine(process, session_id, query="And then?")
        assert (done.slot, done.versions, done.stop_reason) == (1, 1, "critic_satisfied")
        bounds = [entry.meta.get("budget_tokens") for entry in await kept(process, session_id, "workflow")]
        assert bounds == [100_000, None]
        again = await refine(process, session_id, query="And then?")
        assert (again.slot, again.shown) == (1, done.shown)


async def test_a_guarded_last_revision_gets_its_one_more_try_in_the_loop() -> None:
    async with process_on(MemoryStore(), max_iterations=1) as process:
        process.model.script.extend([version(0), MORE, "No.", version(8), *votes("B", "C")])
        done = await refine(process, query="Q?")
        assert (done.stop_reason, shown(done)) == ("max_iterations", (1, version(8)))
        assert (await steps(process, done.session_id))[2:] == ["No.", version(8)]


async def test_a_revision_that_is_guarded_twice_leaves_the_version_before_it() -> None:
    async with process_on(MemoryStore()) as process:
        process.model.script.extend([version(0), MORE, "No.", "No!"])
        done = await refine(process, query="Q?")
        assert (done.stop_reason, shown(done)) == ("guard", (0, version(0)))
        assert len(process.model.tasks) == 4


async def test_without_a_model_the_offline_editor_writes_to_the_end_and_compares_nothing() -> None:
    async with process_on(MemoryStore(), mode="offline") as process:
        done = await refine(process, query="Q?", text="We was going to alot of places. " * 4)
        assert (done.status, done.stop_reason) == ("done", "critic_satisfied")
        assert shown(done)[1].startswith("We was going to a lot of places.")
        assert done.pick is not None
        assert not process.model.tasks


async def test_a_comparison_that_failed_is_made_again_by_the_next_call_and_no_other_is() -> None:
    async with process_on(MemoryStore()) as process:
        failure = ModelError("It failed.", "Call again.")
        process.model.script.extend([*loop_of(*SETTLING), votes("A", "")[0], failure])
        told = await refine(process, query="Q?", max_iterations=2)
        assert (told.status, told.stop_reason, told.pick, shown(told)[0]) == ("done", "max_iterations", None, 2)
        assert told.advice == ("No versions were compared. It failed. Call refine again to have them compared.",)
        process.model.script.append(votes("", "D")[1])
        done = await refine(process, told.session_id)
        assert shown(done)[0] == 1
        assert [task.step for task in process.model.tasks].count("compare") == 3
        assert [pick.meta["votes"] for pick in await kept(process, done.session_id, "pick")] == [
            *(["earlier"], ["earlier", "earlier"])
        ]


@pytest.mark.parametrize("name", ["max_iterations", "budget_tokens"])
async def test_bounds_that_no_loop_can_keep_are_refused(name: str) -> None:
    async with process_on(MemoryStore()) as process:
        bounds: dict[str, Any] = {name: 0}
        with pytest.raises(InputError, match=f"{name} is 0"):
            await refine(process, query="Q?", **bounds)


async def test_a_first_call_without_a_query_is_refused_and_leaves_nothing() -> None:
    async with process_on(MemoryStore()) as process:
        with pytest.raises(InputError, match="needs a query"):
            await refine(process)
        assert await process.store.store.list("ann") == []


async def test_a_loop_stops_before_the_call_that_would_exceed_its_budget_and_a_larger_one_goes_on() -> None:
    async with running(MemoryStore()) as process:
        done = await refine(process, query="Q?", sampling=SERVER, max_iterations=3, budget_tokens=200)
        asked = len(process.model.tasks)
        assert 1 < asked < 7
        assert (done.status, done.stop_reason) == ("done", "budget")
        assert done.pick is None
        spent = await used(process, done.session_id)
        assert spent <= 200
        assert f"limited to 200 tokens: {spent:,} are spent" in done.why
        assert (await refine(process, done.session_id, sampling=SERVER)).stop_reason == "budget"
        assert len(process.model.tasks) == asked
        more = await refine(process, done.session_id, sampling=SERVER, budget_tokens=20_000)
        assert more.stop_reason == "max_iterations"
        assert await used(process, done.session_id) == reported_by(process)


async def test_a_budget_too_small_for_the_draft_keeps_the_query_and_is_not_the_next_query_s() -> None:
    async with process_on(MemoryStore()) as process:
        done = await refine(process, query="Q?", budget_tokens=1)
        assert (done.status, done.stop_reason, done.shown) == ("done", "budget", None)
        assert not process.model.tasks
        process.model.script.extend([version(3), CONTENT])
        assert (await refine(process, done.session_id, query="And then?")).stop_reason == "critic_satisfied"


async def used(process: Process, session_id: str) -> int:
    """Add up what is stored of the session's calls."""
    return sum(sum(entry.meta.get("usage", {}).values()) for entry in await process.entries(session_id))


def reported_by(process: Process) -> int:
    """Count as the provider does."""
    return sum(7 + len(f"Text {number} of the scripted model.") for number in range(1, len(process.model.tasks) + 1))


async def unpicked(process: Process, budget_tokens: int) -> Refined:
    """Run a loop that may spend so much, and no more on comparing."""
    process.model.script.extend([*loop_of(*SETTLING), *votes("A", "D")])
    done = await refine(process, query="Q?", sampling=SERVER, max_iterations=2, budget_tokens=budget_tokens)
    assert (done.status, done.stop_reason, done.pick) == ("done", "max_iterations", None)
    assert shown(done) == (2, SETTLING[2])
    assert "No versions were compared. This loop is limited" in done.advice[-1]
    return done


async def test_a_comparison_that_the_budget_does_not_allow_is_left_to_a_larger_one_and_none_is_paid_twice() -> None:
    before = sum(7 + len(str(text)) for text in loop_of(*SETTLING))
    async with running(MemoryStore()) as process:
        told = (await unpicked(process, before)).advice[-1]
        assert len(process.model.tasks) == 5
    one = int(told.split("estimated at ")[1].rstrip("."))
    async with running(MemoryStore()) as process:
        done = await unpicked(process, before + one)
        assert (await refine(process, done.session_id, sampling=SERVER)).pick is None
        assert [task.step for task in process.model.tasks].count("compare") == 1
        picked = await refine(process, done.session_id, sampling=SERVER, budget_tokens=before + 5 * one)
        assert shown(picked) == (1, SETTLING[1])
        assert [task.step for task in process.model.tasks].count("compare") == 2
        assert await used(process, done.session_id) == before + sum(7 + len(text) for text in votes("A", "D"))
