"""Whether entries can follow each other: a session is played through as if it were being written.

It reads no file and stores nothing. An entry that is refused here would make a session that cannot be opened, or that
no order of steps could have built.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from companions.companion import EXCHANGES, Companion
from companions.entries import Entry
from companions.errors import InputError
from companions.run_log import run_log
from sessions.markdown import in_markdown
from sessions.projections import shown_after
from sessions.slots import SHOWN

MOST_COMPANIONS = 100
"""Of one session: far more than anybody calls, and few enough to be held for each of many forks."""


class Following:
    """A session up to an entry: its companions, and what would be shown of them."""

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self._companions = dict[str, Companion]()
        self._shown = dict[str, Mapping[str, Any]]()

    def copy(self) -> "Following":
        """Give the same again, for a fork to go on from."""
        same = Following(self.seq)
        same._companions = {name: _copied(companion) for name, companion in self._companions.items()}
        same._shown = dict(self._shown)
        return same

    def follow(self, name: str, entry: Entry) -> None:
        """Take the next entry.

        Args:
            name: Of the file that it stands in.
            entry: The entry.

        Raises:
            InputError: It cannot follow.
        """
        place = f"Entry {entry.seq} of {name}"
        if entry.seq != self.seq + 1:
            raise InputError(f"{place} follows entry {self.seq}.", "An archive's entries are numbered without gaps.")
        if entry.companion_type not in self._companions and len(self._companions) == MOST_COMPANIONS:
            raise InputError(f"{place} is the first of companion {MOST_COMPANIONS + 1}.", "No session has so many.")
        companion = self._companions.setdefault(entry.companion_type, Companion(entry.companion_type))
        try:
            fits = _fits(companion, entry)
            if fits:
                self._take(companion, entry)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
            # What stands in a meta is whatever somebody wrote there; every reader of it has been tried here.
            raise InputError(f"{place} holds what no step of this program writes.", "Export it again.") from error
        if not fits:
            told = f"{entry.kind} {entry.index} of slot {entry.slot}"
            raise InputError(f"{place} ({told}) cannot follow those before it.", "Export it again.")
        self.seq = entry.seq

    def _take(self, companion: Companion, entry: Entry) -> None:
        companion.apply(entry)
        run_log([entry])
        if entry.kind in SHOWN:
            in_markdown(entry)
        before = self._shown.get(entry.companion_type, {})
        self._shown[entry.companion_type] = shown_after(before, companion, [entry])


def _fits(companion: Companion, entry: Entry) -> bool:
    """Tell whether a step could have written an entry now; stricter than a restore, which does not see all of them."""
    slot = companion.slot
    if entry.kind == "query":
        number = 0 if slot is None else slot.number + (slot.draft is not None)
        return companion.configuration is not None and (entry.slot, entry.index) == (number, 0)
    if entry.kind not in {"draft", "critique", "revision"}:
        return True
    if slot is None or entry.slot != slot.number:
        return False
    if entry.kind == "draft":
        return entry.index == 0
    if entry.kind == "critique":
        return entry.index == slot.revisions
    index = slot.revisions if slot.critiques > slot.revisions else slot.revisions - 1
    return entry.index == index and 0 <= entry.meta["based_on"] <= entry.index


def _copied(companion: Companion) -> Companion:
    slot = None if companion.slot is None else replace(companion.slot)
    return replace(companion, slot=slot, history=deque(companion.history, maxlen=EXCHANGES))
