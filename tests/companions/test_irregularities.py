"""What is out of the ordinary in a slot is read from what its versions recorded, and from nothing else."""

from typing import Any

from companions.companion import Slot
from companions.entries import Entry
from companions.irregularities import anomaly, irregularities


def entry(kind: Any, index: int, seq: int, **meta: Any) -> Entry:
    return Entry(
        companion_type="generic", kind=kind, slot=0, index=index, text="", meta=meta, seq=seq, id="", author="", at=0.0
    )


def slot(*versions: dict[str, Any], pick: dict[str, Any] | None = None) -> Slot:
    """A slot whose draft and revisions recorded this; each revision answers the version before it."""
    made = Slot(0, entry("query", 0, 1))
    draft, *revisions = versions
    made.apply(entry("draft", 0, 2, **draft))
    for index, meta in enumerate(revisions):
        made.apply(entry("critique", index, 2 * index + 3))
        made.apply(entry("revision", index, 2 * index + 4, **{"based_on": index} | meta))
    if pick is not None:
        made.hear(entry("pick", 0, 99, **pick))
    return made


def test_nothing_is_out_of_the_ordinary_where_nothing_was_recorded() -> None:
    assert irregularities(Slot(0, entry("query", 0, 1))) == ()
    assert irregularities(slot({})) == ()
    assert irregularities(slot({}, {"similarity": 0.9}, {"similarity": 1.0})) == ()


def test_a_guarded_version_is_told_until_another_stands_in_its_place() -> None:
    assert irregularities(slot({}, {"guard": "truncated"})) == ("version 1 looks truncated",)
    assert irregularities(slot({}, {"guard": "truncated"}, {"based_on": 0})) == ()


def test_a_version_that_went_back_names_the_earlier_one() -> None:
    assert irregularities(slot({}, {}, {"back_to": 0})) == ("version 2 went back to version 0",)


def test_three_equal_versions_in_a_row_are_stuck() -> None:
    assert irregularities(slot({}, {"similarity": 1.0}, {"similarity": 1.0})) == (
        "versions 0 to 2 have the same words",
    )
    assert irregularities(slot({}, {"similarity": 1.0}, {"similarity": 0.999999})) == ()


def test_a_lower_score_is_a_step_back() -> None:
    assert irregularities(slot({}, {"score": 0.5}, {"score": 0.25})) == (
        "version 2 has a score of 0.25 where version 1 has 0.5",
    )
    assert irregularities(slot({}, {"score": 0.5}, {"score": 0.5})) == ()
    assert irregularities(slot({}, {"score": 0.5}, {})) == ()


def test_a_version_is_compared_with_the_one_that_it_was_written_from_and_not_with_a_guarded_neighbour() -> None:
    failing = [{"check": "must_contain", "why": "no Summary"}]
    good: dict[str, Any] = {"score": 0.9, "checks": []}
    faulty: dict[str, Any] = {"score": 0.1, "checks": failing * 2, "guard": "empty"}

    assert irregularities(slot({}, good, faulty, {"score": 0.5, "based_on": 1})) == (
        "version 3 has a score of 0.5 where version 1 has 0.9",
    )
    assert irregularities(slot({}, good, faulty, {"checks": failing, "based_on": 1})) == (
        "version 3 fails 1 of its checks where version 1 fails 0",
    )
    assert irregularities(slot({}, {"score": 0.5}, faulty | {"score": 0.9}, {"score": 0.6, "based_on": 1})) == ()


def test_more_failing_checks_are_a_step_back() -> None:
    failing = [{"check": "must_contain", "why": "no Summary"}]

    assert irregularities(slot({"checks": []}, {"checks": failing})) == (
        "version 1 fails 1 of its checks where version 0 fails 0",
    )
    assert irregularities(slot({"checks": failing}, {"checks": failing})) == ()


def test_a_version_that_lost_a_comparison_is_a_step_back() -> None:
    lost = slot({}, {}, {}, pick={"version": 1, "candidates": [1, 2]})

    assert irregularities(lost) == ("version 1 was picked over version 2",)
    assert irregularities(slot({}, {}, {}, pick={"version": 2, "candidates": [1, 2]})) == ()


def test_what_is_strange_about_a_version_has_one_name_the_gravest() -> None:
    assert anomaly(guard="empty", back_to=0, similarities=(1.0, 1.0)) == "empty"
    assert anomaly(guard=None, back_to=0, similarities=(1.0, 1.0)) == "oscillation"
    assert anomaly(guard=None, back_to=None, similarities=(0.5, 1.0, 1.0)) == "stuck"
    for similarities in ((), (1.0,), (1.0, 0.999999), (None, 1.0), (1.0, 1.0, 0.5)):
        assert anomaly(guard=None, back_to=None, similarities=similarities) is None
