"""What benchmarks share: timing one piece of work, telling samples and ratios, and texts to work on.

What is measured, and in which order, is each benchmark's own. Absolute times say much about a machine and little about
a program: samples of what is compared are taken in turn, over and over, so that all see the same machine.
"""

import contextlib
import itertools
import random
import statistics
import time
from collections.abc import Generator, Sequence

_PARTS = "ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sta", "tre"
_WORDS = ["".join(parts) for parts in itertools.product(_PARTS, repeat=3)]


@contextlib.contextmanager
def timed(elapsed: list[float], computed: list[float] | None = None) -> Generator[None]:
    """Add the seconds that something took, and the processor time of all threads of this process."""
    began, used = time.perf_counter(), time.process_time()
    yield
    elapsed.append(time.perf_counter() - began)
    if computed is not None:
        computed.append(time.process_time() - used)


def table(unit: str) -> None:
    """Begin a table of samples."""
    print(f"{'':<44}{'min':>9}{'median':>9}{'p99':>9}{'max':>9}  {unit}")


def row(name: str, seconds: Sequence[float]) -> float:
    """Tell samples in milliseconds; returns their median in seconds."""
    middle = statistics.median(seconds)
    told = (min(seconds), middle, p99(seconds), max(seconds))
    print(f"{name:<44}" + "".join(f"{1000 * value:>9.2f}" for value in told) + f"  ({len(seconds)} samples)")
    return middle


def p99(seconds: Sequence[float]) -> float:
    """Give the value that one sample in a hundred exceeds."""
    return sorted(seconds)[int(0.99 * (len(seconds) - 1))]


def verdict(name: str, value: float, bar: float, unit: str = "") -> None:
    """Tell a figure against its bar."""
    print(f"{name}: {value:.2f}{unit}, bar {bar:g}{unit}: {'held' if value <= bar else 'NOT HELD'}")


def words(size: int) -> str:
    """Make a text of about so many bytes, of words in an order of their own."""
    return " ".join(random.choices(_WORDS, k=size // 7))  # noqa: S311 (no secret)


def revised(text: str) -> str:
    """Change one word in ten of a text, as a revision does."""
    kept = text.split(" ")
    for place in range(random.randrange(10), len(kept), 10):  # noqa: S311 (no secret)
        kept[place] = random.choice(_WORDS)  # noqa: S311 (no secret)
    return " ".join(kept)
