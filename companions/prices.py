"""What models cost: a table of prices, and the cost of a usage by it.

It knows no model's price by itself and assumes none: of a model that the table does not name, no cost can be told.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from companions.errors import InputError

PER_TOKENS = 1_000_000
"""Tokens that a price is for."""
FORM = '{"openai:NAME": {"input": 0.25, "output": 2.0, "cached_input": 0.025}}, each per million tokens'
MOST = 1e9
"""No price is higher."""
FIELDS = frozenset({"input", "output", "cached_input"})
SETTING = "COMPANIONS_PRICES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one model costs, per million tokens, in the table's currency.

    Attributes:
        input: Of what it reads.
        output: Of what it writes, reasoning included.
        cached_input: Of what it reads from its provider's cache; ``None`` counts it like any other input.
    """

    input: float
    output: float
    cached_input: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        for name in ("input", "output", "cached_input"):
            value: object = getattr(self, name)
            if value is None and name == "cached_input":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
                raise ValueError(f"{name} is {str(value)[:40]}, not a number from 0 to {MOST:,.0f}")

    def of(self, usage: Mapping[str, int]) -> float:
        """Give the cost of so many tokens."""
        read, cached = usage["input_tokens"], usage.get("cache_read_tokens", 0)
        cached_input = self.input if self.cached_input is None else self.cached_input
        cost = (read - cached) * self.input + cached * cached_input + usage["output_tokens"] * self.output
        return cost / PER_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A table of prices.

    Attributes:
        table: By model, as ``provider:name``, or as its bare name for whichever provider.
        currency: What the prices are in, such as USD.
    """

    table: Mapping[str, Price] = field(default_factory=dict[str, Price])
    currency: str = "USD"

    @classmethod
    def read(cls, given: str, *, currency: str) -> Self:
        """Read a table.

        Args:
            given: The table as JSON, or the path of a file that holds it.
            currency: What the prices are in.

        Raises:
            InputError: It cannot be read, or a value in it is no price; the value is named.
        """
        text, place = given, SETTING
        if not given.lstrip().startswith("{"):
            place = f"the file {given[:200]!r}"
            try:
                text = Path(given).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeError):
                raise InputError(f"The prices cannot be read from {place}.", f"Set {SETTING} to {FORM}.") from None
        try:
            values: object = json.loads(text)
        except ValueError:
            raise InputError(f"The prices in {place} are not JSON.", f"Write {FORM}.") from None
        if not isinstance(values, dict):
            raise InputError(f"The prices in {place} are not a table by model.", f"Write {FORM}.")
        table = {name: _price(name, value, place) for name, value in cast("dict[str, Any]", values).items()}
        return cls(table=table, currency=currency)

    def get(self, model: str) -> Price | None:
        """Give a model's price: that of its whole name, else of what stands behind its provider."""
        provider, colon, name = model.partition(":")
        return self.table.get(model) or (self.table.get(name) if provider and colon else None)

    def cost(self, model: str, usage: Mapping[str, int]) -> float | None:
        """Give the cost of a usage, in the table's currency.

        Args:
            model: As it was asked for.
            usage: ``input_tokens``, ``output_tokens`` and perhaps ``cache_read_tokens``, which are part of the input.

        Returns:
            ``None`` for a model without a price, and for a usage that does not tell both counts.
        """
        price = self.get(model)
        if price is None or not {"input_tokens", "output_tokens"} <= usage.keys():
            return None
        return price.of(usage)


def _price(model: str, value: object, place: str) -> Price:
    """Read one model's price."""
    if not isinstance(value, dict):
        raise InputError(f"The price of {model[:80]!r} in {place} is {str(value)[:80]!r}.", f"Write {FORM}.")
    given = cast("dict[str, Any]", value)
    if strange := sorted(given.keys() - FIELDS):
        raise InputError(f"The price of {model[:80]!r} in {place} has {strange[0][:80]!r}.", f"Write {FORM}.")
    if lacking := sorted({"input", "output"} - given.keys()):
        raise InputError(f"The price of {model[:80]!r} in {place} lacks {lacking[0]!r}.", f"Write {FORM}.")
    try:
        return Price(**given)
    except ValueError as error:
        raise InputError(f"The price of {model[:80]!r} in {place} cannot be: {error}.", f"Write {FORM}.") from None
