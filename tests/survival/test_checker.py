"""The checker sees every kind of damage: whole records pass, and one altered entry is one finding."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from companions.entries import Kind
from tests.survival.checker import Findings, Step, check, check_seen, check_shown

SESSION, OTHER = "one", "two"
PLACES: tuple[tuple[str, Kind, int, int], ...] = (
    ("generic", "configure", 0, 0),
    ("generic", "query", 0, 0),
    ("generic", "draft", 0, 0),
    ("generic", "critique", 0, 0),
    ("strategy", "configure", 0, 0),
    ("strategy", "query", 0, 0),
    ("generic", "revision", 0, 0),
    ("strategy", "draft", 0, 0),
    ("generic", "critique", 0, 1),
    ("generic", "query", 1, 0),
    ("generic", "query", 1, 0),
    ("generic", "draft", 1, 0),
    ("generic", "critique", 1, 0),
    ("generic", "revision", 1, 0),
)
"""Two companions that think in turn; one drops a critique for a new query, and that query for another."""


def session(session_id: str) -> list[Step]:
    return [
        Step(
            session_id=session_id,
            companion_type=companion_type,
            kind=kind,
            slot=slot,
            index=index,
            seq=seq,
            text="" if kind == "configure" else f"{session_id} {seq} 漢字",
        )
        for seq, (companion_type, kind, slot, index) in enumerate(PLACES, start=1)
    ]


KEPT = session(SESSION) + session(OTHER)
TEXTS = [step for step in KEPT if step.kind not in ("configure", "query")]
SENT = {step.text for step in TEXTS}


def at(seq: int) -> Step:
    return KEPT[seq - 1]


def found(findings: Findings) -> dict[str, int]:
    return {name: len(lines) for name, lines in findings.by_name().items() if lines}


def without(seq: int) -> list[Step]:
    return [step for step in KEPT if step is not at(seq)]


def renumbered(steps: list[Step]) -> list[Step]:
    """Number one session's steps anew, as a store would that lost an entry and noticed nothing."""
    own = [step for step in steps if step.session_id == SESSION]
    rest = [step for step in steps if step.session_id != SESSION]
    return [replace(step, seq=seq) for seq, step in enumerate(own, start=1)] + rest


def changed(number: int, /, **values: object) -> list[Step]:
    return [replace(step, **values) if step is at(number) else step for step in KEPT]  # type: ignore[arg-type]


def again(number: int, /, **values: object) -> list[Step]:
    """Keep a step once more, as the newest of its session."""
    last = len(PLACES)
    return [*KEPT[:last], replace(at(number), seq=last + 1, **values), *KEPT[last:]]  # type: ignore[arg-type]


def swapped(first: int) -> list[Step]:
    """Let two neighbours change places and numbers."""
    steps = list(KEPT)
    steps[first - 1], steps[first] = replace(at(first + 1), seq=first), replace(at(first), seq=first + 1)
    return steps


def test_whole_records_pass() -> None:
    assert found(check(TEXTS, KEPT, SENT)) == {}
    assert found(check_shown([step for step in KEPT if step.kind != "configure"], KEPT)) == {}


def test_what_was_kept_without_an_answer_passes() -> None:
    assert found(check(TEXTS[:3], KEPT, SENT)) == {}
    assert found(check([], KEPT, SENT)) == {}


DAMAGES: dict[str, tuple[Callable[[], list[Step]], dict[str, int]]] = {
    "the newest entry is lost": (lambda: without(14), {"lost": 1}),
    "an entry in the middle is lost": (lambda: without(8), {"lost": 1, "gaps": 1}),
    "a critique is lost and the rest moves up": (
        lambda: renumbered(without(4)),
        # All answers behind it stand at other numbers, and its revision answers nothing.
        {"lost": 1, "moved": 6, "impossible": 2},
    ),
    "everything is lost": (list[Step], {"lost": len(TEXTS)}),
    "a text is cut": (lambda: changed(3, text="one 3"), {"lost": 1, "invented": 1}),
    "a text is empty": (lambda: changed(7, text=""), {"lost": 1, "invented": 1}),
    "a revision is stored twice": (lambda: again(14, index=1), {"twice": 1, "impossible": 1}),
    "a critique is stored a second time as the next": (lambda: again(13, index=1), {"twice": 1}),
    "a critique is stored as a draft too": (lambda: again(13, kind="draft", slot=2), {"twice": 1, "impossible": 1}),
    "a text is kept beside": (lambda: again(13, kind="alternative"), {"alternatives": 1}),
    "a text comes from nowhere": (
        lambda: again(13, index=1, text="whose?"),
        {"invented": 1},
    ),
    "an entry stands at another number": (lambda: changed(14, seq=15), {"moved": 1, "gaps": 1}),
    "two entries of one companion change places": (lambda: swapped(13), {"moved": 2, "impossible": 2}),
    "two entries of two companions change places": (lambda: swapped(7), {"moved": 2}),
    "a number is given twice": (lambda: changed(9, seq=8), {"moved": 1, "gaps": 1}),
    "a revision is told as a critique": (lambda: changed(7, kind="critique"), {"moved": 1, "impossible": 2}),
    "an entry is another companion's": (
        lambda: changed(8, companion_type="generic"),
        {"moved": 1, "impossible": 1},
    ),
    "a slot is left out": (
        lambda: changed(11, slot=2),
        # The query itself, and the three steps that name the slot it should have opened.
        {"impossible": 4},
    ),
    "a companion was never configured": (lambda: changed(1, kind="learned"), {"impossible": 3}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(damage: str) -> None:
    make, expected = DAMAGES[damage]
    assert found(check(TEXTS, make(), SENT)) == expected


def test_answers_whose_numbers_go_back_are_found() -> None:
    assert found(check([TEXTS[1], TEXTS[0], *TEXTS[2:]], KEPT, SENT)) == {"disordered": 1}
    assert found(check([TEXTS[0], *TEXTS], KEPT, SENT)) == {"disordered": 1}


def test_a_server_that_shows_less_more_or_otherwise_than_its_store_is_found() -> None:
    shown = [step for step in KEPT if step.kind != "configure"]
    assert found(check_shown(shown[1:], KEPT)) == {"differing": 1}
    assert found(check_shown(shown, KEPT[1:-1])) == {"differing": 1}
    assert found(check_shown([replace(shown[0], text="other"), *shown[1:]], KEPT)) == {"differing": 2}


def test_pages_that_show_less_than_was_answered_or_something_twice_are_found() -> None:
    assert found(check_seen(TEXTS, TEXTS[1:])) == {"lost": 1}
    assert found(check_seen(TEXTS, [*TEXTS, replace(TEXTS[0], seq=99)])) == {"twice": 1}


def test_what_two_looks_see_counts_once() -> None:
    look = check(TEXTS, without(14), SENT)
    assert found(look | look) == {"lost": 1}
    assert found(look | check(TEXTS, without(28), SENT)) == {"lost": 2}
    assert (look | look).lines() == [f"lost: {at(14)}"]
