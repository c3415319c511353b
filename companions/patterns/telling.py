"""How counts of loops and probabilities are told: as they weigh today, so that nothing rests on more than it does.

What they are counts of, and what is said of them, is their readers' work.
"""

from companions.patterns.sums import Sums


def number(weighed: float) -> float:
    """Give a count as it weighs today, whole where it is."""
    return int(weighed) if weighed == int(weighed) else round(weighed, 2)


def in_words(weighed: float) -> str:
    """Say such a count, to one digit where it is not whole."""
    return f"{weighed:,.1f}".removesuffix(".0")


def by_age(sums: Sums) -> str:
    """Say, where older loops are among them, that these count less than one each; else nothing."""
    return "" if sums.weight == sums.slots else ", older ones weighing less"


def probability(estimated: float) -> float:
    """Give a probability to three digits."""
    return round(estimated, 3)
