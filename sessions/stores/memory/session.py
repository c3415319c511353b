"""One session in memory: its entries in order, and of each companion the newest ones where a tail finds them.

It holds what the store beside it hands over and judges nothing: which entries fit, and who may read them, is the
store's to say.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from companions.entries import Entry
from sessions.seal_store import Stretch, writer_at
from sessions.store import Head, Opening, Projection, Window


class Companion:
    """One companion of one session, laid out so that a tail is a few look-ups.

    Attributes:
        configure: The newest ``configure``.
        slot: The newest slot that has a query; -1 before the first.
        said: By kind, the newest ``workflow`` and ``pick`` since that slot's query.
        places: By kind and slot, the newest entry of each index, lowest index first.
    """

    __slots__ = ("configure", "places", "said", "slot")

    def __init__(self) -> None:
        self.configure: Entry | None = None
        self.slot = -1
        self.said: dict[str, Entry] = {}
        self.places: dict[tuple[str, int], dict[int, Entry]] = {}

    def add(self, entry: Entry) -> None:
        """Take in the companion's next entry."""
        if entry.kind == "configure":
            self.configure = entry
            return
        if entry.kind in {"workflow", "pick"}:
            self.said[entry.kind] = entry
            return
        if entry.kind == "query" and entry.slot >= self.slot:
            self.slot, self.said = entry.slot, {}
        self.places.setdefault((entry.kind, entry.slot), {})[entry.index] = entry

    def _newest(self, kind: str, slot: int, count: int = 1) -> Iterator[Entry]:
        return islice(reversed(self.places.get((kind, slot), {}).values()), count)

    def _version(self, revision: Entry) -> Iterator[Entry]:
        """Give the revision that another one names as its base; a base of 0 is the draft, read anyway."""
        base = revision.meta.get("based_on")
        found = self.places["revision", revision.slot].get(base - 1) if isinstance(base, int) else None
        return iter(() if found is None else (found,))

    def tail(self, window: Window) -> Iterator[Entry]:
        """Give what an open companion needs, in no order and some of it twice; see ``Store.tail``."""
        if self.configure is not None:
            yield self.configure
        yield from self.said.values()
        yield from self._newest("query", self.slot)
        yield from self._newest("draft", self.slot)
        yield from self._newest("critique", self.slot)
        yield from self._newest("revision", self.slot, window.versions)
        for revision in self._newest("revision", self.slot):
            yield from self._version(revision)
        for slot in range(self.slot - 1, max(self.slot - 1 - window.exchanges, -1), -1):
            yield from self._exchange(slot)

    def _exchange(self, slot: int) -> Iterator[Entry]:
        yield from self._newest("query", slot)
        yield from self._newest("draft", slot)
        for revision in self._newest("revision", slot):
            yield revision
            if revision.meta.get("guard"):
                yield from self._version(revision)


class MemorySession:
    """A living session. A fork copies its parent's references, so forgetting one never touches another."""

    __slots__ = ("companions", "entries", "lineage", "number", "opening", "projection")

    def __init__(self, opening: Opening, number: int, inherited: Iterable[Entry], lineage: tuple[Stretch, ...]) -> None:
        self.opening = opening
        self.lineage = lineage
        self.number = number
        self.projection: Projection | None = None
        self.entries: list[Entry] = []
        self.companions: dict[str, Companion] = {}
        self.extend(inherited)

    @property
    def head(self) -> Head:
        """Its present state."""
        return Head(opening=self.opening, seq=len(self.entries), projection=self.projection)

    @property
    def rank(self) -> tuple[float, int, str]:
        """Where it stands among its owner's sessions; of two used at the same time the one minted later is newer."""
        shown = self.projection
        return (
            self.opening.created_at if shown is None else shown.last_used,
            self.number,
            self.opening.session_id,
        )

    def extend(self, entries: Iterable[Entry]) -> None:
        """Take in the entries that follow."""
        for entry in entries:
            self.entries.append(entry)
            self.companions.setdefault(entry.companion_type, Companion()).add(entry)

    def rewrite(self, writer: str, entries: Iterable[Entry]) -> int:
        """Put others in the place of what a session wrote, as far as this one reads it; gives how many."""
        new: dict[int, Entry] = {}
        for entry in entries:
            kept = self.entries[entry.seq - 1] if entry.seq <= len(self.entries) else None
            stretch = writer_at(self.lineage, entry.seq)
            if kept is not None and kept.id == entry.id and stretch is not None and stretch.session_id == writer:
                new[entry.seq] = entry
        if new:
            before, self.entries, self.companions = self.entries, [], {}
            self.extend(new.get(entry.seq, entry) for entry in before)
        return len(new)

    def shows(self, sought: str) -> bool:
        """Tell whether its id, title or preview holds a text that is in folded case."""
        shown = self.projection
        texts = "" if shown is None else f"\n{shown.title}\n{shown.preview}"
        return sought in f"{self.opening.session_id}{texts}".casefold()
