"""What the two measures of likeness promise, as properties over any text and as the changes people care about."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.similarity import overlap, similarity, words, words_similarity

TEXT = st.text(max_size=200)
WORDS = st.lists(st.from_regex(r"[a-z]{1,8}|[0-9]{1,3}", fullmatch=True), min_size=1, max_size=40)
SPACES = st.lists(st.sampled_from([" ", "\n", "\t", "  ", " \r\n\n", "\u3000"]), min_size=40, max_size=40)
LETTER = (
    "The warehouse in Leeds will close on 14 March. Orders placed before noon are shipped the same day. "
    "Customers who pay by invoice are not affected, and their contracts run on unchanged."
)


@given(TEXT, TEXT)
def test_similarity_is_symmetric_and_lies_between_0_and_1(one: str, other: str) -> None:
    measured = similarity(one, other)
    assert measured == similarity(other, one)
    assert 0 <= measured <= 1


@given(TEXT, TEXT)
def test_overlap_is_symmetric_and_lies_between_0_and_1(one: str, other: str) -> None:
    measured = overlap(one, other)
    assert measured == overlap(other, one)
    assert 0 <= measured <= 1


@given(TEXT)
def test_a_text_is_wholly_similar_to_itself(text: str) -> None:
    assert similarity(text, text) == 1.0
    assert overlap(text, text) == 1.0


@given(TEXT, TEXT)
def test_only_equal_words_are_wholly_similar(one: str, other: str) -> None:
    assert (similarity(one, other) == 1.0) == (words(one) == words(other))


@given(WORDS, SPACES, SPACES)
def test_white_space_alone_makes_no_difference(tokens: list[str], first: list[str], second: list[str]) -> None:
    one = "".join(token + space for token, space in zip(tokens, first, strict=False))
    other = "".join(space + token for token, space in zip(tokens, second, strict=False))
    assert similarity(one, other) == 1.0
    assert overlap(one, other) == 1.0


@given(st.integers(min_value=1, max_value=40).flatmap(lambda size: st.permutations(range(size))))
def test_similarity_falls_by_the_share_of_changed_words(order: list[int]) -> None:
    version = [f"word{place}" for place in order]
    original = " ".join(version)
    for changed, place in enumerate(order, start=1):
        version[place] = f"other{place}"
        assert similarity(original, " ".join(version)) == round(1 - changed / len(order), 6)


@given(st.integers(min_value=2, max_value=30), st.randoms(use_true_random=False))
def test_overlap_does_not_see_where_a_word_stands(size: int, random: Random) -> None:
    tokens = [f"word{place}" for place in range(size)]
    moved = random.sample(tokens, size)
    assert overlap(" ".join(tokens), " ".join(moved)) == 1.0


@pytest.mark.parametrize(
    ("old", "new", "most"),
    [
        ("are not affected", "are affected", 0.99),
        ("14 March", "15 March", 0.98),
        ("noon", "midnight", 0.98),
        ("unchanged.", "unchanged!", 0.98),
    ],
    ids=["a negation", "a digit", "a word", "a punctuation mark"],
)
def test_a_small_change_with_a_large_meaning_is_seen(old: str, new: str, most: float) -> None:
    changed = LETTER.replace(old, new)
    assert changed != LETTER
    assert 0.9 < similarity(LETTER, changed) < most


def test_swapped_sentences_are_seen_by_one_channel_and_known_as_moved_by_the_other() -> None:
    first, second, third = LETTER.split(". ")
    moved = f"{second}. {third[:-1]}. {first}."
    assert similarity(LETTER, moved) < 0.8
    assert overlap(LETTER, moved) > 0.98


def test_letters_in_upper_case_count_as_the_same_words() -> None:
    assert similarity(LETTER, LETTER.upper()) == 1.0


def test_an_empty_text_is_like_an_empty_one_only() -> None:
    assert similarity("", " \n") == overlap("", " \n") == 1.0
    assert similarity("", "a") == overlap("", "a") == 0.0


def test_one_word_in_millions_is_not_rounded_away() -> None:
    many = ("same",) * 3_000_000
    assert words_similarity(many, (*many[:-1], "other")) == 0.999999


def test_a_cutoff_changes_no_number_above_it_and_hides_those_below() -> None:
    one, other = words(LETTER), words(LETTER.replace("noon", "midnight"))
    measured = words_similarity(one, other)
    assert words_similarity(one, other, at_least=measured - 0.001) == measured
    assert words_similarity(one, other, at_least=measured + 0.001) == 0.0


def test_a_cutoff_is_held_against_the_rounded_number() -> None:
    assert words_similarity(("a", "b", "c"), ("a", "b", "x"), at_least=0.666667) == 0.666667
    assert words_similarity(("a", "b", "c"), ("a", "b", "x"), at_least=0.6666671) == 0.0


def test_overlap_counts_how_often_a_word_stands() -> None:
    assert overlap("alpha alpha alpha beta", "alpha beta beta beta") < 0.7


def test_any_script_and_any_sign_is_cut_without_loss() -> None:
    assert words("Naïve {braces} «цена»: 5€, 你好!") == (
        *("naïve", "{", "braces", "}", "«", "цена", "»", ":", "5", "€", ",", "你好", "!"),
    )
    assert similarity("仓库于三月关闭。订单照常。", "仓库于三月关闭。订单停止。") == 0.75
