import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.word_diff import Piece, marked, word_diff


def told(before: str, after: str) -> str:
    return marked(word_diff(before, after))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("It is very very quick.", "It is very quick.", "It is very [-very-] quick."),
        ("alot of rain", "a lot of rain", "[-alot-] {+a lot+} of rain"),
        ("one", "one two", "one {+two+}"),
        ("{0} %s [x]", "{1} %s [x]", "[-{0}-] {+{1}+} %s [x]"),
        ("\u4f60\u597d\u4e16\u754c", "\u4f60\u597d\u5929\u4e0b", "\u4f60\u597d[-\u4e16\u754c-] {+\u5929\u4e0b+}"),
        ("a b\n", "a  b\n", "a  b\n"),
        ("", "new", "{+new+}"),
    ],
)
def test_a_word_that_changed_is_marked_and_no_other(before: str, after: str, shown: str) -> None:
    assert told(before, after) == shown


def test_lines_that_did_not_change_are_only_counted() -> None:
    lines = [f"line {number}\n" for number in range(40)]
    assert (
        told("".join(lines), "".join([*lines[:-1], "the end\n"])) == "(39 lines unchanged)\n[-line 39-] {+the end+}\n"
    )


@given(before=st.text(), after=st.text())
def test_both_versions_can_be_read_out_of_a_comparison(before: str, after: str) -> None:
    pieces = [piece for piece in word_diff(before, after) if piece.change != "left out"]
    if len(pieces) == len(word_diff(before, after)):
        assert words(pieces, "removed") == before.split()
        assert words(pieces, "added") == after.split()


def words(pieces: list[Piece], side: str) -> list[str]:
    return " ".join(piece.text for piece in pieces if piece.change in ("same", side)).split()


def test_a_rewriting_of_200_kilobytes_is_compared() -> None:
    before = " ".join(str(number % 997) for number in range(50_000))
    pieces = word_diff(before, before.replace("996", "none"))
    assert sum(piece.change == "added" for piece in pieces) > 0
