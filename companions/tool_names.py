"""The functions of the server that a companion's file may allow its critic, by name.

It vouches for the names. What each does is said where sessions are at hand, and how a model calls one by ``tool_use``.
"""

from collections.abc import Iterator
from typing import Literal, cast, get_args

from companions.complaints import Complaint

ToolName = Literal["run_checks", "read_attachment", "search_sessions", "read_version"]
NAMES: tuple[ToolName, ...] = get_args(ToolName)


def wrong(value: object) -> Iterator[Complaint]:
    """Yield what is wrong with a file's ``critic_tools``."""
    known = ", ".join(NAMES)
    if not isinstance(value, list):
        yield Complaint((), f"it must be a list of {known}")
        return
    names = cast("list[object]", value)
    for index, name in enumerate(names):
        if name not in NAMES:
            yield Complaint((index,), f"there is no such tool; there are {known}")
        elif name in names[:index]:
            yield Complaint((index,), "this tool is named already")
