"""How shares are written down, the same in every store that writes: as JSON in ASCII.

So any name and any text can be kept everywhere, and no name can be taken for another. It reads and writes no store.
Like a sum's, a share's texts are believed only if the share would be written with the same ones.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import Any

from sessions.pattern_store import Share

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_READING = json.JSONDecoder()
_FAULTS = (ValueError, TypeError, OverflowError, RecursionError)
UNREADABLE = "unreadable"
"""Stands for the model in a name of which only the beginning can be read."""


def name_of(share: Share) -> str:
    """Give what names a share: the companion type, the model and the process."""
    return _JSON.encode(share.name)


def type_of(companion_type: str) -> str:
    """Give a companion type as it stands in a name."""
    return _JSON.encode(companion_type)


def beginning_of(companion_type: str) -> str:
    """Give how the names of a companion type's shares begin, and no others."""
    return f"[{type_of(companion_type)}"


def body_of(share: Share) -> str:
    """Give what else a share holds, but for its version; equal shares give equal texts."""
    return _JSON.encode([share.at, dict(share.state)])


def shares_of(rows: Iterable[tuple[str, Any, str]]) -> list[Share]:
    """Read shares from their names, versions and bodies, in whatever order they come.

    One that is damaged has no state; what does not begin with a companion type is nobody's share, and passed over.
    """
    return sorted(filter(None, (_share_of(*row) for row in rows)), key=attrgetter("name"))


def _share_of(name: str, version: Any, body: str) -> Share | None:
    named = _names(name)
    if named is None:
        return None
    companion_type, model, process = named
    damaged = Share(companion_type=companion_type, model=model, process=process, version=1, state={}, at=0.0)
    try:
        at, state = json.loads(body)
        share = replace(damaged, version=int(version), state=state, at=at)
        return share if math.isfinite(at) and (name_of(share), body_of(share)) == (name, body) else damaged
    except _FAULTS:
        return damaged


def _names(text: str) -> tuple[str, str, str] | None:
    """Read whose share it is; where only the companion type can be read, the whole text tells it from others."""
    try:
        names: list[Any] = json.loads(text)
        companion_type, model, process = names
        if all(isinstance(each, str) for each in names) and _JSON.encode([*names]) == text:
            return companion_type, model, process
    except _FAULTS:
        pass
    try:
        companion_type, _ = _READING.raw_decode(text, 1)
    except _FAULTS:
        return None
    known = isinstance(companion_type, str) and text.startswith(beginning_of(companion_type))
    return (companion_type, UNREADABLE, text) if known else None
