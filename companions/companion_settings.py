"""The settings of a companion's file: what each may be. Finding them in a file is ``companion_files``'s work."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from companions import checks, critics, tool_names
from companions.complaints import Complaint

NAME = re.compile("[a-z0-9_]+")
MOST_FALLBACKS = 4
NOT_ASKED = frozenset({"host", "offline"})
FALLBACKS = f"a list of at most {MOST_FALLBACKS} names of models, neither host nor offline"


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _is_words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_fallbacks(value: object) -> bool:
    """Tell whether a value can be a list of fallback models, which are asked: none stands for another writer."""
    if not isinstance(value, list | tuple):
        return False
    names = cast("list[object]", value)
    return len(names) <= MOST_FALLBACKS and all(_is_words(name) and name not in NOT_ASKED for name in names)


# What each setting must be: for a type at its birth, and for a file, where the answer comes with a line.
RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda value: isinstance(value, str) and bool(NAME.fullmatch(value)), "lower-case letters, digits and _"),
    "description": (_is_words, "a text"),
    "similarity_threshold": (lambda value: value is None or _is_number(value, 1), "a number from 0 to 1"),
    "max_iterations": (lambda value: type(value) is int and value >= 1, "a whole number of at least 1"),
    "temperature": (lambda value: value is None or _is_number(value, 2), "a number from 0 to 2"),
    "model": (lambda value: value is None or _is_words(value), "a model's name"),
    "critic_model": (lambda value: value is None or _is_words(value), "a model's name"),
    "comparison_model": (lambda value: value is None or _is_words(value), "a model's name"),
    "fallback_models": (lambda value: value is None or is_fallbacks(value), FALLBACKS),
    "clear_history": (lambda value: isinstance(value, bool), "true or false"),
    "sees_session": (lambda value: isinstance(value, bool), "true or false"),
    "native_session": (lambda value: isinstance(value, bool), "true or false"),
}
# Those made of settings of their own.
_NESTED: Mapping[str, Callable[[object], Iterator[Complaint]]] = {
    "checks": checks.wrong,
    "critics": critics.wrong,
    "critic_tools": tool_names.wrong,
}


def wrong(key: str, value: object) -> Iterator[Complaint]:
    """Yield what is wrong with a setting of a file; the paths begin with the setting's name."""
    if key in _NESTED:
        yield from (complaint.within(key) for complaint in _NESTED[key](value))
    elif key not in RULES:
        yield Complaint((key,), "there is no such setting")
    elif not RULES[key][0](value):
        yield Complaint((key,), f"it must be {RULES[key][1]}")
