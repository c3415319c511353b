"""The run_log tells what entries say of a slot: its answer, its end, and what its checks and critics found."""

from typing import Any

from companions.entries import Entry, Kind
from companions.run_log import run_log


def entries(*said: tuple[Kind, int, dict[str, Any]]) -> list[Entry]:
    """Give entries of one slot, in order, from their kind, index and meta."""
    return [
        Entry(
            companion_type="generic",
            kind=kind,
            slot=0,
            index=index,
            text=f"{kind} {index}",
            meta=meta,
            seq=seq,
            id=f"call-{seq}",
            author="ann",
            at=0.0,
        )
        for seq, (kind, index, meta) in enumerate(said, start=1)
    ]


def slot_of(*said: tuple[Kind, int, dict[str, Any]]) -> dict[str, Any]:
    (slot,) = run_log(entries(("query", 0, {}), ("draft", 0, {}), *said))
    return slot


PICK: tuple[Kind, int, dict[str, Any]] = ("pick", 0, {"version": 0, "why": "It is the best."})
MAXIMUM = {"stop_reason": "max_iterations", "similarity": 0.5}


def test_the_answer_is_the_newest_pick_until_another_version_is_written() -> None:
    assert slot_of(PICK)["answer"] == {"version": 0, "why": "It is the best."}
    assert slot_of(PICK, ("critique", 0, {}))["answer"]["version"] == 0
    assert "answer" not in slot_of(PICK, ("critique", 0, {}), ("revision", 0, {}))
    assert "answer" not in slot_of(PICK, ("draft", 0, {}))
    assert "answer" not in slot_of(("pick", 0, {"votes": ["later"]}))


def test_what_the_pick_used_is_counted_in() -> None:
    usage = {"input_tokens": 7, "output_tokens": 2}
    told = slot_of(("critique", 0, {"usage": usage}), ("pick", 0, {"version": 0, "why": "", "usage": usage}))
    assert told["usage"] == {"input_tokens": 14, "output_tokens": 4}


def test_the_end_is_what_the_loop_said_of_it_since_the_newest_step() -> None:
    ended: tuple[Kind, int, dict[str, Any]] = ("workflow", 0, {"stop_reason": "budget"})
    assert slot_of(ended)["stop_reason"] == "budget"
    assert "stop_reason" not in slot_of(ended, ("critique", 0, {}))
    assert "stop_reason" not in slot_of(ended, ("workflow", 0, {}))


def test_a_maximum_that_was_raised_since_is_no_end() -> None:
    once: list[tuple[Kind, int, dict[str, Any]]] = [("critique", 0, {}), ("revision", 0, MAXIMUM)]
    assert slot_of(*once)["stop_reason"] == "max_iterations"
    assert slot_of(*once, ("workflow", 0, {"budget_tokens": 5}))["stop_reason"] == "max_iterations"
    assert "stop_reason" not in slot_of(*once, ("workflow", 0, {"max_iterations": 2}))


def test_a_maximum_that_is_reached_already_when_it_is_set_is_the_end() -> None:
    once: list[tuple[Kind, int, dict[str, Any]]] = [("critique", 0, {}), ("revision", 0, {"similarity": 0.5})]
    assert slot_of(*once, ("workflow", 0, {"max_iterations": 1}))["stop_reason"] == "max_iterations"
    assert "stop_reason" not in slot_of(*once, ("workflow", 0, {"max_iterations": 2}))


def test_checks_and_critics_are_told_by_the_number_of_what_they_looked_at() -> None:
    failing = [{"check": "max_words", "what": "it has 9 words"}]
    critics = [{"name": "clarity", "satisfied": True}]
    told = slot_of(
        ("critique", 0, {"critics": critics, "unmet": ["max_words"]}),
        ("revision", 0, {"checks": failing}),
        ("critique", 1, {}),
        ("revision", 1, {"checks": failing}),
        ("revision", 1, {"checks": []}),
    )
    assert (told["checks"], told["critics"], told["unmet"]) == ({"1": failing}, {"0": critics}, {"0": ["max_words"]})
    assert "checks" not in slot_of(("critique", 0, {}), ("revision", 0, {"checks": []}))
