"""Sessions for tests of stores: stories that grow in a store, and what a tail of them must be.

What it expects is computed from all of a session's entries, the slow and obvious way; it shares nothing with a store.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hypothesis import strategies as st

from companions.entries import Entry, Kind, Note
from sessions.store import Append, Committed, Opening, Outcome, Store, Window

COMPANIONS = ("generic", "strategy")
NOISE: tuple[Kind, ...] = ("pick", "workflow", "learned", "alternative")


def note(kind: Kind = "pick", *, companion: str = "generic", slot: int = 0, index: int = 0, **given: Any) -> Note:
    text = given.pop("text", f"{kind} {slot}.{index}")
    return Note(companion_type=companion, kind=kind, slot=slot, index=index, text=text, meta=given)


def placed(note: Note, seq: int) -> Entry:
    return Entry(**asdict(note), seq=seq, id=f"call-{seq}", author="ann", at=1_000.5 + seq)


@dataclass(slots=True)
class Story:
    """A session as its only writer knows it.

    Attributes:
        entries: What it reads, its parent's included.
    """

    store: Store
    session_id: str = "s1"
    owner: str = "ann"
    created_at: float = 1_000.25
    parent: str | None = None
    entries: list[Entry] = field(default_factory=list[Entry])
    base: int = 0

    @property
    def opening(self) -> Opening:
        return Opening(
            session_id=self.session_id,
            owner=self.owner,
            created_at=self.created_at,
            parent=self.parent,
            base=self.base,
        )

    @property
    def opened(self) -> bool:
        return len(self.entries) > self.base

    def append(self, *notes: Note) -> Append:
        seq = len(self.entries) + 1
        entries = tuple(placed(each, number) for number, each in enumerate(notes or (note(),), start=seq))
        return Append(session_id=self.session_id, entries=entries, opening=None if self.opened else self.opening)

    async def write(self, *notes: Note) -> None:
        append = self.append(*notes)
        assert await self.store.append([append]) == [Committed()]
        self.entries += append.entries

    def fork(self, session_id: str, base: int) -> "Story":
        prefix = self.entries[:base]
        return Story(self.store, session_id, self.owner, parent=self.session_id, entries=prefix, base=base)


async def one(store: Store, append: Append) -> Outcome:
    (outcome,) = await store.append([append])
    return outcome


@dataclass(frozen=True, slots=True)
class Wish:
    """What a companion would like to write; where that is not its turn, it writes what comes next instead."""

    companion: str
    action: str
    number: int


@dataclass(frozen=True, slots=True)
class Fork:
    """A new session that reads a part of another."""

    number: int


ACTIONS = ("query", "draft", "step", "step", "step", "step", "redo", "redo", "configure", "noise")
NUMBERS = st.integers(0, 60)
WISHES = st.builds(Wish, st.sampled_from(COMPANIONS), st.sampled_from(ACTIONS), NUMBERS)
SCRIPTS = st.lists(st.tuples(NUMBERS, st.one_of(WISHES, WISHES, WISHES, WISHES, st.builds(Fork, NUMBERS))), max_size=60)


def fulfil(entries: Sequence[Entry], wish: Wish) -> Note:
    """Give the note that comes closest to a wish among those that a companion can write next."""
    mine = [entry for entry in entries if entry.companion_type == wish.companion]
    slot = max((entry.slot for entry in mine if entry.kind == "query"), default=-1)
    drafted, critiques, revisions = (
        len({entry.index for entry in mine if entry.kind == kind and entry.slot == slot})
        for kind in ("draft", "critique", "revision")
    )

    def make(kind: Kind, slot: int = slot, index: int = 0, **meta: Any) -> Note:
        text = f"{kind} {slot}.{index}, entry {len(entries) + 1}"
        return note(kind, companion=wish.companion, slot=slot, index=index, text=text, **meta)

    def revise(index: int) -> Note:
        guard = {"guard": "unrelated"} if wish.number % 3 == 0 else {}
        return make("revision", index=index, based_on=current(mine, slot, index), **guard)

    match wish.action:
        case "configure":
            # It may name the next slot, and a later one an earlier slot: only its age counts.
            return make("configure", slot=wish.number % (slot + 2))
        case "noise":
            return make(NOISE[wish.number % len(NOISE)], slot=max(slot, 0), index=wish.number)
        case _ if slot < 0 or wish.action == "query":
            return make("query", slot=slot if slot >= 0 and not drafted else slot + 1)
        case "draft" | "redo" if not critiques:
            return make("draft")
        case _ if not drafted:
            return make("draft")
        case "draft":
            return make("query", slot=slot + 1)
        case "redo":
            return revise(revisions - 1) if critiques == revisions else make("critique", index=critiques - 1)
        case _:
            return revise(revisions) if critiques > revisions else make("critique", index=critiques)


def current(mine: Sequence[Entry], slot: int, before: int) -> int:
    """Number the version that stood before a revision: the newest that was not guarded, else the draft, 0."""
    standing = {entry.index: entry for entry in mine if entry.kind == "revision" and entry.slot == slot}
    return max((i + 1 for i, entry in standing.items() if i < before and not entry.meta.get("guard")), default=0)


def expected_tail(entries: Sequence[Entry], companion: str, window: Window) -> list[Entry]:
    mine = [entry for entry in entries if entry.companion_type == companion]
    newest = max((entry.slot for entry in mine if entry.kind == "query"), default=-1)
    wanted = [entry for entry in mine if entry.kind == "configure"][-1:]
    for slot in range(max(newest - window.exchanges, 0), newest + 1):
        for kind in ("query", "draft") + (("critique",) if slot == newest else ()):
            wanted += [entry for entry in mine if entry.kind == kind and entry.slot == slot][-1:]
        # A later entry of an index takes the earlier one's place.
        versions = {entry.index: entry for entry in mine if entry.kind == "revision" and entry.slot == slot}
        if versions:
            last = versions[max(versions)]
            kept = set(sorted(versions, reverse=True)[: window.versions]) if slot == newest else {last.index}
            if slot == newest or last.meta.get("guard"):
                kept.add(last.meta["based_on"] - 1)
            wanted += [entry for index, entry in versions.items() if index in kept]
    return sorted(wanted, key=lambda entry: entry.seq)
