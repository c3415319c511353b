"""Regular expressions of companion files: whether one can be used, and whether a text holds what it describes.

They are RE2's. Python's own may go back and forth over a text for ever, and the texts come from anybody; RE2 takes time
in proportion to the text, whatever the expression, and refuses what cannot be had so (references back, looking around).
"""

from functools import cache
from typing import Any

LONGEST = 1_000
"""Most characters of an expression."""
LARGEST = 3_000
"""Most instructions of one: the most awkward text of 200 kB then takes ten seconds, and other threads run meanwhile."""


def wrong(pattern: str) -> str | None:
    """Say why an expression cannot be used; ``None`` if it can."""
    if len(pattern) > LONGEST:
        return f"it must be a regular expression of at most {LONGEST:,} characters"
    try:
        size = _compiled(pattern).programsize
    except (UnicodeEncodeError, _library().error):
        return "it must be a regular expression as RE2 has them, without references back and looking around"
    return None if size <= LARGEST else "its repetitions make it too large; it must be a smaller regular expression"


def found(pattern: str, text: str) -> bool:
    """Whether what an expression describes stands anywhere in a text."""
    return _compiled(pattern).search(text.encode(errors="replace")) is not None


def _compiled(pattern: str) -> Any:
    options = _library().Options()
    options.log_errors = False  # it would write to stderr by itself
    return _library().compile(pattern.encode(), options)


@cache
def _library() -> Any:
    """Load RE2, on first use: most companions have no checks, and a start is not to pay for it."""
    import re2  # noqa: PLC0415 - as said above

    return re2
