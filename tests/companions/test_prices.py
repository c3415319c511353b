"""Prices: what a usage costs by a table, and what no table says."""

import json
from pathlib import Path
from typing import Any

import pytest

from companions.errors import InputError
from companions.prices import Price, Prices

TABLE = {"openai:big": {"input": 10, "output": 20.5, "cached_input": 1}, "small:3b": {"input": 0, "output": 0}}
MILLION = 1_000_000


def read(table: Any) -> Prices:
    return Prices.read(table if isinstance(table, str) else json.dumps(table), currency="EUR")


def test_a_cost_is_what_was_read_and_written_at_its_price() -> None:
    cost = read(TABLE).cost("openai:big", {"input_tokens": MILLION, "output_tokens": 2 * MILLION})
    assert cost == pytest.approx(10 + 41)


def test_what_came_from_the_provider_s_cache_has_its_own_price() -> None:
    usage = {"input_tokens": MILLION, "output_tokens": 0, "cache_read_tokens": MILLION // 2}
    assert read(TABLE).cost("openai:big", usage) == pytest.approx(5.5)
    assert Price(input=10, output=0).of(usage) == pytest.approx(10)


def test_a_bare_name_prices_a_model_of_any_provider_and_a_whole_name_only_its_own() -> None:
    prices, usage = read(TABLE), {"input_tokens": 1, "output_tokens": 1}
    assert prices.cost("openai:small:3b", usage) == prices.cost("small:3b", usage) == 0
    assert prices.cost("big", usage) is None
    assert prices.cost("other:big", usage) is None


def test_of_a_model_without_a_price_no_cost_is_told() -> None:
    assert read({}).cost("openai:big", {"input_tokens": 1, "output_tokens": 1}) is None


@pytest.mark.parametrize("usage", [{}, {"input_tokens": 1}, {"output_tokens": 1}, {"total_tokens": 2}])
def test_of_a_usage_that_lacks_a_count_no_cost_is_told(usage: dict[str, int]) -> None:
    assert read(TABLE).cost("openai:big", usage) is None


def test_a_table_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(TABLE))
    assert read(str(path)) == read(TABLE)
    assert read(str(path)).currency == "EUR"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("/no/such/prices.json", "/no/such/prices.json"),
        ("{nothing", "not JSON"),
        ({"m": {"input": -1, "output": 1}}, "'m'.*input is -1"),
        ({"m": {"input": 1, "output": "2"}}, "'m'.*output is 2"),
        ({"m": {"input": 1, "output": True}}, "'m'.*output is True"),
        ('{"m": {"input": 1, "output": 1' + "0" * 400 + "}}", "'m'.*output is 1000"),
        ('{"m": {"input": 1, "output": NaN}}', "'m'.*output is nan"),
        ({"m": {"input": 1, "output": 1, "cached_input": []}}, r"cached_input is \[\]"),
        ({"m": {"input": 1, "output": None}}, "output is None"),
        ({"m": {"input": 1}}, "'m'.*lacks 'output'"),
        ({"m": {"input": 1, "output": 1, "per": "token"}}, "'m'.*'per'"),
        ({"m": 3}, "'m'.*'3'"),
    ],
)
def test_a_value_that_is_no_price_is_named(table: Any, named: str) -> None:
    with pytest.raises(InputError, match=named):
        read(table)


def test_a_file_that_holds_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text("[1]")
    with pytest.raises(InputError, match="not a table by model"):
        read(str(path))
