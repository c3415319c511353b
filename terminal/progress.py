"""Telling a person how far something is that takes a while, on standard error, now and then.

What is counted, and in which words, is its caller's to say.
"""

import sys
import time
from collections.abc import Callable

from sessions.reporting import Report

TOLD_SECONDS = 1.0
"""How often it is told; what is done sooner is told of by its result alone."""


def telling(words: Callable[[int, int], str], *, at_once: bool = False) -> Report:
    """Give what hears how far it is, and tells a person.

    Args:
        words: Says two counts in words.
        at_once: Whether the first is told too, however soon it comes.
    """
    next_at = 0.0 if at_once else time.monotonic() + TOLD_SECONDS

    def tell(done: int, of: int) -> None:
        nonlocal next_at
        if time.monotonic() >= next_at:
            next_at = time.monotonic() + TOLD_SECONDS
            sys.stderr.write(f"companions: {words(done, of)}\n")

    return tell
