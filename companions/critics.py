"""Critics: who looks at one aspect of a text each, as a companion's file names them.

It vouches for their names. Asking them, all at the same time, and making one critique of what they say is ``writing``'s
work; what each is told is worded by ``prompts``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from companions.complaints import Complaint

MOST = 8
"""Critics of one companion: each is a model call for every critique."""
NAME = re.compile(r"[^\W_][\w -]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Critic:
    """Who looks at one aspect.

    Attributes:
        name: The aspect, at most 40 letters, digits, spaces, ``_`` and ``-``; a heading in the critique.
        focus: What to look at; ``None`` leaves it to the name.
        model: ``provider:name``, asked in server mode; ``None`` for the companion's own.
    """

    name: str
    focus: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that no critic could go by."""
        for path, what in _wrong_critic(asdict(self)):
            raise ValueError(f"a critic's {path[0]}: {what}, unlike {getattr(self, str(path[0]))!r}")


def wrong(value: object) -> Iterator[Complaint]:
    """Yield what is wrong with a file's ``critics``."""
    if not isinstance(value, list) or not 1 <= len(cast("list[object]", value)) <= MOST:
        yield Complaint((), f"it must be a list of 1 to {MOST} critics")
        return
    names = list[str]()
    for index, each in enumerate(cast("list[object]", value)):
        given = _by_name(each)
        yield from (complaint.within(index) for complaint in _wrong_critic(given))
        if (name := str(given.get("name")).casefold()) in names:
            yield Complaint((index,), "another critic has this name")
        names.append(name)


def critics_of(value: list[Any]) -> tuple[Critic, ...]:
    """Read a file's ``critics``, in which nothing is wrong."""
    return tuple(Critic(**_by_name(each)) for each in value)


def _by_name(each: object) -> Mapping[str, Any]:
    """Take a bare name for a critic with that name alone."""
    return cast("dict[str, Any]", each) if isinstance(each, dict) else {"name": each}


def _wrong_critic(given: Mapping[str, Any]) -> Iterator[Complaint]:
    name = given.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield Complaint(("name",), "it must be a name of at most 40 letters, digits, spaces, _ and -")
    for key, value in given.items():
        if key in {"focus", "model"}:
            if value is not None and not (isinstance(value, str) and value.strip()):
                yield Complaint((key,), "it must be a text")
        elif key != "name":
            yield Complaint((key,), "a critic has a name, a focus and a model")
