"""Entries: what happened in a session, one immutable record at a time.

An entry says what was written; it never says what to do next. Phases, histories and answers are read from entries by
the modules beside this one, and stores keep entries without looking inside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal["configure", "query", "draft", "critique", "revision", "pick", "workflow", "learned", "alternative"]
KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a step wants recorded, before the session gave it a place.

    Attributes:
        kind: What was written.
        slot: The query it belongs to, counted from 0. A ``configure`` names the first slot that it applies to.
        index: Its place in the slot's array of its kind, counted from 0: version ``k`` is revision ``k - 1``.
        text: The words, byte for byte as they were written; empty for ``configure``.
        meta: JSON values that belong to the text: similarity, usage, model, stop reason.
    """

    companion_type: str
    kind: Kind
    slot: int
    index: int = 0
    text: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Refuse what could not be read back as a place in a run_log."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of entry: {self.kind!r}")
        if self.slot < 0 or self.index < 0:
            raise ValueError(f"slot and index are counted from 0, not {self.slot} and {self.index}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Note):
    """A note with its place in the session.

    Attributes:
        seq: Its number in the session: from 1 (or a fork's base + 1), without gaps.
        id: Names the writer and the call, so that a retry recognises its own entry.
        author: The owner on whose behalf it was written.
        at: When it was handed over, in seconds since the epoch.
    """

    seq: int
    id: str
    author: str
    at: float

    def __post_init__(self) -> None:
        """Refuse a number that no session gives out."""
        Note.__post_init__(self)
        if self.seq < 1:
            raise ValueError(f"an entry's seq is at least 1, not {self.seq}")
