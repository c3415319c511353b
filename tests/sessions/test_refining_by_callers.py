"""Loops without a model: the caller writes what each answer hands out, and calls again when it was cut off."""

import asyncio
from collections.abc import Sequence

import pytest

from companions.errors import InputError
from sessions.loops import UNCOUNTED, UNSATISFIED, UNSCORED, Refined
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import Fault, Process, until
from tests.sessions.looping import MORE, kept, loop_of, loops, process_on, refine, shown, steps, version
from tests.sessions.spending import SERVER

VERSIONS = (version(0), version(8), version(10))
TEXTS = [str(text) for text in loop_of(*VERSIONS)]


def asked_for(loop: Refined) -> str:
    """Give what the caller is to write next."""
    assert loop.status == "write"
    if loop.comparison:
        return "compare"
    assert loop.answer is not None
    assert loop.answer.instructions["user"]
    return loop.answer.step


async def written(process: Process, texts: Sequence[str], session_id: str | None = None) -> Refined:
    """Give each text as the answer to what was handed out before it."""
    loop = await refine(process, session_id, query=None if session_id else "Q?", max_iterations=2)
    for text in texts:
        loop = await refine(process, loop.session_id, text=text)
    return loop


async def test_each_answer_hands_out_the_next_writing_until_the_version_is_picked() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", max_iterations=2)
        handed = [asked_for(loop)]
        for text in [*TEXTS, "a", "D."]:
            loop = await refine(process, loop.session_id, text=text)
            handed.append(asked_for(loop) if loop.status == "write" else loop.status)
        assert handed == ["draft", "critique", "revise", "critique", "revise", "compare", "compare", "done"]
        assert (loop.stop_reason, shown(loop)) == ("max_iterations", (1, VERSIONS[1]))
        assert await steps(process, loop.session_id) == TEXTS
        picks = await kept(process, loop.session_id, "pick")
        assert [pick.meta["votes"] for pick in picks] == [["earlier"], ["earlier", "earlier"]]
        assert picks[-1].meta["model"] == "host:tests"


async def test_satisfied_ends_the_loop_with_the_draft() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS[:1])
        for _ in range(2):
            loop = await refine(process, loop.session_id, satisfied=True)
            assert (loop.status, loop.stop_reason, shown(loop)[0]) == ("done", "critic_satisfied", 0)
        assert len(await kept(process, loop.session_id, "critique", "pick")) == 2


@pytest.mark.parametrize("number", range(len(TEXTS)))
async def test_a_text_that_is_sent_again_is_recorded_once_and_hands_out_what_comes_next(number: int) -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS[: number + 1])
        again = await refine(process, loop.session_id, text=TEXTS[number])
        assert asked_for(again) == asked_for(loop)
        assert again.not_recorded is None
        assert await steps(process, loop.session_id) == TEXTS[: number + 1]


@pytest.mark.parametrize("said", [["A", "A"], ["tieAB", "tieAB"], ["A", "D", "D"], ["A", "D", "A"]])
async def test_a_vote_that_is_sent_again_counts_once(said: list[str]) -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, [*TEXTS, *said])
        counted = [pick.meta["votes"] for pick in await kept(process, loop.session_id, "pick")]
        assert [len(votes) for votes in counted] == list(range(1, len(set(said)) + 1))
        assert loop.status == ("done" if len(counted) > 1 else "write")
        assert loop.not_recorded is None


async def test_an_answer_to_a_comparison_that_names_neither_text_is_refused_with_what_to_say() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS)
        with pytest.raises(InputError, match="neither of the two") as caught:
            await refine(process, loop.session_id, text="The first is better.")
        assert caught.value.remedy == "Give A, B or tieAB as text."
        assert asked_for(await refine(process, loop.session_id)) == "compare"


async def test_a_text_that_arrives_after_the_end_is_told_as_not_recorded() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, [*TEXTS, "A", "D"])
        before = await process.entries(loop.session_id)
        late = await refine(process, loop.session_id, text="One more thing.")
        assert late.status == "done"
        assert "since the loop has ended" in (late.not_recorded or "")
        assert (await refine(process, loop.session_id, text=TEXTS[-1])).not_recorded is None
        assert await process.entries(loop.session_id) == before


async def test_a_text_that_came_behind_another_for_the_same_step_is_told_as_not_recorded() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS[:1])
        process.model.gate.close()
        first = asyncio.create_task(process.step("critique", loop.session_id, sampling=SERVER))
        await process.model.gate.reached.wait()
        second = asyncio.create_task(refine(process, loop.session_id, text="Say less."))
        await until(lambda: len(loops(process, loop.session_id)) == 1)
        process.model.gate.open()
        await first
        told = await second
        assert asked_for(told) == "revise"
        assert "another critique is stored already" in (told.not_recorded or "")


async def test_a_text_that_comes_too_late_for_its_step_is_not_taken_for_the_next_one() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS[:1])
        handed = loop.due
        loop = await refine(process, loop.session_id, text=MORE, text_for=handed)
        assert (handed, loop.due) == ("critique 1 of slot 0", "revise 1 of slot 0")
        late = await refine(process, loop.session_id, text="Say less.", text_for=handed, satisfied=True)
        assert asked_for(late) == "revise"
        assert late.not_recorded == (
            "The text was not recorded: it is for critique 1 of slot 0, and next is revise 1 of slot 0."
        )
        again = await refine(process, loop.session_id, text=MORE, text_for=handed)
        assert (asked_for(again), again.not_recorded) == ("revise", None)
        assert await steps(process, loop.session_id) == [TEXTS[0], MORE]


async def test_a_text_for_an_earlier_step_is_no_vote() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS)
        late = await refine(process, loop.session_id, text="Say less.", text_for="critique 2 of slot 0")
        assert asked_for(late) == "compare"
        assert "and the loop has ended" in (late.not_recorded or "")


async def test_a_verdict_on_a_critique_that_is_stored_already_is_told_as_not_taken() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, TEXTS[:2])
        told = await refine(process, loop.session_id, satisfied=True)
        assert asked_for(told) == "revise"
        assert "satisfied=true was not taken" in (told.not_recorded or "")
        assert await kept(process, loop.session_id, "pick") == []


async def test_what_comes_with_a_new_question_and_is_said_of_a_later_step_is_told_as_not_taken() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", text=TEXTS[0], satisfied=True)
        assert (asked_for(loop), loop.not_recorded) == ("critique", UNSATISFIED)
        loop = await refine(process, loop.session_id, query="And?", text=TEXTS[0], satisfied=True, score=7.0)
        assert loop.not_recorded == f"{UNSCORED} {UNSATISFIED}"


async def test_a_budget_is_told_once_not_to_count_what_the_caller_writes_and_nothing_is_read_for_it() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", budget_tokens=1)
        assert loop.advice == (UNCOUNTED,)
        process.store.breaks("page", *[Fault(ZeroDivisionError("it was read"))] * 9)
        for text in TEXTS[:3]:
            loop = await refine(process, loop.session_id, text=text, budget_tokens=1)
            assert (loop.status, loop.advice) == ("write", ())
        assert (await refine(process, loop.session_id, budget_tokens=2)).advice == (UNCOUNTED,)


async def test_a_revision_that_is_not_taken_is_asked_for_once_more_and_its_repeat_is_told() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await written(process, [TEXTS[0], MORE, "No."])
        assert (asked_for(loop), loop.due) == ("revise", "revise 1 of slot 0")
        again = await refine(process, loop.session_id, text="No.")
        assert asked_for(again) == "revise"
        assert "write another" in (again.not_recorded or "")
        loop = await refine(process, loop.session_id, text=VERSIONS[1])
        assert asked_for(loop) == "critique"
        assert await steps(process, loop.session_id) == [TEXTS[0], MORE, "No.", VERSIONS[1]]


async def test_a_first_call_with_its_draft_that_was_cut_off_finds_it_recorded_once() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        gate = process.store.holds("append")
        task = asyncio.create_task(refine(process, query="Q?", text=TEXTS[0]))
        await gate.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()
        loop = await refine(process, query="Q?", text=TEXTS[0])
        assert asked_for(loop) == "critique"
        assert await steps(process, loop.session_id) == TEXTS[:1]
        assert len(await process.store.store.list("ann")) == 1


async def test_a_loop_goes_on_in_a_new_process_wherever_it_was_handed_out(store: Store) -> None:
    session_id = None
    for text in [*TEXTS, "A", "D"]:
        async with process_on(store, keeps=True, mode="client") as process:
            loop = await refine(process, session_id, query=None if session_id else "Q?", max_iterations=2)
            session_id = (await refine(process, loop.session_id, text=text)).session_id
            await process.calls.rest()
    async with process_on(store, keeps=True, mode="client") as process:
        loop = await refine(process, session_id)
        assert (loop.status, shown(loop)) == ("done", (1, VERSIONS[1]))
        assert await steps(process, loop.session_id) == TEXTS
