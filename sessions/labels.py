"""Labels: the title that a person gave a session, and whether it is pinned, as its ``configure`` entries say them.

An edit of the query that a session goes by says its new title, too: whoever reads the entries need not look for it.
What an entry does not speak of stays as it was. A label is one session's: a fork begins without its parent's. Who sets
one, and what a title may be, is ``labelling``'s work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from companions.entries import Entry

UNLABELLED: Mapping[str, Any] = {"title": "", "pinned": False}
"""What the first entry of a fork says, wherever that comes to stand behind entries of its parent's."""
AHEAD = 1e11
"""Seconds by which a pinned session is listed as used later than it was: further than any clock will go."""

MOST_PINNED = 10
"""Pinned sessions of one owner: what is listed behind them is to be seen as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How a session is listed.

    Attributes:
        title: The one that was set, else the first query's beginning; empty until there is one.
        pinned: Whether it is kept, and stands first.
    """

    title: str = ""
    pinned: bool = False


def label_after(label: Label, entries: Iterable[Entry]) -> Label:
    """Give the label of a session to which entries were added; an empty title is none."""
    for entry in entries:
        if entry.kind == "configure" and not UNLABELLED.keys().isdisjoint(entry.meta):
            title, pinned = entry.meta.get("title", label.title), entry.meta.get("pinned", label.pinned)
            label = Label(title=title, pinned=pinned)
    return label


def without_label(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a ``configure`` says of its companion alone."""
    return {name: value for name, value in meta.items() if name not in UNLABELLED}


def listed_at(used_at: float, *, pinned: bool) -> float:
    """Give the moment by which a session is put in order among its owner's, which stores list by last use."""
    return used_at + AHEAD if pinned else used_at
