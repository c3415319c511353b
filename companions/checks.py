"""Checks: what a companion's file asks of every version of a text, and what of it a version fails.

A check looks at the text alone and says in one clause what is wrong. That a failing check is told to the critic is
``prompts``'s work, and that it keeps a loop from ending well ``outcomes``'s.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from companions import expressions, json_checks
from companions.complaints import Complaint

SHOWN = 120
"""Most characters that are told of a text that is missing."""

Failing = Sequence[Mapping[str, str]]
"""The checks that a text fails, as entries keep them: ``check`` is the name, ``why`` one clause."""


class Check(NamedTuple):
    """One kind of check.

    Attributes:
        wrong: Yields what is wrong with the value that a file gives it.
        why: Says why a text fails it, given that value; ``None`` if it does not.
    """

    wrong: Callable[[Any], Iterator[Complaint]]
    why: Callable[[str, Any], str | None]


def wrong(value: object) -> Iterator[Complaint]:
    """Yield what is wrong with a file's ``checks``."""
    if not isinstance(value, dict) or not value:
        yield Complaint((), f"it must be checks by name: {', '.join(CHECKS)}")
        return
    for name, asked in cast("dict[Any, Any]", value).items():
        if name not in CHECKS:
            yield Complaint((name,), f"there is no such check; there are {', '.join(CHECKS)}")
        else:
            yield from (complaint.within(name) for complaint in CHECKS[name].wrong(asked))


def failing(checks: Mapping[str, Any], text: str) -> list[dict[str, str]]:
    """Say which checks a text fails, and why.

    A schema or a long text may take seconds, so an event loop calls it in a thread.
    """
    found = ((name, CHECKS[name].why(text, asked)) for name, asked in checks.items())
    return [{"check": name, "why": why} for name, why in found if why is not None]


def told(failures: Failing) -> str:
    """Tell failing checks in one line, without a period; "" if there are none."""
    return "; ".join(f"{failure['check']} ({failure['why']})" for failure in failures)


def names(failures: Failing) -> str:
    """Give the names of failing checks, as a sentence lists them."""
    found = [failure["check"] for failure in failures]
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def _wrong_count(asked: object) -> Iterator[Complaint]:
    if type(asked) is not int or asked < 1:
        yield Complaint((), "it must be a whole number of at least 1")


def _too_long(text: str, most: int) -> str | None:
    count = len(text.split())
    return None if count <= most else f"it has {count:,} words, and at most {most:,} are allowed"


def _wrong_texts(asked: object) -> Iterator[Complaint]:
    if not isinstance(asked, list) or not asked:
        yield Complaint((), "it must be a list of texts")
        return
    for index, wanted in enumerate(cast("list[object]", asked)):
        if not isinstance(wanted, str) or not wanted.strip():
            yield Complaint((index,), "it must be a text")


def _without(text: str, wanted: Sequence[str]) -> str | None:
    missing = [f'"{words[:SHOWN]}"' for words in wanted if words not in text]
    return f"it does not contain {', '.join(missing)}" if missing else None


def _wrong_expression(asked: object) -> Iterator[Complaint]:
    what = expressions.wrong(asked) if isinstance(asked, str) and asked else "it must be a regular expression"
    if what is not None:
        yield Complaint((), what)


def _unmatched(text: str, pattern: str) -> str | None:
    return None if expressions.found(pattern, text) else f"nothing in it matches {pattern[:SHOWN]}"


def _wrong_yes(asked: object) -> Iterator[Complaint]:
    if asked is not True:
        yield Complaint((), "it must be true")


def _unreadable(text: str, _: object) -> str | None:
    try:
        json_checks.parsed(text)
    except ValueError as error:
        return str(error)
    return None


CHECKS: Mapping[str, Check] = {
    "max_words": Check(_wrong_count, _too_long),
    "must_contain": Check(_wrong_texts, _without),
    "matches": Check(_wrong_expression, _unmatched),
    "valid_json": Check(_wrong_yes, _unreadable),
    "json_schema": Check(json_checks.wrong_schema, json_checks.breaches),
}
