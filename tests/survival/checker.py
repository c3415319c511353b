"""Whether what was answered is what is kept: two lists of steps in, findings out.

It reads no store and speaks to no server, so that every kind of damage can be shown to it in a test.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

from companions.entries import Entry, Kind

TEXTS = frozenset({"draft", "critique", "revision"})
SHOWN = TEXTS | {"query"}
"""Kinds that a timeline and a run_log tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry, as a reply told it, as a store gave it, or as a server showed it: the three must be equal."""

    session_id: str
    companion_type: str
    kind: Kind
    slot: int
    index: int
    seq: int
    text: str

    @classmethod
    def of(cls, session_id: str, entry: Entry) -> "Step":
        """Take from an entry what a caller was told of it."""
        return cls(
            session_id=session_id,
            companion_type=entry.companion_type,
            kind=entry.kind,
            slot=entry.slot,
            index=entry.index,
            seq=entry.seq,
            text=entry.text,
        )

    def __str__(self) -> str:
        place = f"{self.companion_type} {self.kind} {self.slot}.{self.index}"
        return f"{self.session_id} seq {self.seq}: {place} {self.text[:40]!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong, by kind of damage, each as lines to read; nothing is wrong when all are empty.

    Attributes:
        lost: Answered, and its text is nowhere.
        moved: Answered, and its text stands at another place than was told.
        twice: A text that stands in more than one place as a draft, critique or revision.
        gaps: Sessions whose numbers are not 1, 2, 3 and so on.
        impossible: Entries that no companion could have taken in the phase that it was in.
        disordered: A companion's answers whose numbers do not grow with time.
        invented: Texts that nobody sent.
        alternatives: Texts kept beside a step, as the loser of a race.
        differing: Steps that a server shows otherwise than its store has them.
    """

    lost: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    twice: frozenset[str] = frozenset()
    gaps: frozenset[str] = frozenset()
    impossible: frozenset[str] = frozenset()
    disordered: frozenset[str] = frozenset()
    invented: frozenset[str] = frozenset()
    alternatives: frozenset[str] = frozenset()
    differing: frozenset[str] = frozenset()

    def __or__(self, other: "Findings") -> "Findings":
        """Join what two looks have found; what both saw counts once."""
        return Findings(**{name: found | getattr(other, name) for name, found in self.by_name().items()})

    def by_name(self) -> dict[str, frozenset[str]]:
        return {known.name: getattr(self, known.name) for known in fields(self)}

    def lines(self) -> list[str]:
        return [f"{name}: {line}" for name, found in self.by_name().items() for line in sorted(found)]


def check(answered: Sequence[Step], kept: Sequence[Step], sent: Collection[str]) -> Findings:
    """Compare what was answered with all that a store keeps of the same sessions.

    Args:
        answered: In the order of the answers.
        kept: Whole sessions, each in the order of its numbers.
        sent: Every text that a caller ever sent, answered or not.
    """
    texts = [step for step in kept if step.kind in TEXTS]
    return Findings(
        gaps=frozenset(_gaps(kept)),
        impossible=frozenset(_impossible(kept)),
        disordered=frozenset(_disordered(answered)),
        invented=frozenset(str(step) for step in texts if step.text not in sent),
        alternatives=frozenset(str(step) for step in kept if step.kind == "alternative"),
    ) | check_seen(answered, texts)


def check_seen(answered: Iterable[Step], seen: Collection[Step]) -> Findings:
    """Find what is missing or doubled among steps, which need not be whole sessions."""
    places, texts = set(seen), Counter(step.text for step in seen if step.kind in TEXTS)
    missing = [step for step in answered if step not in places]
    return Findings(
        lost=frozenset(str(step) for step in missing if step.text not in texts),
        moved=frozenset(str(step) for step in missing if step.text in texts),
        twice=frozenset(f"{count} times {text[:40]!r}" for text, count in texts.items() if count > 1),
    )


def check_shown(shown: Collection[Step], kept: Iterable[Step]) -> Findings:
    """Compare what a server shows of whole sessions with what its store keeps of them."""
    stored = {step for step in kept if step.kind in SHOWN}
    return Findings(differing=frozenset(map(str, stored ^ set(shown))))


def _gaps(kept: Iterable[Step]) -> Iterator[str]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for step in kept:
        numbers[step.session_id].append(step.seq)
    for session_id, found in numbers.items():
        wrong = next((place for place, seq in enumerate(found, start=1) if place != seq), None)
        if wrong is not None:
            yield f"{session_id}: {found[wrong - 1]} stands where {wrong} should"


def _disordered(answered: Iterable[Step]) -> Iterator[str]:
    newest: dict[tuple[str, str], int] = {}
    for step in answered:
        companion = step.session_id, step.companion_type
        if step.seq <= newest.get(companion, 0):
            yield f"{step} was answered behind seq {newest[companion]}"
        newest[companion] = step.seq


def _impossible(kept: Iterable[Step]) -> Iterator[str]:
    companions: dict[tuple[str, str], _Lengths] = defaultdict(_Lengths)
    for step in kept:
        if (complaint := companions[step.session_id, step.companion_type].take(step)) is not None:
            yield f"{step}: {complaint}"


@dataclass(slots=True)
class _Lengths:
    """One companion's newest slot by its lengths: the rule by which a phase is read, and nothing of our own code.

    Attributes:
        drafts: 0 or 1; a caller of these tests never writes a step again.
    """

    configured: bool = False
    slot: int = -1
    drafts: int = 1
    lengths: Counter[str] = field(default_factory=Counter[str])

    def take(self, step: Step) -> str | None:
        """Take a step in; gives what is impossible about it."""
        match step.kind:
            case "configure":
                self.configured = True
                return None
            case "query":
                return self._open(step)
            case "draft" | "critique" | "revision":
                return self._add(step)
            case _:
                return None

    def _open(self, step: Step) -> str | None:
        expected = self.slot + self.drafts
        self.slot, self.drafts = step.slot, 0
        self.lengths.clear()
        if not self.configured:
            return "a query before any configuration"
        return None if step.slot == expected else f"slot {expected} should open"

    def _add(self, step: Step) -> str | None:
        before = f"{self.drafts} drafts, {self.lengths['critique']} critiques, {self.lengths['revision']} revisions"
        possible = step.slot == self.slot and step.index == self._next(step.kind)
        if step.kind == "draft":
            self.drafts = 1
        else:
            self.lengths[step.kind] = step.index + 1
        return None if possible else f"after slot {self.slot} with {before}"

    def _next(self, kind: str) -> int | None:
        """Give the index that a step of this kind must have now, if it is possible at all."""
        critiques, revisions = self.lengths["critique"], self.lengths["revision"]
        match kind:
            case "draft":
                return None if self.drafts else 0
            case "critique":
                return critiques if self.drafts and critiques == revisions else None
            case _:
                return revisions if critiques == revisions + 1 else None
