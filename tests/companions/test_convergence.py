"""Each reason to stop, the order of the reasons, and the three mistakes that stop rules before ours have made."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from companions.anomalies import Guard, guard
from companions.convergence import (
    STATIC_RULE,
    Decision,
    Rule,
    Trajectory,
    cycle,
    decide,
    fixed_point,
    guarded,
    maximum,
    threshold,
    verdict,
)
from companions.similarity import similarity

WORDS = tuple(f"word{place}" for place in range(100))
EMPTY = Guard(kind="empty", why="0 words where the version before has 100")


def version(changed: int, by: str = "other") -> str:
    """A text of 100 words with the first few changed: its similarity to the unchanged one is 1 - changed / 100."""
    return " ".join([*(f"{by}{place}" for place in range(changed)), *WORDS[changed:]])


def after_revision(*texts: str, **settings: Any) -> Trajectory:
    """A loop that has just made its newest revision, measured as a caller measures it."""
    fields: dict[str, Any] = {
        "event": "revision",
        "iteration": len(texts) - 1,
        "satisfied": False,
        "similarity": similarity(texts[-2], texts[-1]),
        "guard": None,
        "texts": texts[-8:],
        "numbers": tuple(range(len(texts)))[-8:],
        "threshold": 1.0,
        "max_iterations": 9,
    }
    return Trajectory(**(fields | settings))


def after_critique(*texts: str, **settings: Any) -> Trajectory:
    return replace(
        after_revision(texts[0], *texts), event="critique", texts=texts, numbers=tuple(range(len(texts))), **settings
    )


def reason(trajectory: Trajectory, rule: Rule = STATIC_RULE) -> str | None:
    decision = decide(trajectory, rule)
    return decision and decision.stop_reason


def test_trap_14_only_neighbouring_versions_are_compared() -> None:
    far_from_the_draft = after_revision(version(0), version(60), version(59), threshold=0.98)
    assert similarity(far_from_the_draft.texts[0], far_from_the_draft.texts[-1]) < 0.5
    assert reason(far_from_the_draft) == "converged"
    near_the_draft = after_revision(version(0), version(30), version(5, "x"), threshold=0.9)
    assert similarity(near_the_draft.texts[0], near_the_draft.texts[-1]) >= 0.9
    assert decide(near_the_draft) is None


def test_trap_15_reaching_the_maximum_is_not_convergence_and_its_answer_can_be_fetched() -> None:
    last = after_revision(version(30), version(1), version(0), iteration=2, max_iterations=2)
    assert last.similarity == 0.99
    assert decide(last) == Decision(
        stop_reason="max_iterations",
        answer=2,
        why="The maximum of 2 iterations was reached; the similarity between versions 1 and 2 was 0.99.",
    )


@given(st.lists(st.integers(min_value=0, max_value=100), min_size=2, max_size=5))
def test_trap_16_every_similarity_that_is_told_was_measured(shares: list[int]) -> None:
    texts = [version(changed) for changed in shares]
    measured = round(Indel.normalized_similarity(texts[-2].split(), texts[-1].split()), 6)
    for unmeasured in (None, after_revision(*texts).similarity):
        decision = decide(after_revision(*texts, similarity=unmeasured, max_iterations=1), maximum)
        assert decision is not None
        assert decision.why.endswith(f" was {measured:g}.")
        assert (reason(after_revision(*texts, similarity=unmeasured), fixed_point) is not None) == (measured == 1.0)


def test_a_satisfied_critic_ends_the_loop_with_the_version_it_read() -> None:
    assert decide(after_critique(version(0), version(9), satisfied=True, iteration=2)) == Decision(
        stop_reason="critic_satisfied", answer=1, why="The critic of iteration 2 was satisfied with version 1."
    )
    assert decide(after_critique(version(0), satisfied=False)) is None


def test_a_satisfied_critic_of_a_slot_with_a_guarded_revision_read_the_version_before_it() -> None:
    seen = after_critique(version(0), version(9), "", satisfied=True, guard=EMPTY)
    decision = decide(seen)
    assert decision is not None
    assert decision.answer == 1


def test_a_guarded_revision_hands_back_the_version_before_it() -> None:
    texts = (version(0), version(9), " ")
    seen = guard(texts[-1], good=texts[-2], earlier=texts[:-1])
    assert decide(after_revision(*texts, guard=seen)) == Decision(
        stop_reason="guard",
        answer=1,
        why="Version 2 looks empty (0 words where the version before has 100; below 4 it counts as empty); "
        "version 1 stands.",
    )


def test_equal_words_are_a_fixed_point() -> None:
    assert decide(after_revision(version(5), version(0), f"{version(0)}\n")) == Decision(
        stop_reason="converged", answer=2, why="Version 2 has the same words as version 1 (similarity 1.0)."
    )
    assert decide(after_revision(version(5), version(1), version(0))) is None


def test_patience_2_waits_for_two_still_revisions_in_a_row() -> None:
    once, twice = (version(0), version(5), version(5)), (version(0), version(5), version(5), version(5))
    assert decide(after_revision(*once, patience=2)) is None
    assert decide(after_revision(version(5), version(5), patience=2)) is None
    decision = decide(after_revision(*twice, patience=2))
    assert decision is not None
    assert decision.stop_reason == "converged"
    assert decision.why.endswith(", 2 times in a row.")
    assert decide(after_revision(version(9), version(4), version(3), patience=2, threshold=0.97)) is None
    assert reason(after_revision(version(5), version(4), version(3), patience=2, threshold=0.97)) == "converged"


def test_a_cycle_hands_back_the_earlier_of_the_two() -> None:
    texts = (version(60), version(0), version(20, "x"), version(40, "y"), version(1))
    assert decide(after_revision(*texts)) == Decision(
        stop_reason="cycle",
        answer=1,
        why="Version 4 went back to version 1: similarity 0.99, but 0.6 to the one before it.",
    )


def test_a_threshold_below_1_converges_from_there_on() -> None:
    assert decide(after_revision(version(9), version(2), version(0), threshold=0.98)) == Decision(
        stop_reason="converged",
        answer=2,
        why="The similarity 0.98 between versions 1 and 2 reaches the threshold of 0.98.",
    )
    assert decide(after_revision(version(9), version(3), version(0), threshold=0.98)) is None
    assert reason(after_revision(version(9), version(8), version(0), threshold=0)) == "converged"


def test_a_guarded_neighbour_that_was_left_out_is_not_what_the_next_version_is_compared_with() -> None:
    after_it = {"numbers": (0, 1, 3), "iteration": 3, "similarity": 0.0}
    assert reason(after_revision(version(9), version(0), version(0), **after_it)) == "converged"
    assert reason(after_revision(version(9), version(0), version(1), threshold=0.98, **after_it)) == "converged"
    like_the_guarded_one = after_it | {"similarity": 1.0}
    assert decide(after_revision(version(9), version(0), version(50), **like_the_guarded_one)) is None


def test_after_a_critique_only_the_verdict_speaks() -> None:
    over = after_critique(version(0), version(0), iteration=9, guard=EMPTY, threshold=0.5)
    for rule in (guarded, fixed_point, cycle, threshold, maximum, STATIC_RULE):
        assert decide(over, rule) is None
    assert reason(replace(over, satisfied=True)) == "critic_satisfied"


def test_after_a_revision_an_old_verdict_does_not_speak() -> None:
    assert decide(after_revision(version(0), version(9), satisfied=True)) is None
    assert decide(after_revision(version(0), version(9), satisfied=True), verdict) is None


@pytest.mark.parametrize(
    ("texts", "settings", "expected"),
    [
        ((version(9), version(9)), {"guard": EMPTY}, "guard"),
        ((version(9), version(9)), {}, "converged"),
        ((version(9), version(0), version(40), version(9)), {"threshold": 0.5}, "cycle"),
        ((version(9), version(0)), {"threshold": 0.9}, "converged"),
        ((version(9), version(0)), {"threshold": 0.92}, "max_iterations"),
        ((version(9), version(9)), {"patience": 2}, "max_iterations"),
    ],
)
def test_a_better_reason_than_the_maximum_wins(texts: tuple[str, ...], settings: dict[str, Any], expected: str) -> None:
    assert reason(after_revision(*texts, max_iterations=1, **settings)) == expected


def test_at_the_maximum_a_guarded_version_is_not_handed_back_by_a_rule_without_guard() -> None:
    decision = decide(after_revision(version(9), version(0), "", guard=EMPTY, max_iterations=2), maximum)
    assert decision is not None
    assert decision.answer == 1


def test_rules_join_with_or_and_and() -> None:
    near = after_revision(version(9), version(0), threshold=0.9, max_iterations=1)
    early = replace(near, max_iterations=5)
    assert reason(near, maximum | threshold) == "max_iterations"
    assert reason(near, threshold & maximum) == "converged"
    assert decide(early, threshold & maximum) is None
    assert decide(early, maximum & threshold) is None
    assert reason(early, maximum | threshold) == "converged"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"threshold": 1.5}, "1.5"),
        ({"threshold": -0.1}, "-0.1"),
        ({"threshold": float("nan")}, "nan"),
        ({"max_iterations": 0}, "not 0"),
        ({"patience": 0}, "not at 0"),
        ({"patience": 8}, "not at 8"),
        ({"iteration": 0}, "not 0"),
        ({"similarity": 1.01}, "1.01"),
        ({"numbers": (0, 0)}, r"\(0, 0\)"),
        ({"numbers": (-1, 0)}, r"\(-1, 0\)"),
        ({"numbers": (0,)}, "not 2 and 1"),
        ({"texts": (), "numbers": ()}, "not 0 and 0"),
        ({"texts": ("a",) * 9, "numbers": tuple(range(9))}, "not 9 and 9"),
        ({"texts": ("a",), "numbers": (0,)}, "only one text"),
    ],
)
def test_what_no_loop_can_follow_is_refused_with_the_value(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        after_revision(version(0), version(9), **settings)
