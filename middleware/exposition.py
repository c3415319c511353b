"""Numbers as Prometheus reads them: counters and histograms, and their text in the exposition format 0.0.4.

What is counted, and by which labels, is said elsewhere; nothing here is about companions.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Bounds for what may wait for a model."""

Values = tuple[str, ...]
"""The values of a family's labels, in their order."""
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_ESCAPES_OF_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Counter:
    """What only grows.

    Attributes:
        name: With its unit, and ``_total`` at its end.
        told: What it counts, in one line.
        labels: What it is told apart by.
    """

    name: str
    told: str
    labels: tuple[str, ...] = ()
    _sums: dict[Values, float] = field(default_factory=dict[Values, float])

    def add(self, *values: str, by: float = 1) -> None:
        """Count something, by default one; ``values`` are those of the labels."""
        self._sums[values] = self._sums.get(values, 0) + by

    def lines(self) -> Iterator[str]:
        """Give its lines."""
        yield from _heading(self.name, "counter", self.told)
        for values, number in self._sums.items():
            yield _line(self.name, zip(self.labels, values, strict=True), number)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long something takes, in buckets that never change.

    Attributes:
        name: With its unit at its end.
        told: What is measured, in one line.
        labels: What it is told apart by.
        bounds: The largest value of each bucket but the last, which takes all that is larger; ascending.
    """

    name: str
    told: str
    labels: tuple[str, ...] = ()
    bounds: Sequence[float] = SECONDS
    _counts: dict[Values, list[int]] = field(default_factory=dict[Values, "list[int]"])
    _sums: dict[Values, float] = field(default_factory=dict[Values, float])

    def add(self, value: float, *values: str) -> None:
        """Take in one measurement."""
        counts = self._counts.setdefault(values, [0] * (len(self.bounds) + 1))
        counts[bisect_left(self.bounds, value)] += 1
        self._sums[values] = self._sums.get(values, 0.0) + value

    def lines(self) -> Iterator[str]:
        """Give its lines: each bucket counts those before it too."""
        yield from _heading(self.name, "histogram", self.told)
        for values, counts in self._counts.items():
            labels = [*zip(self.labels, values, strict=True)]
            for bound, count in zip((*self.bounds, math.inf), accumulate(counts), strict=True):
                yield _line(f"{self.name}_bucket", (*labels, ("le", _number(bound))), count)
            yield _line(f"{self.name}_sum", labels, self._sums[values])
            yield _line(f"{self.name}_count", labels, sum(counts))


def gauge(name: str, told: str, value: float, labels: Mapping[str, str] | None = None) -> Iterator[str]:
    """Give the lines of what is now as it is, and may be less the next time."""
    yield from _heading(name, "gauge", told)
    yield _line(name, (labels or {}).items(), value)


def text(lines: Iterable[str]) -> bytes:
    """Give what is sent; a text may hold half of a surrogate pair, which no UTF-8 can carry."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _heading(name: str, kind: Literal["counter", "gauge", "histogram"], told: str) -> Iterator[str]:
    yield f"# HELP {name} {told.translate(_ESCAPES_OF_HELP)}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Iterable[tuple[str, str]], number: float) -> str:
    shown = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels)
    return f"{name}{{{shown}}} {_number(number)}" if shown else f"{name} {_number(number)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
