"""Drives a companion by requests, through the same plan, judge and apply as every surface; the test is its model.

It records what a session would record and keeps all entries. It checks nothing.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from companions import planning
from companions.companion import EXCHANGES, VERSIONS, Companion
from companions.companion_types import Library
from companions.configuration import Configuration, Defaults
from companions.entries import Entry, Kind, Note
from companions.models import Sampling, Task, Written
from companions.outcomes import judge
from companions.requests import Plan, Repeat, Request
from companions.tasks import task

TYPE = "generic"


def configuration(**choices: Any) -> Configuration:
    """Give the configuration of the generic companion, with some choices of the program's."""
    return Configuration.choose(Library.load(None).get(TYPE), Defaults(execution_mode="server", **choices), Sampling())


STANDARD = configuration()


class Driver:
    """One companion and everything that happened to it.

    Attributes:
        wanted: The configuration that the next slot takes.
    """

    def __init__(self) -> None:
        self.companion = Companion(TYPE)
        self.entries: list[Entry] = []
        self.wanted = STANDARD

    def plan(self, **asked: Any) -> Plan | Repeat:
        """Say what a request comes to; nothing is recorded."""
        return planning.plan(self.companion, Request(**asked), self.wanted)

    def begin(self, **asked: Any) -> Plan:
        """Record what is recorded before the model is asked."""
        found = self.plan(**asked)
        assert isinstance(found, Plan), found
        for note in found.notes_before(TYPE):
            self.record(note)
        return found

    def task(self, **asked: Any) -> Task:
        """Give what the model would be given."""
        return task(self.companion, self.begin(**asked))

    def write(self, words: str, **asked: Any) -> Entry:
        """Make a step with a model that writes these words."""
        found = self.begin(**asked)
        return self.record(judge(self.companion, found, Written(text=words, model="test")))

    def draft(self, query: str, words: str, **asked: Any) -> Entry:
        """Open a slot and draft it."""
        return self.write(words, step="draft", query=query, **asked)

    def critique(self, words: str = "Say more.", **asked: Any) -> Entry:
        """Write a critique."""
        return self.write(words, step="critique", **asked)

    def revise(self, words: str, **asked: Any) -> Entry:
        """Write a revision."""
        return self.write(words, step="revise", **asked)

    def record_text(self, kind: Kind, words: str) -> Entry:
        """Write a text of the newest slot that is its kind's first, unjudged."""
        slot = 0 if self.companion.slot is None else self.companion.slot.number
        return self.record(Note(companion_type=TYPE, kind=kind, slot=slot, text=words))

    def record(self, note: Note) -> Entry:
        """Give a note its place, and apply it."""
        seq = len(self.entries) + 1
        entry = entry_of(note, seq)
        self.companion.apply(entry)
        self.entries.append(entry)
        return entry


def entry_of(note: Note, seq: int) -> Entry:
    """Give a note a place in the session."""
    fields = {name: getattr(note, name) for name in ("companion_type", "kind", "slot", "index", "text", "meta")}
    return Entry(**fields, seq=seq, id=f"test-{seq}", author="local", at=0.0)


def rebuilt(entries: Iterable[Entry]) -> Companion:
    """Restore a companion from entries."""
    companion = Companion(TYPE)
    for entry in entries:
        companion.apply(entry)
    return companion


def tail(entries: list[Entry]) -> list[Entry]:
    """Choose from all entries what ``Store.tail`` promises, read straight from its docstring."""
    newest = {(entry.kind, entry.slot, entry.index): entry for entry in entries}
    slots = sorted({entry.slot for entry in entries if entry.kind == "query"})
    chosen = [entry for entry in entries if entry.kind == "configure"][-1:]
    asked = max((entry.seq for entry in entries if entry.kind == "query" and entry.slot == slots[-1]), default=0)
    for kind in ("workflow", "pick"):
        chosen += [entry for entry in entries if entry.kind == kind and entry.seq > asked][-1:]
    for place, slot in enumerate(reversed(slots[-1 - EXCHANGES :])):
        revisions = sorted(index for kind, of, index in newest if kind == "revision" and of == slot)
        critiques = sorted(index for kind, of, index in newest if kind == "critique" and of == slot)
        wanted = [("query", 0), ("draft", 0)] + [
            ("revision", index) for index in revisions[-1 if place else -VERSIONS :]
        ]
        wanted += [("critique", index) for index in critiques[-1:] if place == 0]
        last = newest[("revision", slot, revisions[-1])] if revisions else None
        if last is not None and (place == 0 or last.meta.get("guard")):
            wanted.append(("revision", last.meta["based_on"] - 1))
        chosen += [newest[(kind, slot, index)] for kind, index in wanted if (kind, slot, index) in newest]
    found = {entry.seq: entry for entry in chosen}
    return [found[seq] for seq in sorted(found)]


def write_type(folder: Path, *, critique: str) -> None:
    """Write the file of a companion type named own."""
    sections = {"Draft": "Draft {it}.", "Critique": critique, "Revision": "Revise it."}
    parts = ["---\nname: own\ndescription: Mine.\n---", *(f"## {title}\n{text}" for title, text in sections.items())]
    (folder / "own.md").write_text("\n".join(parts))
