"""What a step answers: the stored entry and where its companion stood at that moment, frozen.

Surfaces turn an answer into their own wire; nothing here is worded for one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from companions.attachments import Attachment
from companions.companion import Companion, Phase
from companions.configuration import ThresholdSource
from companions.entries import Entry
from companions.models import ExecutionMode, Step
from companions.next_step import NextStep, next_step, stop_reason
from companions.picking import outscored


class Given(Protocol):
    """What a call is answered with."""

    @property
    def status(self) -> str:
        """``running`` while it goes on in the background."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The state of a companion after a step, or while the caller is asked to write one.

    Attributes:
        status: ``done``: the step is stored; ``write``: the caller is to write it.
        step: The step that was asked for.
        entry: The stored text; ``None`` when the caller is to write it.
        written_by_caller: Whether the caller sent the stored text itself in this call.
        already_done: Whether the step had been made before.
        not_recorded: What of this call was not taken, and what would take it.
        instructions: For ``write``: the prompt, as ``system`` and ``user``.
        attachments: For ``write``: what stands beside the prompt.
        again: For ``write``: what the call with the text has to give once more: nothing of it is kept in between.
        mode: Who writes for this call.
        advice: What the caller should know besides, a sentence each.
        basis: The numbers behind a learned threshold; empty where it was not learned.
        outscored: That a version has a higher score than the current text, as a clause; ``None`` once one was picked.
        iteration: The 1-based number of the critique that the step belongs to; 0 for a draft.
    """

    session_id: str
    companion_type: str
    status: Literal["done", "write"]
    step: Step
    slot: int
    iteration: int
    phase: Phase
    next: NextStep
    mode: ExecutionMode
    threshold: float
    threshold_source: ThresholdSource
    stop_reason: str | None = None
    query: str = ""
    entry: Entry | None = None
    written_by_caller: bool = False
    already_done: bool = False
    not_recorded: str | None = None
    instructions: Mapping[str, str] = field(default_factory=dict[str, str])
    attachments: tuple[Attachment, ...] = ()
    again: Mapping[str, Any] = field(default_factory=dict[str, Any])
    advice: tuple[str, ...] = ()
    basis: Mapping[str, float] = field(default_factory=dict[str, float])
    outscored: str | None = None


def answer(
    session_id: str,
    companion: Companion,
    step: Step,
    mode: ExecutionMode,
    entry: Entry | None,
    *,
    written_by_caller: bool = False,
    already_done: bool = False,
    not_recorded: str | None = None,
    instructions: Mapping[str, str] | None = None,
    again: Mapping[str, Any] | None = None,
    attachments: tuple[Attachment, ...] = (),
) -> Answer:
    """Take the picture of a companion; called under its lock."""
    slot, configuration = companion.slot, companion.configuration
    if slot is None or configuration is None:
        raise ValueError("only a configured companion with a slot has an answer")
    return Answer(
        session_id=session_id,
        companion_type=companion.companion_type,
        status="write" if entry is None else "done",
        step=step,
        slot=slot.number if entry is None else entry.slot,
        iteration=_iteration(companion, step, entry, redo="redo" in (again or {})),
        phase=slot.phase,
        next=next_step(companion),
        mode=mode,
        threshold=configuration.threshold,
        threshold_source=configuration.threshold_source,
        stop_reason=stop_reason(companion),
        query=slot.query.text,
        entry=entry,
        written_by_caller=written_by_caller,
        already_done=already_done,
        not_recorded=not_recorded,
        instructions=instructions or {},
        again=again or {},
        attachments=attachments,
        basis=slot.query.meta.get("basis", {}),
        outscored=outscored(slot) if slot.picked is None else None,
    )


def _iteration(companion: Companion, step: Step, entry: Entry | None, *, redo: bool) -> int:
    """Number the critique that a step belongs to, written or still to be written."""
    if entry is not None:
        return 0 if entry.kind == "draft" else entry.index + 1
    slot = companion.slot
    if slot is None or step == "draft":
        return 0
    return slot.critiques + (1 if step == "critique" and not redo else 0)
