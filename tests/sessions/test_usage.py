"""Sums of what calls of models used: by model, in all and on the newest day."""

from typing import Any

from companions.entries import Entry
from sessions.usage import MODELS, OTHERS, calls, cost_told, in_all, milliseconds_of, on_day, sums_after

DAY = 86_400.0
USAGE = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8, "cache_read_tokens": 2}


def entry(at: float = 0.0, **meta: Any) -> Entry:
    return Entry(companion_type="generic", kind="draft", slot=0, meta=meta, seq=1, id="a", author="ann", at=at)


def test_a_model_s_calls_are_added_up_and_its_largest_reply_is_kept() -> None:
    entries = [
        entry(asked_model="openai:m", model="m-1", usage=USAGE),
        entry(asked_model="openai:m", usage=USAGE | {"output_tokens": 9}),
    ]
    assert sums_after({}, entries)["models"] == {
        "openai:m": {
            "calls": 2,
            "input_tokens": 10,
            "output_tokens": 12,
            "cache_read_tokens": 4,
            "cache_read_tokens_told": 2,
            "largest_output_tokens": 9,
        }
    }


def test_a_text_by_hand_or_by_rules_counts_nothing() -> None:
    assert sums_after({}, [entry(model="host:tests"), entry(model="offline editor")]) == {}


def test_an_entry_without_the_model_that_was_asked_counts_for_the_one_that_wrote() -> None:
    assert list(sums_after({}, [entry(model="m-1", usage=USAGE)])["models"]) == ["m-1"]


def test_each_critic_of_a_critique_counts_for_its_own_model() -> None:
    critics = [
        {"name": "accuracy", "asked_model": "openai:a", "usage": USAGE},
        {
            "name": "clarity",
            "asked_model": "openai:b",
            "usage": {},
            "estimated_usage": {"input_tokens": 4, "output_tokens": 1},
        },
        {"name": "tone", "error": "It failed."},
    ]
    found = sums_after({}, [entry(model="a, b", usage=USAGE, critics=critics)])["models"]
    assert {model: sums["calls"] for model, sums in found.items()} == {"openai:a": 1, "openai:b": 1}
    assert found["openai:b"] == {
        "calls": 1,
        "not_reported": 1,
        "estimated_input_tokens": 4,
        "estimated_output_tokens": 1,
    }


def test_each_comparison_of_a_pick_counts() -> None:
    told = {"asked_model": "openai:m", "model": "m-1", "usage": USAGE}
    found = sums_after({}, [entry(model="m-1", usage=USAGE, comparisons=[told, told])])["models"]
    assert {model: sums["calls"] for model, sums in found.items()} == {"openai:m": 2}


def test_how_long_models_wrote_is_added_up_also_where_they_wrote_at_the_same_time() -> None:
    one: dict[str, Any] = {"asked_model": "openai:a", "usage": USAGE, "seconds": 1.25}
    both = entry(model="a, b", usage=USAGE, seconds=1.25, critics=[one, one | {"asked_model": "b", "seconds": 0.5}])
    by_hand = entry(model="host:tests", seconds=9.0)
    found = sums_after(sums_after({}, [entry(**one)]), [both, by_hand])
    assert {model: sums["milliseconds"] for model, sums in found["models"].items()} == {"openai:a": 2500, "b": 500}
    assert [milliseconds_of(each) for each in (both, by_hand)] == [1750, 0]


def test_only_the_newest_day_is_kept_apart() -> None:
    before = sums_after({}, [entry(0.5 * DAY, asked_model="m", usage=USAGE)])
    after = sums_after(
        before, [entry(1.2 * DAY, asked_model="m", usage=USAGE), entry(0.9 * DAY, asked_model="m", usage=USAGE)]
    )
    assert calls(in_all({"generic": after})) == 3
    assert calls(on_day(after, "1970-01-02")) == 1
    assert on_day(after, "1970-01-01") == {}


def test_models_beyond_a_number_are_counted_together() -> None:
    entries = [entry(asked_model=f"openai:{number}", usage=USAGE) for number in range(3 * MODELS)]
    found = sums_after({}, entries)["models"]
    assert len(found) == MODELS + 1
    assert found[OTHERS]["calls"] == 2 * MODELS


def test_what_only_some_calls_tell_is_added_up_with_how_many_told_it() -> None:
    told: dict[str, Any] = {
        "asked_model": "m",
        "usage": USAGE | {"reasoning_tokens": 0},
        "retries": 2,
        "first_token_seconds": 0.25,
    }
    silent: dict[str, Any] = {"asked_model": "m", "usage": {"input_tokens": 5, "output_tokens": 3}}
    (found,) = sums_after({}, [entry(**told), entry(**silent)])["models"].values()
    assert (found["cache_read_tokens"], found["cache_read_tokens_told"]) == (2, 1)
    assert ("reasoning_tokens" in found, found["reasoning_tokens_told"]) == (False, 1)
    assert (found["retries"], found["retries_told"]) == (2, 1)
    assert (found["first_token_milliseconds"], found["first_token_milliseconds_told"]) == (250, 1)


def test_an_entry_costs_what_its_calls_cost_if_all_of_them_tell() -> None:
    one: dict[str, Any] = {"asked_model": "a", "usage": USAGE, "cost": {"amount": 0.5, "currency": "EUR"}}
    assert cost_told(entry(**one)) == (0.5, "EUR")
    assert cost_told(entry(critics=[one, one, {"name": "tone", "error": "It failed."}])) == (1.0, "EUR")
    assert cost_told(entry(critics=[one, {"asked_model": "b", "usage": USAGE}])) is None
    assert cost_told(entry(model="host:tests")) is None
