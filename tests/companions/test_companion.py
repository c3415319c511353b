from itertools import product

import pytest

from companions.companion import Companion, phase_of
from companions.entries import Note
from companions.errors import InputError, ModelReplyError, PhaseError
from companions.models import Step
from companions.next_step import NextStep, next_step, stop_reason
from companions.requests import Repeat
from companions.run_log import run_log
from tests.companions.driving import TYPE, Driver, entry_of, rebuilt

TEXT = "The store keeps every step of the session, in order, and gives it back when it is asked for. " * 3
BETTER = TEXT.replace("asked for", "wanted")
BEST = BETTER.replace("every step", "each step")
PHASES: list[Step] = ["draft", "critique", "revise"]


def at(phase: Step) -> Driver:
    """Give a companion in a phase: its query waits, or it is drafted, or criticised as well."""
    driver = Driver()
    if phase == "draft":
        driver.begin(step="draft", query="Why?")
        return driver
    driver.draft("Why?", TEXT)
    if phase == "revise":
        driver.critique("Say who asks.")
    return driver


def revised() -> Driver:
    driver = at("revise")
    driver.revise(BETTER)
    return driver


def current(driver: Driver) -> str:
    assert driver.companion.slot is not None
    assert driver.companion.slot.current is not None
    return driver.companion.slot.current.text


@pytest.mark.parametrize(("drafted", "critiques", "revisions"), list(product([False, True], range(5), range(5))))
def test_lengths_encode_a_phase_or_are_refused(drafted: bool, critiques: int, revisions: int) -> None:
    phases = {(False, 0, 0): "draft"}
    phases |= {(True, many, many): "critique" for many in range(5)}
    phases |= {(True, many + 1, many): "revise" for many in range(4)}
    expected = phases.get((drafted, critiques, revisions))
    if expected is not None:
        assert phase_of(drafted=drafted, critiques=critiques, revisions=revisions) == expected
        return
    with pytest.raises(ValueError, match=f"{critiques} critiques and {revisions} revisions"):
        phase_of(drafted=drafted, critiques=critiques, revisions=revisions)


def test_a_new_companion_begins_with_a_draft() -> None:
    assert Companion(TYPE).phase == "draft"
    assert next_step(Companion(TYPE)).step == "draft"


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "note",
    [
        Note(companion_type=TYPE, kind="critique", slot=0, index=2),
        Note(companion_type=TYPE, kind="critique", slot=1),
        Note(companion_type=TYPE, kind="revision", slot=1, meta={"based_on": 0}),
        Note(companion_type="strategy", kind="critique", slot=0),
    ],
    ids=lambda note: f"{note.companion_type} {note.kind} {note.slot}.{note.index}",
)
def test_an_entry_that_fits_no_place_is_refused_and_changes_nothing(phase: Step, note: Note) -> None:
    driver = at(phase)
    with pytest.raises(ValueError, match=r"does not fit|before its query|is not 'generic'"):
        driver.record(note)
    assert driver.companion == rebuilt(driver.entries)


def test_a_drafted_slot_takes_no_other_query() -> None:
    with pytest.raises(ValueError, match="after slot 0 was drafted"):
        at("critique").companion.apply(entry_of(Note(companion_type=TYPE, kind="query", slot=0, text="How?"), 9))


@pytest.mark.parametrize("step", ["critique", "revise"])
@pytest.mark.parametrize("driver", [Driver, lambda: at("draft")], ids=["new", "waiting"])
def test_nothing_can_be_criticised_or_revised_before_a_draft(step: Step, driver: type[Driver]) -> None:
    with pytest.raises(PhaseError, match=f"no draft to {step} yet. Call draft first"):
        driver().plan(step=step)


def test_a_first_draft_needs_a_query() -> None:
    with pytest.raises(InputError, match="needs a query"):
        Driver().plan(step="draft")


@pytest.mark.parametrize("redo", [False, True])
@pytest.mark.parametrize("query", [None, "Why?"])
def test_a_waiting_query_is_drafted_without_being_recorded_again(query: str | None, redo: bool) -> None:
    driver = at("draft")
    assert driver.begin(step="draft", query=query, redo=redo).slot == 0
    assert [entry.kind for entry in driver.entries] == ["configure", "query"]


def test_another_query_takes_the_place_of_a_waiting_one() -> None:
    driver = at("draft")
    driver.draft("How?", TEXT)
    assert [(slot["query"], slot["draft"]) for slot in run_log(driver.entries)] == [("How?", TEXT)]


@pytest.mark.parametrize("phase", ["critique", "revise"])
def test_a_new_query_opens_a_slot_in_any_phase(phase: Step) -> None:
    driver = at(phase)
    driver.draft("How?", BETTER)
    assert driver.companion.phase == "critique"
    assert [slot["query"] for slot in run_log(driver.entries)] == ["Why?", "How?"]


@pytest.mark.parametrize(
    ("phase", "asked", "stored"),
    [
        ("critique", {"step": "draft"}, "draft"),
        ("critique", {"step": "draft", "query": "Why?"}, "draft"),
        ("revise", {"step": "draft", "query": "Why?"}, "draft"),
        ("revise", {"step": "critique"}, "critique"),
        ("revise", {"step": "critique", "text": "Another.", "evidence": "It failed."}, "critique"),
    ],
)
def test_a_step_asked_twice_is_written_once(phase: Step, asked: dict[str, str], stored: str) -> None:
    driver = at(phase)
    found = driver.plan(**asked)
    assert isinstance(found, Repeat)
    assert found.entry is next(entry for entry in driver.entries if entry.kind == stored)


def test_a_revision_asked_twice_is_written_once() -> None:
    found = revised().plan(step="revise")
    assert isinstance(found, Repeat)
    assert found.entry.text == BETTER


def test_a_draft_without_a_query_behind_a_critique_is_refused_with_both_ways_on() -> None:
    with pytest.raises(PhaseError, match="with a query to open a new slot, or revise to go on"):
        at("revise").plan(step="draft")


@pytest.mark.parametrize(
    ("phase", "asked", "phase_then"),
    [
        ("critique", {"step": "draft"}, "critique"),
        ("critique", {"step": "draft", "query": "Why?"}, "critique"),
        ("revise", {"step": "critique"}, "revise"),
    ],
)
def test_a_redo_writes_the_newest_step_again_and_keeps_the_phase(
    phase: Step, asked: dict[str, str], phase_then: Step
) -> None:
    driver = at(phase)
    before = driver.entries[-1]
    again = driver.write(BETTER, redo=True, **asked)
    assert (again.kind, again.slot, again.index, again.meta["attempt"]) == (before.kind, 0, 0, 1)
    assert driver.companion.phase == phase_then
    assert run_log(driver.entries)[0]["replaced"] == [{"kind": before.kind, "index": 0, "text": before.text}]


def test_a_redone_revision_is_written_from_the_same_text_and_counts_its_attempts() -> None:
    driver = revised()
    for attempt, words in enumerate((BEST, TEXT), start=1):
        again = driver.revise(words, redo=True)
        assert (again.index, again.meta["attempt"], again.meta["based_on"]) == (0, attempt, 0)
    assert driver.companion.phase == "critique"
    assert current(driver) == TEXT


def test_a_redone_draft_with_critiques_behind_it_opens_a_slot() -> None:
    driver = at("revise")
    driver.draft("Why?", BETTER, redo=True)
    assert [(slot["query"], slot["draft"]) for slot in run_log(driver.entries)] == [("Why?", TEXT), ("Why?", BETTER)]


@pytest.mark.parametrize(
    ("driver", "step", "possible"),
    [
        (at("critique"), "critique", "Call critique without redo"),
        (at("critique"), "revise", "Call critique first, then revise"),
        (revised(), "critique", "Call revise with redo to write that revision again"),
        (at("revise"), "revise", "Call revise without redo"),
    ],
    ids=["no critique yet", "nothing to answer", "answered critique", "unanswered critique"],
)
def test_what_cannot_be_redone_is_refused_with_what_is_possible(driver: Driver, step: Step, possible: str) -> None:
    with pytest.raises(PhaseError, match=possible):
        driver.plan(step=step, redo=True)


def test_a_revision_with_a_critique_behind_it_cannot_be_redone() -> None:
    driver = revised()
    driver.critique("Say when.")
    with pytest.raises(PhaseError, match="Critique 2 has not been answered yet"):
        driver.plan(step="revise", redo=True)


def test_nothing_is_refused_for_having_ended() -> None:
    driver = revised()
    driver.critique("Say when.")
    driver.revise(BETTER)
    assert (stop_reason(driver.companion), driver.companion.phase) == ("converged", "critique")
    assert next_step(driver.companion).step is None
    driver.critique("Say where.")
    assert next_step(driver.companion) == NextStep(step="revise", why="Critique 3 waits for its revision.")


def test_a_guarded_revision_keeps_the_current_text_and_offers_one_more_try() -> None:
    driver = at("revise")
    assert driver.revise("No.").meta["guard"] == "empty"
    assert current(driver) == TEXT
    assert (next_step(driver.companion).step, next_step(driver.companion).redo) == ("revise", True)
    driver.revise("Nothing.", redo=True)
    assert next_step(driver.companion).step is None
    assert current(driver) == TEXT


def test_a_second_try_that_succeeds_becomes_the_current_text() -> None:
    driver = at("revise")
    driver.revise("No.")
    assert driver.revise(BETTER, redo=True).meta["based_on"] == 0
    assert current(driver) == BETTER
    assert next_step(driver.companion).step == "critique"


@pytest.mark.parametrize("words", ["", " \n\t", "x" * 200_001])
@pytest.mark.parametrize("phase", PHASES)
def test_a_reply_that_says_nothing_or_too_much_is_not_recorded(phase: Step, words: str) -> None:
    driver = at(phase)
    before = list(driver.entries)
    with pytest.raises(ModelReplyError):
        driver.write(words, step=phase)
    assert driver.entries == before
