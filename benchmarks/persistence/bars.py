"""Bars: what was measured, what it should have been, and whether that holds. Nothing is measured here."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

OURS, FLOOR = "ours", "plain insert"

Rounds = Mapping[str, Sequence[float]]
"""A value per round, by contestant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure against its bar.

    Attributes:
        name: What the figure is.
        measured: ``None`` when it could not be measured here.
        bar: What it is compared with.
        at_least: Whether more is better.
    """

    name: str
    measured: float | None
    bar: float
    at_least: bool = False
    unit: str = ""

    @property
    def held(self) -> bool:
        """Whether it holds, as far as it was measured."""
        if self.measured is None:
            return True
        return self.measured >= self.bar if self.at_least else self.measured <= self.bar

    def __str__(self) -> str:
        """Tell the figure against the bar."""
        sign = ">=" if self.at_least else "<="
        wanted = f"bar {sign} {self.bar:g}{self.unit}"
        if self.measured is None:
            return f"{self.name}: not measured, {wanted}"
        return f"{self.name}: {self.measured:.2f}{self.unit}, {wanted}: {'held' if self.held else 'NOT HELD'}"


def ratio(rounds: Rounds, name: str, other: str) -> float | None:
    """Give the median over the rounds of one contestant's value divided by another's; ``None`` if one is missing."""
    if name not in rounds or other not in rounds:
        return None
    pairs = [(mine, theirs) for mine, theirs in zip(rounds[name], rounds[other], strict=True) if theirs]
    return statistics.median(mine / theirs for mine, theirs in pairs) if pairs else None


def least(rounds: Rounds, name: str, others: Iterable[str]) -> float | None:
    """Give the smallest of the ratios to several contestants."""
    found = [value for other in others if (value := ratio(rounds, name, other)) is not None]
    return min(found, default=None)


def tell(bars: Sequence[Bar]) -> bool:
    """Print the bars; returns whether all of them hold."""
    print()
    for bar in bars:
        print(bar)
    return all(bar.held for bar in bars)
