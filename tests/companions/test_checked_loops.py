"""A text that fails a check: who is told of it, and that nothing calls its loop done."""

from dataclasses import replace
from typing import Any

import pytest

from companions.entries import Entry
from companions.irregularities import irregularities
from companions.next_step import next_step, stop_reason
from companions.prompts import NOTHING_LEFT
from tests.companions.chats import ACCEPT
from tests.companions.driving import STANDARD, Driver

LONG = "The store keeps every step of the session, in order, and gives it back when it is asked for. " * 3
SIGNED = f"{LONG}Signed, Ann."
CHECKS = {"must_contain": ["Signed"]}
FAILING = [{"check": "must_contain", "why": 'it does not contain "Signed"'}]
TOLD = 'must_contain (it does not contain "Signed")'
SENTENCE = f"The text fails what its companion's file asks of it: {TOLD}."


def checked(draft: str = LONG, **chosen: Any) -> Driver:
    """Give a companion whose texts must be signed, with its draft."""
    driver = Driver()
    driver.wanted = replace(STANDARD, **{"checks": CHECKS, "max_iterations": 9} | chosen)
    driver.draft("Q?", draft)
    return driver


def revised(driver: Driver, *texts: str) -> Entry:
    """Critique and revise, once for each text; gives the last revision."""
    for text in texts:
        driver.critique()
        driver.revise(text)
    return driver.entries[-1]


def test_what_a_version_fails_is_kept_with_it_and_only_where_there_are_checks() -> None:
    driver = checked()
    driver.critique()
    driver.revise(SIGNED)
    assert [entry.meta.get("checks") for entry in driver.entries[2:]] == [FAILING, None, []]
    bare = Driver()
    assert "checks" not in bare.draft("Q?", LONG).meta


@pytest.mark.parametrize("step", ["critique", "revise"])
def test_the_critic_and_the_reviser_are_told_what_fails(step: Any) -> None:
    def shown(driver: Driver) -> str:
        if step == "revise":
            driver.critique()
        return "".join(message.text for message in driver.task(step=step).messages)

    assert f"<failing_checks>\n{TOLD}\n</failing_checks>" in shown(checked())
    assert "check" not in shown(checked(SIGNED))


@pytest.mark.parametrize(
    ("words", "text"),
    [(ACCEPT, SENTENCE), (f"Well argued.\n{ACCEPT}", f"Well argued.\n\n{SENTENCE}")],
    ids=["verdict alone", "with words"],
)
def test_a_critic_who_is_content_does_not_end_the_loop_and_the_critique_says_what_fails(words: str, text: str) -> None:
    driver = checked()
    critique = driver.critique(words)
    assert critique.text == text
    assert (critique.meta["satisfied"], critique.meta["unmet"]) == (True, ["must_contain"])
    assert (stop_reason(driver.companion), next_step(driver.companion).step) == (None, "revise")
    driver.revise(SIGNED)
    assert driver.critique(ACCEPT).text == NOTHING_LEFT
    assert stop_reason(driver.companion) == "critic_satisfied"


def test_a_caller_who_is_content_does_not_end_the_loop_either_and_its_words_stay_its_own() -> None:
    driver = checked()
    assert driver.write("Fine.\n", step="critique", text="Fine.\n", satisfied=True).text == "Fine.\n"
    assert stop_reason(driver.companion) is None
    other = checked()
    assert other.write(NOTHING_LEFT, step="critique", satisfied=True).text == SENTENCE
    assert stop_reason(other.companion) is None


ENDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "fixed point": ({}, [LONG]),
    "threshold": ({"threshold": 0.9}, [f"{LONG}More."]),
    "cycle": ({}, [LONG.replace("store", "very large archive of ours"), LONG]),
}


@pytest.mark.parametrize("end", ENDS)
def test_no_end_that_calls_a_text_done_is_taken_while_it_fails_a_check(end: str) -> None:
    chosen, texts = ENDS[end]
    failing = revised(checked(**chosen), *texts)
    assert failing.meta["checks"] == FAILING
    assert "stop_reason" not in failing.meta
    passing = revised(checked(SIGNED, **chosen), *(f"{text}Signed, Ann." for text in texts))
    assert passing.meta["checks"] == []
    assert passing.meta["stop_reason"] == ("cycle" if end == "cycle" else "converged")


def test_a_loop_that_goes_round_is_told_of_it_also_while_its_text_fails_a_check() -> None:
    _, texts = ENDS["cycle"]
    for draft, sign in ((LONG, ""), (SIGNED, "Signed, Ann.")):
        driver = checked(draft)
        assert revised(driver, *(f"{text}{sign}" for text in texts)).meta["back_to"] == 0
        assert driver.companion.slot is not None
        assert irregularities(driver.companion.slot) == ("version 2 went back to version 0",)
    on = checked(max_iterations=2)
    assert revised(on, *texts).meta["stop_reason"] == "max_iterations"
    assert revised(checked(), *texts[:1]).meta.get("back_to") is None
    assert on.companion.slot is not None
    assert irregularities(on.companion.slot) == ("version 2 went back to version 0",)


def test_the_maximum_ends_it_and_says_what_still_fails() -> None:
    last = revised(checked(max_iterations=2), LONG, LONG)
    assert last.meta["stop_reason"] == "max_iterations"
    assert last.meta["why"].endswith("It still fails must_contain.")


def test_a_guarded_revision_ends_it_as_ever_and_the_text_that_stands_is_still_the_failing_one() -> None:
    driver = checked()
    last = revised(driver, "Signed.")
    assert last.meta["stop_reason"] == "guard"
    driver.critique()
    assert TOLD in driver.task(step="revise").messages[-1].text


def test_a_guarded_revision_that_fails_leaves_a_text_that_passes_as_good_as_it_was() -> None:
    driver = checked(SIGNED)
    assert revised(driver, "No.").meta["checks"] == FAILING
    assert driver.critique(ACCEPT).meta["stop_reason"] == "critic_satisfied"


def test_an_edited_file_changes_nothing_for_a_slot_that_is_under_way() -> None:
    driver = checked()
    driver.wanted = replace(STANDARD, checks={})
    assert revised(driver, f"{LONG}More.").meta["checks"] == FAILING
    assert "checks" not in driver.draft("Another?", LONG).meta
