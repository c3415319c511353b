"""Trails: how a companion's newest entries are found by their numbers alone, without an index over them.

Every entry is stored with a mark: where its companion's newest entries stood once it was written. A tail is read by
following marks from a session's newest entry, and costs the same however long the session is; a mark costs a few dozen
bytes, an index a few hundred. Marks never change, like the entries that they stand beside, so a fork follows its
parent's. Nothing is read or written here: a store fetches what a walk asks for.
"""

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace

from companions.entries import Entry
from sessions.store import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where one companion's entries stand as of one of them; each number is a seq, 0 for none.

    Attributes:
        last: The entry itself.
        configure: The newest ``configure``.
        query: The newest slot's newest query; likewise its draft, critique and revision.
        standing: The newest slot's newest revision that was not guarded.
        prior: The newest entry of the version before ``revision``.
        base: The version that ``revision`` was written from.
        before: The companion's last entry before the newest slot was opened; its mark tells of the slot before.
        workflow: The newest ``workflow`` since the newest slot's query; likewise ``pick``.
    """

    last: int = 0
    configure: int = 0
    query: int = 0
    draft: int = 0
    critique: int = 0
    revision: int = 0
    standing: int = 0
    prior: int = 0
    base: int = 0
    before: int = 0
    workflow: int = 0
    pick: int = 0

    def after(self, entry: Entry) -> "Trail":
        """Give the trail once an entry of its companion was written."""
        at = entry.seq
        if entry.kind == "revision":
            return self._revised(at, guarded=bool(entry.meta.get("guard")))
        if entry.kind == "query" and (self.draft or not self.query):
            return Trail(last=at, configure=self.configure, query=at, before=self.last)
        if entry.kind == "query":
            return replace(self, last=at, query=at, workflow=0, pick=0)
        if entry.kind in {"configure", "draft", "critique", "workflow", "pick"}:
            return replace(self, last=at, **{entry.kind: at})
        return replace(self, last=at)

    def _revised(self, at: int, *, guarded: bool) -> "Trail":
        if self.critique > self.revision:
            standing = self.standing if guarded else at
            return replace(self, last=at, revision=at, standing=standing, prior=self.revision, base=self.standing)
        # No critique since the newest revision: this one takes its place.
        return replace(self, last=at, revision=at, standing=self.base if guarded else at)


NAMES = (
    "configure",
    "query",
    "draft",
    "critique",
    "revision",
    "standing",
    "prior",
    "base",
    "before",
    "workflow",
    "pick",
)


@dataclass(frozen=True, slots=True)
class Marked:
    """An entry as it was stored, with its mark.

    Attributes:
        mark: The numbers of the entry's trail, each as its distance to the entry, trailing zeros left out; then a
            vertical line and the distances to the newest entries of the session's other companions, as JSON, if any.
    """

    entry: Entry
    mark: str

    @property
    def trail(self) -> Trail:
        """The trail of the entry's companion."""
        steps = self.mark.partition("|")[0]
        seq = self.entry.seq
        found = zip(NAMES, steps.split(",") if steps else (), strict=False)
        return Trail(last=seq, **{name: seq + 1 - int(back) for name, back in found if back != "0"})

    @property
    def others(self) -> dict[str, int]:
        """The newest entry of each of the session's other companions."""
        found: dict[str, int] = json.loads(self.mark.partition("|")[2] or "{}")
        return {name: self.entry.seq - back for name, back in found.items()}


@dataclass(frozen=True, slots=True)
class Marks:
    """What a session's next entries are marked from: its newest trails, as far as they are known.

    Attributes:
        head: The newest entry that is counted in.
        trails: By companion type.
        unread: The newest entry of each companion whose trail is not known yet.
    """

    head: int = 0
    trails: Mapping[str, Trail] = field(default_factory=dict[str, Trail])
    unread: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def at(cls, newest: Marked) -> "Marks":
        """Start from a session's newest entry, or from the one that a fork goes on behind."""
        return cls(newest.entry.seq, {newest.entry.companion_type: newest.trail}, newest.others)

    def missing(self, entries: Iterable[Entry]) -> set[int]:
        """Name the entries to read before these can be marked."""
        return {self.unread[entry.companion_type] for entry in entries if entry.companion_type in self.unread}

    def reading(self, found: Iterable[Marked]) -> "Marks":
        """Take in entries that were missing."""
        trails = {marked.entry.companion_type: marked.trail for marked in found}
        unread = {name: seq for name, seq in self.unread.items() if name not in trails}
        return Marks(self.head, {**self.trails, **trails}, unread)

    def mark(self, entry: Entry) -> tuple[str, "Marks"]:
        """Give the mark of the session's next entry, and what the one after it is marked from."""
        name = entry.companion_type
        trail = self.trails.get(name, Trail()).after(entry)
        trails = {**self.trails, name: trail}
        known = {other: found.last for other, found in trails.items()} | dict(self.unread)
        others = {other: entry.seq - seq for other, seq in known.items() if other != name}
        return _mark(trail, others), Marks(entry.seq, trails, self.unread)


Walk = Generator[set[int], Mapping[int, Marked], list[Entry]]
"""Asks for entries by number, is sent at least those, and returns what was looked for in order of seq."""


def tail(newest: Marked, companion_type: str, window: Window) -> Walk:
    """Walk to what an open companion needs, from its session's newest entry; see ``Store.tail``."""
    if newest.entry.companion_type != companion_type:
        last = newest.others.get(companion_type)
        if last is None:
            return []
        newest = (yield {last})[last]
    trail, kept = newest.trail, dict[int, Entry]()
    wanted = {trail.configure, trail.query, trail.draft, trail.critique, trail.base, trail.workflow, trail.pick}
    version, versions = trail.revision, window.versions
    end, exchanges = trail.before, window.exchanges
    while asked := (wanted | {version if versions else 0, end if exchanges else 0}) - {0}:
        got = yield asked
        kept |= {seq: got[seq].entry for seq in wanted - {0}}
        wanted = {got[seq].trail.base for seq in wanted if _guarded(got, seq) and seq != trail.revision}
        if versions and version:
            kept[version] = got[version].entry
            version, versions = got[version].trail.prior, versions - 1
        if exchanges and end:
            slot = got[end].trail
            wanted |= {slot.query, slot.draft, slot.revision}
            end, exchanges = slot.before, exchanges - 1
    return [kept[seq] for seq in sorted(kept)]


def _guarded(got: Mapping[int, Marked], seq: int) -> bool:
    return seq in got and bool(got[seq].entry.meta.get("guard"))


def _mark(trail: Trail, others: Mapping[str, int]) -> str:
    # One more than the distance: an entry can be its own newest configure, and 0 means none.
    numbers = [getattr(trail, name) for name in NAMES]
    while numbers and not numbers[-1]:
        numbers.pop()
    steps = ",".join(str(trail.last + 1 - seq if seq else 0) for seq in numbers)
    return f"{steps}|{json.dumps(others)}" if others else steps
