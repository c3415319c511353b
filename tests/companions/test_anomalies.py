"""Each kind of revision that is none, the honest revisions beside it, and the way back to an earlier version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.anomalies import Guard, guard, repeats
from companions.similarity import overlap, similarity, words
from tests.companions.revised_texts import ARTICLE, CODE, PIZZA, RECIPE, REFUSAL, REPAIR


def kind_of(text: str, good: str = ARTICLE, *earlier: str) -> str | None:
    found = guard(text, good=good, earlier=(*earlier, good))
    return found and found.kind


@pytest.mark.parametrize("text", ["", " \n\t", "N/A", "Done.", "..."])
def test_nothing_where_there_was_something_is_empty(text: str) -> None:
    assert kind_of(text) == "empty"


def test_white_space_is_empty_even_after_one_word() -> None:
    assert kind_of(" ", "Yes.") == "empty"


def test_a_short_answer_may_stay_short() -> None:
    assert kind_of("43", "42") is None
    assert kind_of("Leeds", "It is York.") is None


def test_a_sentence_without_spaces_is_not_taken_for_nothing() -> None:
    old = "三月,仓库关闭。订单,照常处理。客户,不受影响。合同,继续有效。"
    assert len(words(old)) >= 8
    assert kind_of("仓库将于三月关闭而订单客户以及合同均不受影响", old) != "empty"


@pytest.mark.parametrize("text", [RECIPE, REFUSAL, f"{RECIPE}\n\n{RECIPE[:150]}"])
def test_another_subject_or_a_refusal_is_unrelated(text: str) -> None:
    assert kind_of(text) == "unrelated"


def test_everyday_words_alone_do_not_make_two_texts_related() -> None:
    assert 0.5 < overlap(PIZZA, REPAIR) < 0.55
    assert kind_of(REPAIR, PIZZA) == "unrelated"


def test_notes_may_be_written_out() -> None:
    notes = "Thin pizza, friendly staff who know us, cheap red wine; but the music is too loud to talk."
    assert similarity(notes, PIZZA) < 0.25
    assert overlap(notes, PIZZA) < 0.55
    assert kind_of(PIZZA, notes) is None


def test_what_belongs_to_any_earlier_version_is_not_unrelated() -> None:
    assert kind_of(ARTICLE, RECIPE) == "unrelated"
    assert kind_of(ARTICLE, RECIPE, "A word on the way.", ARTICLE.replace("silt", "mud")) is None


def test_too_few_words_are_not_called_unrelated() -> None:
    assert kind_of("Edinburgh lies north of it", "Paris is the capital of France") is None


@pytest.mark.parametrize("end", ["silt down", "main shaft", "hired a smaller", "a third of", "three days"])
def test_a_text_that_breaks_off_is_truncated(end: str) -> None:
    assert kind_of(ARTICLE[: ARTICLE.index(end) + len(end)]) == "truncated"


def test_a_rewritten_text_that_breaks_off_is_truncated_too() -> None:
    assert kind_of(ARTICLE[: ARTICLE.index(" a third")].replace("Fishermen say", "Skippers report")) == "truncated"


def test_a_fragment_is_truncated_even_if_its_sentence_is_whole() -> None:
    assert guard(ARTICLE[:120], good=ARTICLE, earlier=()) == Guard(
        kind="truncated",
        why="23 words where the version before has 134, 23 of them the same; below 30% it counts as truncated",
    )


def test_code_that_breaks_off_within_a_line_is_truncated() -> None:
    assert kind_of(CODE[: CODE.index("len(ordered) % 2")], CODE) == "truncated"


def test_a_fence_left_open_is_a_sign_of_truncation() -> None:
    listing = f"Here is the whole program\n\n```python\n{CODE}```\n\nThat is all there is to it"
    cut = listing[: listing.index("    return (ordered")]
    assert guard(cut, good=listing, earlier=()) == Guard(
        kind="truncated",
        why="46 words where the version before has 85, with a bracket or fence left open; below 80% it counts as "
        "truncated",
    )
    assert kind_of(f"{cut}```\n", listing) is None


def test_a_bracket_left_open_is_a_sign_of_truncation_and_one_only_closed_is_not() -> None:
    calls = "total = add(\n    price,\n    tax,\n    shipping,\n    discount,\n)\nprint(total)\nsave(total)"
    cut = calls[: calls.index("    shipping")]
    assert kind_of(cut, calls) == "truncated"
    assert kind_of(f"{cut}))\nprint(total)", calls) is None


@pytest.mark.parametrize(
    "end", ["if", "    total =", "    for price in prices:", "    total = add(a,", "    return a +"]
)
def test_a_text_that_ends_where_more_must_follow_is_truncated(end: str) -> None:
    calls = "\n".join(f"call_{place}({place})" for place in range(20))
    cut = "\n".join([*calls.splitlines()[:9], end])
    assert kind_of(cut, calls) == (None if end == "if" else "truncated")
    assert kind_of(cut, f"{calls}\nsum(") != "truncated"


def test_code_may_lose_its_examples_and_prose_its_listing_but_not_prose_its_paragraphs() -> None:
    examples = "\n".join(f"assert median([{place}, 2, 9]) == {max(2, place)}" for place in range(2, 9))
    assert kind_of(CODE, f"{CODE}\n{examples}\n{examples}\n{examples}") is None
    assert (
        kind_of(CODE.strip(), f"{CODE}\nThis gives the middle of the values, for odd and even numbers of them.") is None
    )
    first, second = "It was dredged in March", ARTICLE
    assert kind_of(first, f"{first}\n{second}") == "truncated"


def test_a_tightened_text_with_a_proper_end_is_not_truncated() -> None:
    first, second = ARTICLE.split("\n\n")
    assert kind_of(f"{first}\n\n{second.split('. ')[0]}.") is None
    assert kind_of(CODE.replace("\nprint(median([3, 1, 2]))\n", ""), CODE) is None


@pytest.mark.parametrize("text", ["\n\n".join([ARTICLE] * 3), ARTICLE + "\nNormal working \udc80." * 60])
def test_saying_the_same_over_and_over_is_a_runaway(text: str) -> None:
    found = guard(text, good=ARTICLE, earlier=())
    assert found is not None
    assert found.kind == "runaway"
    assert "repeating itself: it compresses to" in found.why


def test_sheer_length_is_a_runaway_only_after_a_text_of_some_length() -> None:
    many = " ".join(f"{place * 7919:x}" for place in range(450))
    assert kind_of(f"{ARTICLE} {many}") == "runaway"
    assert kind_of(ARTICLE, ARTICLE[:130]) is None


def test_the_clause_says_what_was_measured_and_where_the_border_is() -> None:
    cut = ARTICLE[: ARTICLE.index(" high tide")]
    assert guard(cut, good=ARTICLE, earlier=()) == Guard(
        kind="truncated",
        why="52 words where the version before has 134, ending in mid-sentence; below 80% it counts as truncated",
    )
    assert guard("Done", good=ARTICLE, earlier=()) == Guard(
        kind="empty", why="1 word where the version before has 134; below 4 it counts as empty"
    )
    found = guard("\n\n".join([ARTICLE] * 4), good=ARTICLE, earlier=())
    assert found is not None
    assert found.why.startswith("536 words where the version before has 134, repeating itself: it compresses to ")
    assert found.why.endswith("; below 30.0% it counts as a runaway")
    many = " ".join(f"{place * 7919:x}" for place in range(537))
    assert guard(many, good=ARTICLE, earlier=()) == Guard(
        kind="runaway", why="537 words where the version before has 134; above 536 it counts as a runaway"
    )


@pytest.mark.parametrize(
    ("good", "text", "border"),
    [(ARTICLE, RECIPE, "0.4"), (RECIPE, CODE, "0.3"), (PIZZA, REPAIR, "0.55 and 0.25")],
    ids=["much shorter", "foreign", "in another order"],
)
def test_the_border_of_an_unrelated_text_is_the_one_that_it_crossed(good: str, text: str, border: str) -> None:
    seen = f"an overlap of {overlap(good, text):.3f}"
    if " and " in border:
        seen += f" and a similarity of {similarity(good, text):.3f}"
    assert guard(text, good=good, earlier=()) == Guard(
        kind="unrelated",
        why=f"{seen} with the nearest version before it; below {border} it counts as unrelated",
    )


@pytest.mark.parametrize(
    "text",
    [
        ARTICLE,
        "\n".join(ARTICLE.split()),
        ARTICLE.replace("not be clear", "be clear"),
        "\n\n".join(reversed(ARTICLE.split("\n\n"))),
        f"{ARTICLE} Visitors can follow the work from the east pier, where a board shows the depth each morning.",
        f"{RECIPE}\n\n{ARTICLE}",
        ARTICLE[: ARTICLE.index(" from 20 June.")],
    ],
    ids=["the same", "other lines", "a negation", "swapped paragraphs", "an addition", "a preface", "a lost end"],
)
def test_an_honest_revision_is_let_through(text: str) -> None:
    assert kind_of(text) is None


@given(st.text(max_size=120), st.text(max_size=120))
def test_any_text_is_judged_without_an_error(text: str, good: str) -> None:
    kind_of(text, good)


def test_half_a_surrogate_and_200_kilobytes_are_judged() -> None:
    large = f"{ARTICLE} \ud83d {{0}} %s\n" * 330
    assert len(large) > 200_000
    assert kind_of(large + "An end.", large) is None
    assert kind_of(large[: len(large) // 2 + 300], large) == "truncated"


def test_a_measured_similarity_saves_the_measuring_of_a_near_version() -> None:
    assert guard(RECIPE, good=ARTICLE, earlier=(), to_good=0.7) is None
    assert guard(RECIPE, good=ARTICLE, earlier=(), to_good=similarity(ARTICLE, RECIPE)) is not None


def test_an_unknown_kind_of_guard_is_refused() -> None:
    with pytest.raises(ValueError, match="late"):
        Guard(kind="late", why="")  # pyright: ignore[reportArgumentType] - the refusal is what is tested


def test_going_back_is_seen_with_equal_words_and_with_nearly_equal_ones() -> None:
    other = (
        ARTICLE.replace("dredger", "ship").replace("council", "town").replace("Hull", "Goole").replace("June", "May")
    )
    near = ARTICLE.replace("Fishermen", "Skippers")
    assert repeats(f" {ARTICLE}\n", [ARTICLE, other]) == 0
    assert repeats(near, [RECIPE, ARTICLE, other]) == 1
    assert repeats(ARTICLE, [near, ARTICLE, other]) == 1


def test_standing_still_and_going_on_are_not_going_back() -> None:
    steps = [ARTICLE]
    for word in ("dredged", "carries", "hired", "usual", "expects"):
        steps.append(steps[-1].replace(word, word.upper() + "x"))
    assert repeats(steps[-1], steps[:-1]) is None
    assert repeats(ARTICLE, [ARTICLE, ARTICLE]) is None
    assert repeats(ARTICLE, [ARTICLE, ARTICLE], to_last=1.0) is None
    assert repeats(ARTICLE, [ARTICLE]) is None
    assert repeats(ARTICLE, []) is None


def test_nearly_equal_must_be_clearly_nearer_than_the_last() -> None:
    tokens = [f"word{place}" for place in range(150)]
    first, new = " ".join(tokens), " ".join(["new", *tokens[1:]])
    assert repeats(new, [first, " ".join(["other"] * 3 + tokens[3:])]) is None
    assert repeats(new, [first, " ".join(["other"] * 4 + tokens[4:])]) == 0
    assert repeats(" ".join(["new"] * 2 + tokens[2:]), [first, " ".join(["other"] * 5 + tokens[5:])]) == 0
    assert repeats(new, [" ".join(["far"] * 4 + tokens[4:]), RECIPE]) is None
