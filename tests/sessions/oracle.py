"""What a companion's run_log must be after each call, by the contract's rules and none of the product's code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from companions.models import Step

Write = Callable[[str], None]


@dataclass(slots=True)
class OracleSlot:
    """One query and what was written for it; ``draft`` is "" until it is."""

    query: str
    draft: str = ""
    critique: list[str] = field(default_factory=list[str])
    revision: list[str] = field(default_factory=list[str])

    def told(self) -> dict[str, Any]:
        return {"query": self.query, "draft": self.draft, "critique": self.critique, "revision": self.revision}

    def write_draft(self, text: str) -> None:
        self.draft = text


@dataclass(frozen=True, slots=True)
class Expected:
    """What a call must come to: an error, a repeat of a text, or a place for a new text.

    A revision that its caller sends once more, with ``redo``, is either, as it was judged before: ``insist``.
    """

    kind: Literal["error", "repeat", "write", "insist"]
    text: str = ""
    write: Write = lambda _: None


ERROR = Expected("error")


@dataclass(slots=True)
class OracleCompanion:
    """One companion of a session."""

    slots: list[OracleSlot] = field(default_factory=list[OracleSlot])

    @property
    def newest(self) -> OracleSlot | None:
        return self.slots[-1] if self.slots else None

    @property
    def next_step(self) -> Step:
        slot = self.newest
        if slot is None or not slot.draft:
            return "draft"
        return "critique" if len(slot.critique) == len(slot.revision) else "revise"

    def expect(self, step: Step, query: str | None, *, redo: bool, text: str | None = None) -> Expected:
        """Say what a call comes to; a draft's query is recorded by this, before anything is written."""
        slot = self.newest
        if step == "draft":
            return self._draft(slot, query, redo=redo)
        if slot is None or not slot.draft:
            return ERROR
        mine, before = (slot.critique, slot.revision) if step == "critique" else (slot.revision, slot.critique)
        waits = len(before) == len(mine) if step == "critique" else len(before) == len(mine) + 1
        if waits:
            return ERROR if redo else Expected("write", write=mine.append)
        if not mine:
            return ERROR
        if not redo:
            return Expected("repeat", mine[-1])
        insists = step == "revise" and text == mine[-1]
        return Expected("insist" if insists else "write", write=lambda written: _replace(mine, written))

    def _draft(self, slot: OracleSlot | None, query: str | None, *, redo: bool) -> Expected:
        if slot is None and query is None:
            return ERROR
        if slot is None:
            return self._open(query or "")
        if not slot.draft:
            slot.query = slot.query if query is None else query
            return Expected("write", write=slot.write_draft)
        if query not in (None, slot.query):
            return self._open(query or "")
        if redo:
            return self._open(slot.query) if slot.critique else Expected("write", write=slot.write_draft)
        return ERROR if query is None and slot.critique else Expected("repeat", slot.draft)

    def _open(self, query: str) -> Expected:
        self.slots.append(OracleSlot(query))
        return Expected("write", write=self.slots[-1].write_draft)


def _replace(texts: list[str], text: str) -> None:
    texts[-1] = text
