"""A caller whose revision looks like none can insist on it: the same text, sent again with ``redo``, is meant."""

from typing import Any

import pytest

from companions.entries import Entry
from companions.next_step import next_step, stop_reason
from companions.requests import Repeat
from tests.companions.driving import Driver, configuration, rebuilt
from tests.companions.revised_texts import ARTICLE, CODE, RECIPE

CUT = ARTICLE[:120]


def refused(text: str, **chosen: Any) -> Driver:
    """A revision that its caller wrote and that was not taken."""
    driver = Driver()
    driver.wanted = configuration(**chosen)
    driver.draft("Q?", ARTICLE)
    driver.critique("Cut it to a sentence.")
    assert sent(driver, text).meta["stop_reason"] == "guard"
    return driver


def sent(driver: Driver, text: str, **asked: Any) -> Entry:
    return driver.revise(text, text=text, **asked)


def current(driver: Driver) -> str:
    slot = driver.companion.slot
    assert slot is not None
    assert slot.current is not None
    return slot.current.text


@pytest.mark.parametrize(("text", "kind"), [(RECIPE, "unrelated"), (CUT, "truncated"), (f"{ARTICLE}\n" * 5, "runaway")])
def test_the_same_text_sent_again_is_taken_and_says_what_was_overruled(text: str, kind: str) -> None:
    driver = refused(text)
    looked = driver.entries[-1].meta["guard_why"]
    meta = sent(driver, text, redo=True).meta

    assert (meta["confirmed"], meta["overruled"], meta["overruled_why"]) == (True, kind, looked)
    assert not {"guard", "guard_why", "stop_reason"} & {*meta}
    assert current(driver) == text
    assert next_step(driver.companion).step == "critique"
    assert rebuilt(driver.entries) == driver.companion


def test_what_is_taken_so_is_what_the_next_revision_is_held_against() -> None:
    driver = refused(RECIPE)
    sent(driver, RECIPE, redo=True)
    driver.critique("Say how long.")

    assert "guard" not in driver.revise(RECIPE.replace("a lid", "a lid for an hour")).meta


def test_taking_it_is_no_convergence_and_leaves_a_loop_at_its_maximum_at_its_maximum() -> None:
    driver = refused(RECIPE, max_iterations=1)
    sent(driver, RECIPE, redo=True)

    assert stop_reason(driver.companion) == "max_iterations"


def test_a_model_that_writes_the_same_again_has_not_insisted() -> None:
    driver = refused(RECIPE)
    again = driver.revise(RECIPE, redo=True).meta

    assert (again["guard"], "confirmed" in again) == ("unrelated", False)
    assert current(driver) == ARTICLE


def test_a_caller_can_insist_on_what_a_model_wrote() -> None:
    driver = Driver()
    driver.draft("Q?", ARTICLE)
    driver.critique("Translate it.")
    assert driver.revise(RECIPE).meta["guard"] == "unrelated"

    assert sent(driver, RECIPE, redo=True).meta["confirmed"]


def test_another_text_is_judged_anew_and_can_be_insisted_on_after_the_last_try_that_is_offered() -> None:
    driver = refused(RECIPE)

    assert sent(driver, CODE, redo=True).meta["guard"] == "unrelated"
    assert next_step(driver.companion).step is None
    assert sent(driver, CODE, redo=True).meta["confirmed"]
    assert current(driver) == CODE


def test_next_to_nothing_is_never_taken() -> None:
    driver = refused("Done.")
    for _ in range(3):
        assert sent(driver, "Done.", redo=True).meta["guard"] == "empty"
    assert current(driver) == ARTICLE


def test_a_text_that_was_taken_so_is_not_written_once_more_for_a_call_that_is_repeated() -> None:
    driver = refused(RECIPE)
    taken = sent(driver, RECIPE, redo=True)

    assert driver.plan(step="revise", text=RECIPE, redo=True) == Repeat(taken)
    scored = sent(driver, RECIPE, redo=True, score=0.5)
    assert (scored.meta["confirmed"], scored.meta["score"]) == (True, 0.5)
    assert driver.plan(step="revise", text=RECIPE, redo=True, score=0.5) == Repeat(scored)


def test_the_score_that_came_with_the_text_stays_with_it_unless_another_is_given() -> None:
    for given, kept in ((None, 0.7), (0.0, 0.0)):
        driver = Driver()
        driver.draft("Q?", ARTICLE)
        driver.critique()
        sent(driver, RECIPE, score=0.7)
        assert sent(driver, RECIPE, redo=True, score=given).meta["score"] == kept


@pytest.mark.parametrize(("text", "can_be_meant"), [(RECIPE, True), ("Done.", False)])
def test_what_comes_next_says_what_was_seen_where_the_border_is_and_how_to_insist(
    text: str, *, can_be_meant: bool
) -> None:
    driver = refused(text)
    meta = driver.entries[-1].meta
    told = f"Version 1 looks {meta['guard']} ({meta['guard_why']}); version 0 stands."
    how = " If that text is meant, call revise with the same text and redo=true: it is taken then."
    insisting = how if can_be_meant else ""

    first = next_step(driver.companion)
    assert (first.step, first.redo) == ("revise", True)
    assert first.why == f"{told} One more try is offered.{insisting}"
    driver.revise(text, redo=True)
    last = next_step(driver.companion)
    assert last.step is None
    assert last.why == f"The loop has ended (guard): {told}{insisting}"
