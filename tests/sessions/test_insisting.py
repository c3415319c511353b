"""A revision that its caller insists on is the text that goes on, in every mode, and is told wherever it is shown."""

import pytest

from companions.models import ExecutionMode
from companions.patterns.sample import Revised
from sessions.reading import Reading
from sessions.samples import sample_of
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.companions.revised_texts import ARTICLE, RECIPE
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import MORE, kept, process_on, refine

MODES: tuple[ExecutionMode, ...] = ("client", "server", "offline")


async def refused(process: Process) -> str:
    """Have a caller's revision refused; gives the session."""
    session_id = (await process.step("draft", query="Q?", text=ARTICLE)).session_id
    await process.step("critique", session_id, text="Translate it.")
    assert (await process.step("revise", session_id, text=RECIPE)).stop_reason == "guard"
    return session_id


@pytest.mark.parametrize("mode", MODES)
async def test_in_any_mode_the_text_that_is_sent_again_is_taken_once(mode: ExecutionMode) -> None:
    async with process_on(MemoryStore(), mode=mode) as process:
        session_id = await refused(process)
        taken = await process.step("revise", session_id, text=RECIPE, redo=True)
        assert (taken.next.step, taken.stop_reason, taken.already_done) == ("critique", None, False)
        assert len([line for line in taken.advice if "was sent again and is taken, although it looks" in line]) == 1
        again = await process.step("revise", session_id, text=RECIPE, redo=True)
        assert (again.already_done, again.not_recorded, again.advice) == (True, None, taken.advice)
        assert len(await kept(process, session_id, "revision")) == 2


async def test_another_process_finds_it_as_the_text_that_stands(store: Store) -> None:
    async with process_on(store, keeps=True, mode="client") as process:
        session_id = await refused(process)
        await process.step("revise", session_id, text=RECIPE, redo=True)
        await process.step("critique", session_id, text=MORE)
        await process.step("revise", session_id, text="No.")
    async with process_on(store, mode="client") as process:
        shown = await Reading(calls=process.calls).part(OWNER, session_id, None, "answer")
        assert (shown["version"], shown["text"]) == (1, RECIPE)


async def test_everything_that_shows_the_revision_says_that_it_was_insisted_on() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = await refused(process)
        await process.step("revise", session_id, text=RECIPE, redo=True)
        reading = Reading(calls=process.calls)
        (slot,) = (await reading.part(OWNER, session_id, None, "run_log"))["run_log"]
        assert (slot["confirmed"], "guard" in slot) == ({"1": "unrelated"}, False)
        transcript = (await reading.part(OWNER, session_id, None, "transcript"))["text"]
        assert transcript.count("Sent again and taken, although it looks unrelated: an overlap of ") == 1
        lines = (await reading.part(OWNER, session_id, None, "timeline"))["timeline"]
        assert [(line.get("guard"), line.get("confirmed"), line.get("overruled")) for line in lines[-2:]] == [
            ("unrelated", None, None),
            (None, True, "unrelated"),
        ]
        (pair,) = (await reading.part(OWNER, session_id, None, "convergence_analysis"))["similarities"]
        assert (pair["confirmed"], pair["overruled"]) == (True, "unrelated")


async def test_learning_counts_it_as_a_revision_like_any_other() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = await refused(process)
        session = await process.calls.desk.sessions.find(OWNER, session_id)

        async def counted() -> tuple[Revised, ...]:
            found = await sample_of(session, "generic", 0)
            return () if found is None else found[1].steps

        (before,) = await counted()
        await process.step("revise", session_id, text=RECIPE, redo=True)
        (after,) = await counted()
        assert (before.guarded, after.guarded, after.similarity) == (True, False, before.similarity)


async def test_a_loop_whose_caller_has_insisted_goes_on_with_that_text() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        loop = await refine(process, query="Q?", text=ARTICLE)
        for text in ("Translate it.", RECIPE):
            loop = await refine(process, loop.session_id, text=text)
        assert loop.due == "revise 1 of slot 0"
        await process.step("revise", loop.session_id, text=RECIPE, redo=True)
        loop = await refine(process, loop.session_id)
        assert loop.due == "critique 2 of slot 0"
        assert loop.answer is not None
        assert RECIPE in loop.answer.instructions["user"]
