"""JSON as archives hold it: strict about what other readers take, so that every store can keep what was read.

It knows nothing of sessions; what a value has to look like is the schema's to say.
"""

import json
import math
from typing import Any, cast

from companions.errors import InputError
from companions.json_checks import breaches
from sessions.archives import layout

MOST_DEEP = 64
"""Values within values."""
AGAIN = "Export it again, or take a copy of the file that is whole."


def hold_against(definition: str, place: str, content: bytes) -> None:
    """Refuse JSON that breaks a definition of the schema."""
    if (broken := breaches(content.decode(), layout.schema_of(definition))) is not None:
        raise InputError(f"In {place}, {broken}.", AGAIN)


def value_of(place: str, content: bytes) -> Any:
    """Read JSON that every store can keep: no name twice, no number without an end, not too deep."""
    try:
        value = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        _check_shape(value)
    except (ValueError, RecursionError) as error:
        raise InputError(f"In {place}, the JSON is broken or such as this program does not write.", AGAIN) from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def _check_shape(value: object) -> None:
    level: list[object] = [value]
    for _ in range(MOST_DEEP):
        following: list[object] = []
        for each in level:
            if isinstance(each, float) and not math.isfinite(each):
                raise ValueError(each)
            if isinstance(each, dict):
                following.extend(cast("dict[str, object]", each).values())
            elif isinstance(each, list):
                following.extend(cast("list[object]", each))
        if not following:
            return
        level = following
    raise ValueError("too deep")
