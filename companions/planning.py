"""What a step may do: the one place that checks a phase.

``plan`` looks at a companion and a request and says: this was done already, or this is to be written. It changes
nothing and writes nothing: ``tasks`` builds what a writer is given, ``outcomes`` judges what was written, sessions
record it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from companions.attachments import told_of
from companions.companion import Companion, Slot
from companions.configuration import Configuration
from companions.entries import Entry
from companions.errors import InputError, PhaseError, SlotLeftError
from companions.models import Step
from companions.requests import Plan, Repeat, Request, SlotName

Told = Mapping[str, Any]


def plan(companion: Companion, request: Request, wanted: Configuration) -> Plan | Repeat:
    """Say what a request comes to in the companion's phase.

    Args:
        companion: The companion as it is now.
        request: What is asked.
        wanted: The configuration that a new slot would take.

    Raises:
        PhaseError: The step is not possible in this phase; the message says which is.
        SlotLeftError: The request is for another slot than the newest.
        InputError: The request lacks something.
    """
    check_slot(companion.slot, request.slot)
    match request.step:
        case "draft":
            return _plan_draft(companion, request, wanted)
        case "critique":
            return _plan_critique(companion, request)
        case "revise":
            return _plan_revision(companion, request)


def name_of(slot: Slot) -> SlotName:
    """Name a slot, so that it is known again."""
    return slot.number, slot.query.text


def check_slot(slot: Slot | None, meant: SlotName | None) -> None:
    """Refuse what is meant for another slot than the newest; ``None`` means any.

    Raises:
        SlotLeftError: Another question was put to the companion since.
    """
    if meant is None or (slot is not None and name_of(slot) == meant):
        return
    raise SlotLeftError(
        f"Another question was put to this companion meanwhile, so the loop on its slot {meant[0]} has ended there.",
        "Nothing of it is lost: show_thinking has that slot. Call refine with its query to go on in a new one.",
    )


def _plan_draft(companion: Companion, request: Request, wanted: Configuration) -> Plan | Repeat:
    slot = companion.slot
    if slot is None or slot.draft is None:
        return _waiting_draft(companion, request, wanted)
    if not request.asks(slot.query):
        if request.query is None:
            raise PhaseError(
                "This draft is written already, and attachments belong to a query.",
                "Call draft with the query as well, to open a new slot.",
            )
        return _new_slot(companion, request, wanted, request.query)
    if request.redo and slot.critiques == 0:
        return Plan(
            request=request, slot=slot.number, index=0, configuration=_configured(companion), replaces=slot.draft
        )
    if request.redo and slot.critiques > 0:
        return _new_slot(companion, request, wanted, slot.query.text, slot.query.meta.get("attachments", ()))
    if request.query is None and slot.critiques > 0:
        raise PhaseError(
            "This draft has been critiqued already, and no new query was given.",
            f"Call draft with a query to open a new slot, or {slot.phase} to go on with this one.",
        )
    return Repeat(slot.draft)


def _waiting_draft(companion: Companion, request: Request, wanted: Configuration) -> Plan:
    """The first draft, or the draft of a slot whose query waits; another query takes the waiting one's place."""
    slot = companion.slot
    if slot is None:
        if request.query is None:
            raise InputError("A first draft needs a query.", "Call draft with query: the question to think through.")
        return _new_slot(companion, request, wanted, request.query)
    if request.asks(slot.query):
        return Plan(request=request, slot=slot.number, index=0, configuration=_configured(companion))
    return _new_slot(companion, request, wanted, request.query or slot.query.text)


def _new_slot(
    companion: Companion, request: Request, wanted: Configuration, query: str, attachments: Sequence[Told] = ()
) -> Plan:
    slot = companion.slot
    number = 0 if slot is None else slot.number + (slot.draft is not None)
    changed = companion.configuration != wanted
    return Plan(
        request=request,
        slot=number,
        index=0,
        query=query,
        attachments=told_of(request.attachments) or attachments,
        configure=wanted if changed else None,
        configuration=wanted,
    )


def _plan_critique(companion: Companion, request: Request) -> Plan | Repeat:
    slot = _drafted(companion, "critique")
    if slot.phase == "critique":
        if request.redo:
            raise _nothing_to_redo(slot)
        return Plan(
            request=request,
            slot=slot.number,
            index=slot.critiques,
            configuration=_configured(companion),
            base=slot.current,
        )
    if slot.critique is None:
        raise ValueError(f"slot {slot.number} waits for a revision without a critique")
    if not request.redo:
        return Repeat(slot.critique)
    return Plan(
        request=request,
        slot=slot.number,
        index=slot.critique.index,
        configuration=_configured(companion),
        base=slot.current,
        replaces=slot.critique,
    )


def _plan_revision(companion: Companion, request: Request) -> Plan | Repeat:
    slot = _drafted(companion, "revise")
    if slot.phase == "revise":
        if request.redo:
            raise PhaseError(
                f"Critique {slot.critiques} has not been answered yet, so there is no revision of it to redo.",
                "Call revise without redo to answer it.",
            )
        return Plan(
            request=request,
            slot=slot.number,
            index=slot.revisions,
            configuration=_configured(companion),
            base=slot.current,
        )
    if slot.revision is None:
        raise PhaseError("There is no critique to answer yet.", "Call critique first, then revise.")
    if not request.redo or _is_confirmed(slot.revision, request):
        return Repeat(slot.revision)
    return Plan(
        request=request,
        slot=slot.number,
        index=slot.revision.index,
        configuration=_configured(companion),
        base=slot.base,
        replaces=slot.revision,
    )


def _is_confirmed(revision: Entry, request: Request) -> bool:
    """Tell whether a text was sent again and taken before: whoever calls once more has missed the answer."""
    known = revision.meta
    return (
        known.get("confirmed", False) and request.text == revision.text and request.score in (None, known.get("score"))
    )


def _nothing_to_redo(slot: Slot) -> PhaseError:
    if slot.critiques == 0:
        return PhaseError("There is no critique to redo yet.", "Call critique without redo to write the first.")
    return PhaseError(
        f"Critique {slot.critiques} has been answered by a revision, so it cannot be redone.",
        "Call revise with redo to write that revision again, or critique without redo for the next critique.",
    )


def _drafted(companion: Companion, step: Step) -> Slot:
    """Give the newest slot, which must have its draft."""
    slot = companion.slot
    if slot is None or slot.draft is None:
        raise PhaseError(f"There is no draft to {step} yet.", "Call draft first.")
    return slot


def _configured(companion: Companion) -> Configuration:
    if companion.configuration is None:
        raise ValueError(f"companion {companion.companion_type!r} has a slot but was never configured")
    return companion.configuration
