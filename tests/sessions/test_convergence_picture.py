"""The picture of a convergence: well-formed, safe, readable by eyes and screen readers, and true to its numbers."""

import re
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from sessions.convergence_picture import STYLE, convergence_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\" ' & ]]> \x00\x1b\ud800\uffff \u202e {braces}"


def body(similarities: list[float], **more: Any) -> dict[str, Any]:
    """Make a body of convergence_analysis."""
    pairs = [{"revision_pair": [number, number + 1], "similarity": value} for number, value in enumerate(similarities)]
    made: dict[str, Any] = {
        "session_id": "an-id",
        "companion_type": "generic",
        "slot": 0,
        "query": "When?",
        "iterations": len(pairs),
        "similarities": pairs,
        "converged": False,
        "threshold": 0.95,
        "threshold_source": "learned",
        "stop_reason": None,
        "why": None,
        "answer_version": len(pairs),
        "picked": False,
        "pick": None,
        "next_offset": None,
    }
    return made | more


def drawn(told: dict[str, Any]) -> Element:
    """Read the picture as XML."""
    return fromstring(convergence_svg(told))  # noqa: S314 (our own picture)


def words(picture: Element) -> str:
    """Give all that stands in a picture as text."""
    return " ".join(each.text or "" for each in picture.iter() if each.tag != f"{SVG}style")


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 5_000])
def test_any_number_of_revisions_is_drawn_within_its_bounds(count: int) -> None:
    similarities = [0.5 + (number * 37 % 50) / 100 for number in range(count)]
    text = convergence_svg(body(similarities))
    assert len(text.encode()) <= 64_000
    picture = fromstring(text)  # noqa: S314 (our own picture)
    for point in picture.iter(f"{SVG}circle"):
        assert 0 <= float(point.attrib["cx"]) <= 640
        assert 0 <= float(point.attrib["cy"]) <= 320
    assert "Not ended" in words(picture)
    assert ("No revision yet" in words(picture)) == (count == 0)


def test_every_revision_says_its_similarity_as_it_was_measured() -> None:
    told = words(drawn(body([0.25, 0.8125, 1.0])))
    for version, similarity in ((1, "0.250"), (2, "0.812"), (3, "1.000")):
        assert f"Revision {version}: similarity {similarity} to version {version - 1}" in told


def test_it_says_how_the_loop_ended_and_whose_threshold_was_in_force() -> None:
    told = words(drawn(body([0.4, 0.96], stop_reason="max_iterations", why="Two was the most.", picked=True)))
    assert "Max iterations" in told
    assert "Two was the most." in told
    assert "threshold 0.95 (learned)" in told
    assert "picked" in told


def test_guarded_revisions_are_crosses_and_the_picked_version_is_marked() -> None:
    made = body([0.4, 0.1, 0.9], answer_version=1, picked=True)
    made["similarities"][1]["guard"] = "unrelated"
    picture = drawn(made)
    crosses = [each for each in picture.iter(f"{SVG}path") if each.get("class") == "guarded"]
    assert [words(cross).strip() for cross in crosses] == [
        "Revision 2: similarity 0.100 to version 1; kept, but not taken (unrelated)"
    ]
    (mark,) = [each for each in picture.iter(f"{SVG}path") if each.get("class") == "answer"]
    first = next(picture.iter(f"{SVG}circle"))
    assert mark.attrib["d"].startswith(f"M{first.attrib['cx']} ")


def test_of_many_revisions_the_extremes_are_drawn_and_the_picture_says_so() -> None:
    similarities = [0.9] * 5_000
    similarities[1_234], similarities[4_321] = 0.51, 0.999
    told = words(drawn(body(similarities, answer_version=77)))
    assert "of 5,000 drawn: the extremes of each stretch." in told
    for version, similarity in ((1_235, "0.510"), (4_322, "0.999"), (77, "0.900"), (1, "0.900"), (5_000, "0.900")):
        assert f"Revision {version:,}: similarity {similarity}" in told


def test_a_page_of_a_longer_run_says_what_is_missing() -> None:
    made = body([0.9] * 3, next_offset=400)
    for number, pair in enumerate(made["similarities"]):
        pair["revision_pair"] = [100 + number, 101 + number]
    told = words(drawn(made))
    assert "Earlier ones than revision 101 are left out." in told
    assert "Later ones are left out." in told


def test_hostile_texts_stay_text() -> None:
    made = body([0.9], query=HOSTILE, why=HOSTILE, stop_reason=HOSTILE, threshold_source=HOSTILE)
    made["similarities"][0]["guard"] = HOSTILE
    picture = drawn(made)
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "path",
        "text",
        "polyline",
        "circle",
    }
    assert "<script>alert(1)</script>" in words(picture)


def test_nothing_is_fetched_and_screen_readers_are_told_all() -> None:
    text = convergence_svg(body([0.4, 0.96], stop_reason="converged", picked=True))
    assert re.findall(r"(?:href|src|url\(|@import|http)[^ ]*", text.replace("http://www.w3.org/2000/svg", "")) == []
    picture = fromstring(text)  # noqa: S314 (our own picture)
    assert picture.get("role") == "img"
    named = {each.get("id"): each.text or "" for each in picture if each.get("id")}
    assert "When?" in named[picture.attrib["aria-labelledby"]]
    assert named[picture.attrib["aria-describedby"]] == (
        "Converged. Revisions 1 to 2: similarity to the version before 0.960 at last, 0.400 at least, "
        "0.960 at most. Threshold 0.95 (learned). Version 2 was picked as the answer."
    )
    assert "prefers-color-scheme:dark" in STYLE
