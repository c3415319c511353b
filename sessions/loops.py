"""A loop as it is asked for and as it is answered: the wish, and the picture of where it stands.

Values only; what a loop does is ``refining``'s work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from companions.attachments import Attachment
from companions.companion import Companion, Slot
from companions.configuration import ThresholdSource
from companions.entries import Entry
from companions.errors import InputError
from companions.models import Sampling
from companions.next_step import NextStep, next_step, stop_reason
from companions.requests import Request
from sessions.advising import of_fallback
from sessions.answers import Answer
from sessions.budgets import Loop
from sessions.usage import tokens

BOUNDS = ("max_iterations", "budget_tokens")
UNSCORED = "The score was not recorded: it is said of a revision, and comes with its text."
UNSATISFIED = "satisfied=true was not taken: it is said of a critique, and this call opens a question with its draft."
UNCOUNTED = "budget_tokens counts what models of the server use; what you write yourself is not counted."
Status = Literal["done", "write", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a call for the loop asks.

    Attributes:
        attachments: Files that belong to the query.
        text: What the caller wrote for the step that comes next.
        text_for: The step that it was written for, as it was handed out (see ``due``); ``None`` if that is not told.
        satisfied: The caller critiqued and found nothing left to improve.
        score: The caller's own mark for the revision that ``text`` is.
        max_iterations: At least 1; ``None`` leaves what was asked before, or the companion's own.
        budget_tokens: Most tokens that the slot's steps may use, the pick included; ``None`` likewise.
    """

    query: str | None = None
    attachments: tuple[Attachment, ...] = ()
    text: str | None = None
    text_for: str | None = None
    satisfied: bool = False
    score: float | None = None
    max_iterations: int | None = None
    budget_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    text_limit: int = 200_000

    def __post_init__(self) -> None:
        """Refuse bounds that no loop can keep."""
        for name in BOUNDS:
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"{name} is {value}.", f"Give at least 1 for {name}, or leave it out.")

    def asks(self, query: Entry) -> bool:
        """Tell whether it asks what a query asks already."""
        return Request(step="draft", query=self.query, attachments=self.attachments).asks(query)

    def lacks_revision(self, slot: Slot, coming: NextStep) -> bool:
        """Tell whether a score came without the revision that it is of."""
        if slot.revision is not None and self.text == slot.revision.text:
            return self.score not in (None, slot.revision.meta.get("score"))
        return self.score is not None and (self.text is None or coming.step != "revise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """Where a loop stands when its call is answered.

    Attributes:
        status: ``done``; ``write``: the caller is to write what ``answer`` or ``comparison`` hands out; ``running``: it
            was paused before its end.
        answer: The newest step of this call, or the one to write; ``None`` if none was made.
        comparison: Two texts to compare, as ``system`` and ``user``.
        due: Names the step that comes next; ``None`` once the loop has ended.
        shown: The version that is the answer so far; ``None`` before the draft.
        versions: How many there are.
        threshold_source: Who set the threshold; ``basis`` has the numbers behind a learned one.
        advice: What the caller should know besides, a sentence each.
        not_recorded: What of the call was not taken, and what would take it.
    """

    session_id: str
    companion_type: str
    status: Status
    slot: int
    phase: str
    iteration: int
    versions: int
    threshold: float | None
    threshold_source: ThresholdSource | None
    stop_reason: str | None
    why: str
    workflow_id: str | None
    answer: Answer | None = None
    comparison: Mapping[str, str] = field(default_factory=dict[str, str])
    due: str | None = None
    shown: Entry | None = None
    newest: Entry | None = None
    pick: Entry | None = None
    advice: tuple[str, ...] = ()
    not_recorded: str | None = None
    basis: Mapping[str, float] = field(default_factory=dict[str, float])


def due(companion: Companion) -> str | None:
    """Name the step that comes next, so that a text which comes too late is not taken for another step's."""
    coming, slot = next_step(companion).step, companion.slot
    if coming is None or slot is None:
        return None
    number = slot.critiques + (coming == "critique")
    return f"{coming} {number} of slot {slot.number}" if coming != "draft" else f"draft of slot {slot.number}"


def told(
    session_id: str,
    companion: Companion,
    status: Status,
    *,
    answer: Answer | None = None,
    comparison: Mapping[str, str] | None = None,
    advice: tuple[str, ...] = (),
    not_recorded: str | None = None,
) -> Refined:
    """Take the picture of a loop."""
    slot, configuration = companion.slot, companion.configuration
    workflow = None if slot is None or slot.workflow is None else slot.workflow.meta.get("workflow_id")
    return Refined(
        session_id=session_id,
        companion_type=companion.companion_type,
        status=status,
        slot=0 if slot is None else slot.number,
        phase=companion.phase,
        iteration=0 if slot is None else slot.critiques,
        versions=0 if slot is None or slot.draft is None else slot.revisions + 1,
        threshold=None if configuration is None else configuration.threshold,
        threshold_source=None if configuration is None else configuration.threshold_source,
        stop_reason=stop_reason(companion),
        why=next_step(companion).why,
        workflow_id=workflow,
        answer=answer,
        comparison=comparison or {},
        due=due(companion),
        shown=None if slot is None else slot.answer,
        newest=None if slot is None else slot.revision or slot.draft,
        pick=None if slot is None else slot.picked,
        advice=tuple(dict.fromkeys((*(() if answer is None else answer.advice), *_stood_in(slot), *advice))),
        not_recorded=not_recorded,
        basis={} if slot is None else slot.query.meta.get("basis", {}),
    )


def _stood_in(slot: Slot | None) -> tuple[str, ...]:
    """Tell that another model wrote the answer than the one in force."""
    told = None if slot is None or slot.answer is None else of_fallback(slot.answer)
    return () if told is None else (told,)


def is_stored(text: str, slot: Slot) -> bool:
    """Tell whether a text is one of those that a slot was given last."""
    known = (slot.newest, slot.draft, slot.critique, *slot.versions)
    return any(entry is not None and entry.text == text for entry in known)


def progress(answer: Answer, loop: Loop | None) -> str:
    """Tell how far a loop is: phase, iteration, similarity, tokens."""
    said = [f"{answer.step} done", f"iteration {answer.iteration}"]
    entry = answer.entry
    if entry is not None and entry.meta.get("similarity") is not None:
        said.append(f"similarity {entry.meta['similarity']:.3f}")
    if loop is not None:
        said.append(f"{loop.spent.tokens:,} of {loop.budget.tokens:,} tokens")
    elif entry is not None and (used := tokens(entry.meta.get("usage", {}))):
        said.append(f"{used:,} tokens")
    return ", ".join(said)
