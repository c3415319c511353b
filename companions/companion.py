"""An open companion: the newest part of its thinking, built by applying entries and by nothing else.

It holds a tail, not the whole run_log, so that a step costs the same however long the session is. What may be written
next is ``planning``'s to say; the whole run_log is read in pages by ``run_log``.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from companions.configuration import Configuration
from companions.edits import NO_EDITS, Edits, corrected, place_corrected, written_at
from companions.entries import Entry

VERSIONS = 8
"""Newest versions of a slot that cycle and guard rules look at."""
EXCHANGES = 6
"""Earlier slots that a draft sees as history."""

Phase = Literal["draft", "critique", "revise"]


def phase_of(*, drafted: bool, critiques: int, revisions: int) -> Phase:
    """Read the phase from the lengths of a slot's arrays; the only place that knows how.

    Raises:
        ValueError: For lengths that no order of steps can build.
    """
    if not drafted and critiques == revisions == 0:
        return "draft"
    if drafted and critiques == revisions:
        return "critique"
    if drafted and critiques == revisions + 1:
        return "revise"
    raise ValueError(f"no companion has {critiques} critiques and {revisions} revisions (drafted: {drafted})")


def version_of(entry: Entry) -> int:
    """Give the number of the version that an entry wrote: 0 for a draft, k for the k-th revision."""
    return 0 if entry.kind == "draft" else entry.index + 1


@dataclass(slots=True)
class Slot:
    """The newest slot: its baseline, its newest critique and its newest versions.

    Attributes:
        number: Counted from 0.
        query: The newest ``query`` entry; replaced while the slot waits for its draft.
        versions: The newest versions, oldest first, each as its newest entry.
        base: The version that the newest revision was written from.
        workflow: What the loop that runs or ran on it was bounded by, and how it ended.
        pick: Which version was chosen as the answer, and why, or votes for one; stale once a version is written.
    """

    number: int
    query: Entry
    draft: Entry | None = None
    critique: Entry | None = None
    revision: Entry | None = None
    versions: tuple[Entry, ...] = ()
    base: Entry | None = None
    workflow: Entry | None = None
    pick: Entry | None = None

    @property
    def revisions(self) -> int:
        """How many revisions there are."""
        return 0 if self.revision is None else self.revision.index + 1

    @property
    def critiques(self) -> int:
        """How many critiques there are; each revision answers one, also one that this tail does not hold."""
        return max(self.revisions, 0 if self.critique is None else self.critique.index + 1)

    @property
    def phase(self) -> Phase:
        """What the lengths say."""
        return phase_of(drafted=self.draft is not None, critiques=self.critiques, revisions=self.revisions)

    @property
    def current(self) -> Entry | None:
        """The current text: the newest revision that was not guarded, else the draft."""
        if self.revision is None:
            return self.draft
        return self.base if self.revision.meta.get("guard") else self.revision

    @property
    def picked(self) -> Entry | None:
        """The pick, unless a version was written since, or the current text corrected."""
        newest = self.revision or self.draft
        if self.pick is None or newest is None or self.current is None or "version" not in self.pick.meta:
            return None
        return None if self.pick.seq < max(newest.seq, written_at(self.current)) else self.pick

    @property
    def answer(self) -> Entry | None:
        """The version that was picked, else the current text."""
        if (picked := self.picked) is None:
            return self.current
        known = (self.draft, self.base, *self.versions)
        return next((each for each in known if each and version_of(each) == picked.meta["version"]), self.current)

    @property
    def exchange(self) -> "Exchange | None":
        """What history shows of it once it is left; nothing while it waits for its draft."""
        return None if self.current is None else Exchange(self.query, self.current)

    @property
    def max_iterations(self) -> int | None:
        """The maximum that its loop was given; ``None`` leaves it to the configuration."""
        return None if self.workflow is None else self.workflow.meta.get("max_iterations")

    @property
    def newest(self) -> Entry:
        """The entry of the newest step, or the query while nothing is written."""
        steps = [entry for entry in (self.draft, self.critique, self.revision) if entry is not None]
        return max(steps, key=lambda entry: entry.seq, default=self.query)

    def apply(self, entry: Entry) -> None:
        """Take in a draft, critique or revision of this slot."""
        match entry.kind:
            case "draft":
                self._place(fits=self.critiques == 0, entry=entry)
                self.draft, self.versions = entry, (entry,)
            case "critique":
                self._place(fits=self.draft is not None and entry.index == self.revisions, entry=entry)
                self.critique = entry
            case _:
                self._place(fits=self.draft is not None and entry.index >= self.revisions - 1, entry=entry)
                self._revise(entry)

    def hear(self, entry: Entry) -> None:
        """Take in what is said of the slot without a step being made."""
        if entry.kind == "workflow":
            self.workflow = entry
        else:
            self.pick = entry

    def correct(self, edit: Entry) -> None:
        """Take in an edit that may correct one of its texts."""
        self.query, self.versions = corrected(self.query, edit), tuple(corrected(each, edit) for each in self.versions)
        self.draft = self.draft and corrected(self.draft, edit)
        self.revision = self.revision and corrected(self.revision, edit)
        self.base = self.base and corrected(self.base, edit)

    def _revise(self, entry: Entry) -> None:
        kept = tuple(version for version in self.versions if version_of(version) < version_of(entry))
        based_on = entry.meta["based_on"]
        known = [version for version in (*kept, self.base) if version is not None and version_of(version) == based_on]
        self.base = known[0] if known else None
        self.revision, self.versions = entry, (*kept, entry)[-VERSIONS:]

    def _place(self, *, fits: bool, entry: Entry) -> None:
        """Refuse an entry that would make lengths which encode no phase."""
        if not fits:
            raise ValueError(
                f"{entry.kind} {entry.index} does not fit slot {self.number} with {self.critiques} critiques "
                f"and {self.revisions} revisions"
            )


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier slot as history shows it: the query, and the text that stood when the slot was left."""

    query: Entry
    answer: Entry


@dataclass(slots=True)
class Companion:
    """One companion of one session. Two companions are equal when their tails are.

    Attributes:
        edits: Which of its texts were corrected, and what its drafts are not shown.
    """

    companion_type: str
    configuration: Configuration | None = None
    slot: Slot | None = None
    history: deque[Exchange] = field(default_factory=lambda: deque[Exchange](maxlen=EXCHANGES))
    edits: Edits = NO_EDITS
    seq: int = 0

    @property
    def characters(self) -> int:
        """How many characters of text it holds; a text that stands in two places counts twice."""
        held = [exchange.answer for exchange in self.history] + [exchange.query for exchange in self.history]
        if self.slot is not None:
            held += [*self.slot.versions, *filter(None, (self.slot.query, self.slot.draft, self.slot.critique))]
        return sum(len(entry.text) for entry in held)

    @property
    def stepped(self) -> int:
        """The seq of its newest step or query, whatever was said beside them since; 0 without any."""
        return 0 if self.slot is None else self.slot.newest.seq

    @property
    def phase(self) -> Phase:
        """The newest slot's phase; ``draft`` without one."""
        return "draft" if self.slot is None else self.slot.phase

    def apply(self, entry: Entry) -> None:
        """Take in an entry: the only way in which a companion ever changes, live or restored.

        Raises:
            ValueError: For another companion's entry, or one that fits no place.
        """
        if entry.companion_type != self.companion_type:
            raise ValueError(f"an entry of {entry.companion_type!r} is not {self.companion_type!r}'s")
        match entry.kind:
            case "configure":
                self._configure(entry)
            case "query":
                self._open(entry)
            case "draft" | "critique" | "revision":
                if self.slot is None or self.slot.number != entry.slot:
                    raise ValueError(f"{entry.kind} of slot {entry.slot} came before its query")
                self.slot.apply(entry)
            case "workflow" | "pick" if self.slot is not None and self.slot.number == entry.slot:
                self.slot.hear(entry)
            case _:  # what is said of an earlier slot is read from the session
                return
        self.seq = entry.seq

    def _configure(self, entry: Entry) -> None:
        self.configuration, self.edits = Configuration.from_meta(entry.meta), Edits.after(entry)
        if place_corrected(entry) is None:
            return
        for number, exchange in enumerate(self.history):
            self.history[number] = Exchange(corrected(exchange.query, entry), corrected(exchange.answer, entry))
        if self.slot is not None:
            self.slot.correct(entry)

    def _open(self, entry: Entry) -> None:
        slot = self.slot
        if slot is not None and slot.number == entry.slot and slot.draft is None:
            slot.query, slot.workflow, slot.pick = entry, None, None
            return
        if slot is not None and entry.slot <= slot.number:
            raise ValueError(f"query of slot {entry.slot} came after slot {slot.number} was drafted")
        if slot is not None and slot.exchange is not None:
            self.history.append(slot.exchange)
        self.slot = Slot(entry.slot, entry)
