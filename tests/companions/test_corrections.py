import pytest

from companions.corrections import Finding, revised, settled


@pytest.mark.parametrize(
    ("before", "words", "replacement", "mended"),
    [
        ("a ", "huge tool", "useful tool", "a useful tool"),
        ("a ", "long hour", "hour", "an hour"),
        ("a ", "big MRI", "MRI", "an MRI"),
        ("an ", "old UNO card", "UNO card", "a UNO card"),
        ("an ", "old one", "one", "a one"),
        ("a ", "shy \u00e9migr\u00e9", "\u00e9migr\u00e9", "an \u00e9migr\u00e9"),
        ("A\n", "big end", "end", "An\nend"),
        ("pizza ", "big end", "end", "pizza end"),
        ("vitamin-a ", "big end", "end", "vitamin-a end"),
        ("a, ", "big end", "end", "a, end"),
    ],
)
def test_an_article_follows_the_sound_of_the_new_words(before: str, words: str, replacement: str, mended: str) -> None:
    text = before + words
    one = Finding(family="spelling", start=len(before), end=len(text), words=words, replacement=replacement)
    assert revised(text, [one]) == mended


def test_a_span_is_trimmed_and_one_without_words_or_change_is_no_finding() -> None:
    found = Finding.at("\nalot \n", "spelling", -1, 6, "a lot")
    assert found == Finding(family="spelling", start=1, end=5, words="alot", replacement="a lot")
    assert Finding.at("a  b", "spelling", 1, 3, None) is None
    assert Finding.at("Monday", "misc.capitalization.days", 0, 6, "Monday") is None


def test_what_can_be_applied_wins_over_a_longer_remark() -> None:
    text = "very final outcome"
    remark = Finding(family="hedging", start=0, end=18, words=text)
    fix = Finding(family="redundancy", start=5, end=18, words="final outcome", replacement="outcome")
    assert settled(text, [remark, fix, fix]) == [fix]


def test_the_words_around_a_replacement_stay_byte_for_byte() -> None:
    text = "{a}\r\n\x00 alot \ud800%s"
    fix = Finding(family="spelling", start=7, end=11, words="alot", replacement="a lot")
    assert revised(text, [fix]) == "{a}\r\n\x00 a lot \ud800%s"
