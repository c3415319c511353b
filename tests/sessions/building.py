"""Sessions for tests of stores: stories that grow in a store, and what a tail of them must be.

What it expects is computed from all of a session's entries, the slow and obvious way; it shares nothing with a store.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from companions.entries import Entry, Kind, Note
from sessions.store import Append, Committed, Opening, Outcome, Projection, Store, Window

WINDOWS = (Window(versions=8, exchanges=6), Window(versions=2, exchanges=1), Window(versions=0, exchanges=0))
TEXTS = {
    "empty": "",
    "blank": " \n",
    "templates": "{braces} {0} %s %(x)s ${y}",
    "quotes": "'\";--",
    "nul": "\0begin, mid\0dle, end\0",
    "unicode": "Ünï漢字🧠\u202e\ufeff\U0010ffff",
    "200 kB": "x" * 200_000,
}
SEARCHES = {
    "S-ONE": ["s-one"],
    "S-THREE": ["s-three"],
    "plan": ["s-two", "s-one"],
    "ÄRGER": ["s-two"],
    "100%": ["s-one"],
    "%": ["s-one"],
    "s_one": [],
    "\\": ["s-two"],
    "'": [],
    "": ["s-three", "s-two", "s-one"],
}
COMPANIONS = ("generic", "strategy")
NOISE: tuple[Kind, ...] = ("pick", "workflow", "learned", "alternative")


def note(kind: Kind = "pick", *, companion: str = "generic", slot: int = 0, index: int = 0, **given: Any) -> Note:
    text = given.pop("text", f"{kind} {slot}.{index}")
    return Note(companion_type=companion, kind=kind, slot=slot, index=index, text=text, meta=given)


def projection(session_id: str, *, title: str = "", last_used: float = 1.0, preview: str = "") -> Projection:
    return Projection(session_id=session_id, seq=1, title=title, last_used=last_used, preview=preview)


def placed(note: Note, seq: int) -> Entry:
    return Entry(**asdict(note), seq=seq, id=f"call-{seq}", author="ann", at=1_000.5 + seq)


@dataclass(slots=True)
class Story:
    """A session as its only writer knows it; ``entries`` are what it reads, its parent's included."""

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

    async def check(self) -> None:
        """Compare everything that the store reads of it with what was written."""
        assert await self.store.page(self.session_id, limit=1_000) == self.entries
        for companion in COMPANIONS:
            for window in WINDOWS:
                tail = await self.store.tail(self.session_id, companion, window)
                assert tail == expected_tail(self.entries, companion, window)

    async def write(self, *notes: Note) -> None:
        append = self.append(*notes)
        assert await self.store.append([append]) == [Committed()]
        self.entries += append.entries

    def fork(self, session_id: str, base: int) -> "Story":
        prefix = self.entries[:base]
        return Story(self.store, session_id, self.owner, parent=self.session_id, entries=prefix, base=base)


async def told(store: Store, name: str, script: "Script") -> list[Story]:
    """Play a script in a store; returns the sessions that came of it."""
    stories = [Story(store, name)]
    for number, step, times in script:
        story = stories[number % len(stories)]
        if isinstance(step, Wish):
            for _ in range(times):
                await story.write(fulfil(story.entries, step))
        elif story.opened:
            stories.append(story.fork(f"{name}-{len(stories)}", 1 + step.number % len(story.entries)))
    return [story for story in stories if story.opened]


async def ids(store: Store, search: str | None = None, *, limit: int = 10, offset: int = 0) -> list[str]:
    found = await store.list("ann", search=search, limit=limit, offset=offset)
    return [head.opening.session_id for head in found]


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


Script = list[tuple[int, Wish | Fork, int]]
ACTIONS = ("query", "draft", "step", "step", "step", "step", "redo", "redo", "configure", "noise")
NUMBERS = st.integers(0, 60)
WISHES = st.builds(Wish, st.sampled_from(COMPANIONS), st.sampled_from(ACTIONS), NUMBERS)
STEPS = st.one_of(*[WISHES] * 4, st.builds(Fork, NUMBERS))
SCRIPTS = st.lists(st.tuples(NUMBERS, STEPS, st.integers(1, 6)), min_size=6, max_size=40)


def fulfil(entries: Sequence[Entry], wish: Wish) -> Note:
    """Give the note that comes closest to a wish among those that a companion can write next."""
    mine = [entry for entry in entries if entry.companion_type == wish.companion]
    slot = max((entry.slot for entry in mine if entry.kind == "query"), default=-1)
    if wish.action == "configure":
        # It may name the next slot, and a later one an earlier slot: only its age counts.
        kind, index = "configure", 0
        slot = wish.number % (slot + 2)
    elif wish.action == "noise":
        kind, slot, index = NOISE[wish.number % len(NOISE)], max(slot, 0), wish.number
    else:
        kind, slot, index = next_place(mine, slot, wish.action)
    meta: dict[str, Any] = {}
    if kind == "revision":
        guard = {"guard": "unrelated"} if wish.number % 3 == 0 else {}
        meta = {"based_on": current(mine, slot, index), **guard}
    text = f"{kind} {slot}.{index}, entry {len(entries) + 1}"
    return note(kind, companion=wish.companion, slot=slot, index=index, text=text, **meta)


def next_place(mine: Sequence[Entry], slot: int, action: str) -> tuple[Kind, int, int]:
    """Give the kind, slot and index of a companion's next step, as near to the action as its phase allows."""
    drafted, critiques, revisions = (
        len({entry.index for entry in mine if entry.kind == kind and entry.slot == slot})
        for kind in ("draft", "critique", "revision")
    )
    if slot < 0 or action == "query" or (action == "draft" and critiques):
        return "query", slot if slot >= 0 and not drafted else slot + 1, 0
    if not drafted or (action in {"draft", "redo"} and not critiques):
        return "draft", slot, 0
    # A redo writes the newest step again, a step the one after it.
    again = 1 if action == "redo" else 0
    if (critiques > revisions) == bool(again):
        return "critique", slot, critiques - again
    return "revision", slot, revisions - again


def current(mine: Sequence[Entry], slot: int, before: int) -> int:
    """Number the version that stood before a revision: the newest that was not guarded, else the draft, 0."""
    standing = {entry.index: entry for entry in mine if entry.kind == "revision" and entry.slot == slot}
    return max((i + 1 for i, entry in standing.items() if i < before and not entry.meta.get("guard")), default=0)


def expected_tail(entries: Sequence[Entry], companion: str, window: Window) -> list[Entry]:
    mine = [entry for entry in entries if entry.companion_type == companion]
    newest = max((entry.slot for entry in mine if entry.kind == "query"), default=-1)
    wanted = [entry for entry in mine if entry.kind == "configure"][-1:]
    asked = max((entry.seq for entry in mine if entry.kind == "query" and entry.slot == newest), default=0)
    for kind in ("workflow", "pick"):
        wanted += [entry for entry in mine if entry.kind == kind and entry.seq > asked][-1:]
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


class Program:
    """Another program at a SQLite file; what it begins stays begun until it is closed."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def run(self, *statements: str) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._run, statements)

    def _run(self, statements: Sequence[str]) -> None:
        self._connection = self._connection or sqlite3.connect(self._path, isolation_level=None)
        for statement in statements:
            self._connection.execute(statement).fetchall()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, connection.close)
            await asyncio.to_thread(self._thread.shutdown)
