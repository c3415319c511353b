"""Which version a finished loop hands back: each signal, their order, and votes on two versions."""

import itertools
import json
from typing import Any

import pytest

from companions import prompts
from companions.companion import Slot, version_of
from companions.next_step import stop_reason
from companions.picking import Choice, Contest, Vote, choose, decide, is_vote, names, said_in, vote
from tests.companions.driving import Driver, configuration

WORDS = tuple(f"word{place}" for place in range(40))
ORDERS: tuple[Vote, ...] = ("earlier", "later", "tie")


def version(changed: int, by: str = "other") -> str:
    """A text of 40 words with the first few changed."""
    return " ".join([*(f"{by}{place}" for place in range(changed)), *WORDS[changed:]]) + "."


def looped(*revisions: str, draft: str = version(0), **asked: Any) -> Driver:
    """Run a loop that ends after the last of these revisions, if nothing else ends it before."""
    driver = Driver()
    driver.wanted = configuration(max_iterations=len(revisions) or 1)
    driver.draft("Q?", draft)
    for revision in revisions:
        driver.critique(**asked)
        driver.revise(revision)
    return driver


def slot_of(driver: Driver) -> Slot:
    assert driver.companion.slot is not None
    return driver.companion.slot


def found(driver: Driver) -> Choice | Contest:
    return choose(slot_of(driver), stop_reason(driver.companion))


def contest(driver: Driver) -> Contest:
    made = found(driver)
    assert isinstance(made, Contest)
    return made


def test_a_slot_without_a_draft_has_no_version_to_pick() -> None:
    driver = Driver()
    driver.begin(step="draft", query="Q?")
    with pytest.raises(ValueError, match="without a draft"):
        found(driver)


def test_a_draft_that_satisfied_its_critic_is_the_answer_without_a_comparison() -> None:
    driver = looped()
    driver.critique(satisfied=True, text="Good.")
    assert found(driver) == Choice(version=0, why="Version 0 is the one that stands.")


def test_a_loop_that_settled_hands_back_its_newest_version_without_a_comparison() -> None:
    driver = looped(version(8), version(8))
    assert stop_reason(driver.companion) == "converged"
    assert found(driver) == Choice(version=2, why="Nothing speaks against version 2: the loop ended (converged).")


def test_a_loop_that_ended_unsettled_has_its_newest_two_compared() -> None:
    made = contest(looped(version(8), version(12)))
    assert made.versions == (1, 2)
    assert made.why == "the loop ended before it had settled"


def test_a_change_larger_than_the_one_before_it_is_doubted() -> None:
    assert contest(looped(version(4), version(30, by="new"))).why == "the last change was larger than the one before it"


def test_a_version_that_only_became_longer_is_doubted() -> None:
    made = contest(looped(f"{version(8)} {version(20)}"))
    assert made.versions == (0, 1)
    assert made.why == "version 1 has 82 words where the one before has 41"


def test_evidence_makes_even_a_settled_loop_compare() -> None:
    made = contest(looped(version(8), version(8), evidence="Two tests fail."))
    assert (made.versions, made.why) == ((1, 2), "evidence was given that they can be held against")


def test_a_loop_that_went_back_and_forth_has_the_two_compared_between_which_it_went() -> None:
    driver = looped(version(20), version(0))
    assert stop_reason(driver.companion) == "cycle"
    made = contest(driver)
    assert made.versions == (0, 1)
    assert [version_of(each) for each in made.order(0)] == [0, 1]
    assert [version_of(each) for each in made.order(1)] == [1, 0]


def test_a_guarded_version_is_never_a_candidate() -> None:
    driver = looped(version(8), "No.")
    assert slot_of(driver).newest.meta["guard"] == "empty"
    assert contest(driver).versions == (0, 1)


def test_the_highest_score_wins_and_of_equal_ones_the_earlier() -> None:
    driver = looped(version(8), version(8))
    for number, (text, score) in enumerate([(version(12), 7.0), (version(14), 9.0), (version(16), 9.0)]):
        driver.critique(f"More {number}.")
        driver.revise(text, score=score)
    assert found(driver) == Choice(version=4, why="Version 4 has the highest score, 9 of 3 scored.")


def test_a_score_of_the_current_version_alone_compares_with_nothing() -> None:
    driver = looped(version(8))
    driver.critique("More.")
    driver.revise(version(12), score=1)
    assert contest(driver).versions == (1, 2)


@pytest.mark.parametrize("votes", [*itertools.product(ORDERS, repeat=2)])
def test_only_more_votes_for_the_later_version_make_it_the_answer(votes: tuple[Vote, ...]) -> None:
    made = decide(contest(looped(version(8), version(12))), votes)
    later = votes.count("later") > votes.count("earlier")
    assert made.version == (2 if later else 1)
    told = f"{votes.count('earlier')} for version 1, {votes.count('later')} for version 2"
    assert f"compared in both orders because the loop ended before it had settled: {told}" in made.why


def test_the_letters_say_which_comparison_is_answered_and_which_text_stood_first() -> None:
    assert [vote(letter, 0) for letter in names(0)] == ["earlier", "later"]
    assert [vote(letter, 1) for letter in names(1)] == ["later", "earlier"]
    assert [vote(other, 0) for other in (None, "tie", "", "C", "AB")] == ["tie"] * 5


def test_a_caller_s_answer_is_read_whatever_its_case_and_full_stop_and_only_for_its_own_comparison() -> None:
    assert [said_in(text, 0) for text in ("A", " b.\n", "tieAB", "C", "tie", "A is better")] == [
        *("A", "B", "TIEAB"),
        *(None, None, None),
    ]
    assert said_in("d", 1) == "D"
    assert is_vote("tieCD.")
    assert not is_vote("A better text.")


def test_both_texts_are_shown_as_material_and_only_a_line_of_json_is_a_model_s_answer() -> None:
    asked = prompts.comparison_messages(
        ("One </text_A> {x}", "Two"), query="Q?", evidence="", names="AB", verdict="line"
    )
    assert "One </text_A> {x}" in asked[-1].text
    for better in ("A", "B", "tie"):
        reply = f"I weighed both.\n{json.dumps({'better': better})}"
        assert prompts.read_comparison(reply, "AB") == better
        assert prompts.read_comparison(f"```json\n{json.dumps({'better': better})}\n```", "AB") == better
    for reply in ("A", '{"better": "C"}', '{"better": "A", "better": "B"}', '{"better": "A"} or so', ""):
        assert prompts.read_comparison(reply, "AB") is None
