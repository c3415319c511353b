"""What is asked of a companion, and what it comes to: the values that pass between planning, writing and judging."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from companions.attachments import Attachment, told_of
from companions.checks import Failing
from companions.configuration import Configuration
from companions.critics import Critic
from companions.edits import texts_of
from companions.entries import Entry, Note
from companions.errors import InputError
from companions.models import ExecutionMode, Sampling, Step

SlotName = tuple[int, str]
"""A slot by its number and its query: one that waits for its draft may be given another query."""
Brought = tuple[str, Mapping[str, Any]]
"""A text from elsewhere that a workflow is given to begin with, and what is told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks of a companion.

    Attributes:
        query: For a draft: the question; ``None`` means the one that waits.
        text: The step's text, when the caller wrote it itself.
        attachments: For a draft: files that belong to its query.
        evidence: For a critique: facts to weigh, kept with it.
        satisfied: For a critique that the caller wrote: it found nothing left to improve.
        score: For a revision: the caller's own mark for it.
        redo: Write the newest step again.
        workflow: For a draft that opens a slot: what the loop on it is bounded by, recorded behind the query.
        brought: Recorded between the two.
        slot: The slot that the step is for; ``None`` means whichever is the newest.
        text_limit: The most bytes of UTF-8 that any one text may have.
    """

    step: Step
    query: str | None = None
    attachments: tuple[Attachment, ...] = ()
    text: str | None = None
    evidence: str | None = None
    satisfied: bool = False
    score: float | None = None
    redo: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    workflow: Mapping[str, Any] | None = field(default=None, hash=False)
    brought: tuple[Brought, ...] = field(default=(), hash=False)
    slot: SlotName | None = None
    text_limit: int = 200_000

    def __post_init__(self) -> None:
        """Refuse texts that say nothing, are too long, or cannot be written down."""
        for name in ("query", "text", "evidence"):
            check_text(name, getattr(self, name), self.text_limit)

    @property
    def described(self) -> Hashable:
        """What a call that asks for the same is known by, without holding the bytes of attachments."""
        files = tuple((each.name, each.mime_type, each.sha256) for each in self.attachments)
        return replace(self, attachments=()), files

    def asks(self, query: Entry) -> bool:
        """Tell whether a draft asks what a query asks already; what it leaves out is the same."""
        files = told_of(self.attachments) or query.meta.get("attachments", [])
        same = self.query is None or self.query in texts_of(query)
        return same and files == query.meta.get("attachments", [])


@dataclass(frozen=True, slots=True)
class Repeat:
    """The step was done already; ``entry`` is its stored text."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One text to write.

    Attributes:
        slot, index: Where it goes.
        query: The query to record before the text is written, or ``None`` when it is recorded already.
        attachments: What is told with it of its attachments.
        configure: The configuration to record first, or ``None`` when the present one holds.
        configuration: The configuration in force.
        base: The current text that the step looks at; ``None`` for a draft.
        replaces: The entry that a redo writes again.
    """

    request: Request
    slot: int
    index: int
    query: str | None = None
    attachments: Sequence[Mapping[str, Any]] = ()
    configure: Configuration | None = None
    configuration: Configuration
    base: Entry | None = None
    replaces: Entry | None = None

    @property
    def step(self) -> Step:
        """What kind of text."""
        return self.request.step

    @property
    def sampling(self) -> Sampling:
        """The choices in force for this call."""
        return self.configuration.sampling(self.request.sampling, self.step)

    @property
    def mode(self) -> ExecutionMode:
        """Who writes: whoever was asked to; but a text that came with the call is the caller's, whatever the mode."""
        given = self.request.text is not None or self.request.satisfied
        return "client" if given else self.sampling.execution_mode or "client"

    @property
    def critics(self) -> tuple[Critic, ...]:
        """Who is to criticise side by side; empty for other steps, and where the caller or the editor is the critic."""
        return self.configuration.critics if self.step == "critique" and self.mode == "server" else ()

    @property
    def unmet(self) -> Failing:
        """The checks that the text which the step looks at fails."""
        return () if self.base is None else self.base.meta.get("checks", ())

    def notes_before(self, companion_type: str) -> list[Note]:
        """Give what is recorded before the text is written, so that a failed draft keeps its query."""
        notes: list[Note] = []
        if self.configure is not None:
            meta = self.configure.to_meta()
            notes.append(Note(companion_type=companion_type, kind="configure", slot=self.slot, meta=meta))
        if self.query is not None:
            # Kept with the slot, so that reading it back does not mean looking for the configuration of that time.
            meta = {name: getattr(self.configuration, name) for name in ("threshold", "threshold_source")}
            if self.configuration.basis:
                meta["basis"] = dict(self.configuration.basis)
            if self.attachments:
                meta["attachments"] = [dict(each) for each in self.attachments]
            notes.append(Note(companion_type=companion_type, kind="query", slot=self.slot, text=self.query, meta=meta))
            if (bounds := self.request.workflow) is not None:
                notes += workflow_notes(companion_type, self.slot, bounds, self.request.brought)
        return notes


def workflow_notes(
    companion_type: str, slot: int, workflow: Mapping[str, Any], brought: Sequence[Brought] = ()
) -> list[Note]:
    """Give what is recorded of a slot's workflow: what it is goes last, so that the newest entry says it."""
    said = [*brought, ("", workflow)]
    return [
        Note(companion_type=companion_type, kind="workflow", slot=slot, text=text, meta=meta) for text, meta in said
    ]


def check_text(name: str, text: str | None, limit: int) -> None:
    """Refuse an empty text, one over the limit, or one with lone surrogates, which no store and no wire can carry."""
    if text is None:
        return
    if not text.strip():
        raise InputError(f"The {name} is empty.", f"Give a {name} with words in it, or leave it out.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InputError(f"The {name} holds half of a character.", "Send it as valid Unicode.") from None
    if size > limit:
        raise InputError(f"The {name} has {size:,} bytes; the limit is {limit:,}.", "Shorten it or split it up.")
