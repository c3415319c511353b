"""A caller's scores are shown, and a loop that leaves a worse text behind says which version is the better one."""

import pytest

from sessions.answers import Answer
from sessions.reading import Reading
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import MORE, process_on, refine, shown, version

HOW = "call refine with this session_id to have the best one picked."
TEXTS = tuple(version(8 * number) for number in range(5))


async def scored(process: Process, *scores: float | None) -> list[Answer]:
    """Have a caller write a loop with a score for each revision; gives what each was answered."""
    session_id = (await process.step("draft", query="Q?", text=TEXTS[0])).session_id
    told: list[Answer] = []
    for text, score in zip(TEXTS[1:], scores, strict=False):
        await process.step("critique", session_id, text=MORE)
        told.append(await process.step("revise", session_id, text=text, score=score))
    return told


async def test_a_revision_that_brings_a_lower_score_is_told_so_at_once_and_what_to_do_once_the_loop_has_ended() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=3) as process:
        told = await scored(process, 0.9, 0.2, 0.1)
        assert [each.advice for each in told] == [
            (),
            ("Version 2 has a score of 0.2 where version 1 has 0.9.",),
            (f"Version 3 has a score of 0.1 where version 1 has 0.9: {HOW}",),
        ]
        assert told[-1].next.step is None


async def test_refine_picks_the_version_that_it_was_said_to_pick_and_then_nothing_is_advised() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=3) as process:
        last = (await scored(process, 0.9, 0.2, 0.1))[-1]
        assert shown(await refine(process, last.session_id)) == (1, TEXTS[1])
        again = await process.step("revise", last.session_id)
        assert (again.already_done, again.advice) == (True, ())


@pytest.mark.parametrize("scores", [(0.1, 0.2, 0.9), (0.5, 0.5, 0.5), (0.9, 0.1, None), (None, None, None)])
async def test_no_version_is_called_better_than_one_that_is_as_good_or_has_no_score(
    scores: tuple[float | None, ...],
) -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=3) as process:
        assert (await scored(process, *scores))[-1].advice == ()


async def test_a_satisfied_critic_of_the_worse_text_is_told_too() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        last = (await scored(process, 2, -1))[-1]
        over = await process.step("critique", last.session_id, text="Good.", satisfied=True)
        assert over.advice[0].startswith("Version 2 has a score of -1 where version 1 has 2: call refine")
        assert not (await process.step("critique", last.session_id, text="Bad.", redo=True)).advice


async def test_a_revision_that_was_not_taken_brings_no_score_and_the_worse_text_before_it_does() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = (await scored(process, 0.9, 0.5))[-1].session_id
        await process.step("critique", session_id, text=MORE)
        offered = await process.step("revise", session_id, text="No.", score=0.1)
        assert (offered.next.redo, offered.advice) == (True, ())
        over = await process.step("revise", session_id, text="No!", score=0.95, redo=True)
        assert over.advice[0].startswith("Version 2 has a score of 0.5 where version 1 has 0.9: call refine")


async def test_scores_stand_beside_similarities_with_the_numbers_of_their_versions() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=3) as process:
        reading = Reading(calls=process.calls)
        session_id = (await scored(process, 0.9, None, 0.0))[-1].session_id
        body = await reading.part(OWNER, session_id, None, "convergence_analysis")
        assert body["scores"] == [{"version": 1, "score": 0.9}, {"version": 3, "score": 0.0}]
        (slot,) = (await reading.part(OWNER, session_id, None, "run_log"))["run_log"]
        assert slot["scores"] == {"1": 0.9, "3": 0.0}
        answer = await reading.part(OWNER, session_id, None, "answer")
        assert answer["why"].endswith("this one stands, but version 3 has a score of 0 where version 1 has 0.9.")


async def test_without_scores_none_are_shown() -> None:
    async with process_on(MemoryStore(), mode="client", max_iterations=1) as process:
        reading = Reading(calls=process.calls)
        session_id = (await scored(process, None))[-1].session_id
        (slot,) = (await reading.part(OWNER, session_id, None, "run_log"))["run_log"]
        assert not {"scores", "confirmed"} & {*slot}
        assert "scores" not in await reading.part(OWNER, session_id, None, "convergence_analysis")
        assert (await reading.part(OWNER, session_id, None, "answer"))["why"].endswith("; this one stands.")
