"""How much two versions share: one measure that keeps the order of words, one that ignores it.

It measures, it never judges: what a number means is said by ``anomalies`` and ``convergence``. Nothing is remembered
between calls, so that a session that is forgotten leaves no text behind here.
"""

import re
from collections import Counter
from collections.abc import Mapping
from math import sqrt

from rapidfuzz.distance import Indel

_TOKEN = re.compile(r"\w+|[^\w\s]")
_RUN_LENGTHS = (3, 4, 5)
_DIGITS = 6
_HALF_A_DIGIT = 10**-_DIGITS / 2
_NEARLY_ONE = 1 - 10**-_DIGITS


def words(text: str) -> tuple[str, ...]:
    """The lower-cased words and punctuation marks of a text, in order; white space alone makes no difference."""
    return tuple(_TOKEN.findall(text.lower()))


def similarity(before: str, after: str) -> float:
    """The share of words that two versions have in common, in the same order.

    Returns:
        The normalized Indel similarity over words, 0 to 1, rounded to 6 digits: .98 means that about 2 % of the words
        were touched. 1.0 only if all words are equal, so that 1.0 can stand for "nothing changed".
    """
    return words_similarity(words(before), words(after))


def words_similarity(before: tuple[str, ...], after: tuple[str, ...], *, at_least: float = 0.0) -> float:
    """``similarity`` of texts already cut into words; 0.0 if it is below ``at_least``, which makes far texts cheap."""
    if before == after:
        return 1.0
    # The cutoff is compared before rounding, so it stands half a digit lower; the rounded number then decides.
    measured = Indel.normalized_similarity(before, after, score_cutoff=max(at_least - _HALF_A_DIGIT, 0.0))
    rounded = min(round(measured, _DIGITS), _NEARLY_ONE)
    return rounded if rounded >= at_least else 0.0


def overlap(before: str, after: str) -> float:
    """How much of the same material two versions hold, wherever it stands.

    High beside a low ``similarity`` means that text was moved, low means that it is about something else.

    Returns:
        The cosine, 0 to 1, of their ``letter_runs``.
    """
    return cosine(letter_runs(before), letter_runs(after))


def letter_runs(text: str) -> dict[str, int]:
    """How often each run of 3 to 5 characters stands in a text, by lower-cased word with its borders.

    Runs end at white space, so that each distinct word is cut once and weighted: that keeps 200 kB affordable.
    """
    runs: dict[str, int] = {}
    for word, count in Counter(text.lower().split()).items():
        bordered = f" {word} "
        for length in _RUN_LENGTHS:
            for start in range(len(bordered) - length + 1):
                run = bordered[start : start + length]
                runs[run] = runs.get(run, 0) + count
    return runs


def cosine(ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    """The cosine of two counts, 0 to 1; two empty ones are the same."""
    if ours == theirs:
        return 1.0
    few, many = sorted((ours, theirs), key=len)
    shared = sum(count * many.get(run, 0) for run, count in few.items())
    return min(shared / sqrt(_squares(ours) * _squares(theirs)), 1.0) if shared else 0.0


def _squares(counts: Mapping[str, int]) -> int:
    return sum(count * count for count in counts.values())
