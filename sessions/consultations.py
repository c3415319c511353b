"""A consultation as it is found and as it is answered: what is stored of it, and the picture of where it stands.

It changes nothing; what is asked is told by ``questions``, and what a consultation does is ``consulting``'s work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from companions.companion import Companion
from companions.edits import texts_of
from companions.entries import Entry
from companions.errors import BudgetError, CompanionsError, InputError, SlotLeftError
from companions.requests import SlotName
from sessions.answers import Answer
from sessions.branches import branch_states
from sessions.loops import Status
from sessions.questions import Question
from sessions.session import Session
from sessions.slots import companion_at
from sessions.workflows import consultation, failures, states


@dataclass(frozen=True, slots=True, kw_only=True)
class Consulted:
    """Where a consultation stands when its call is answered.

    Attributes:
        status: ``done``; ``write``: the caller is to write what ``answer`` hands out; ``running``: it goes on, or was
            paused before its end.
        slot: The synthesizer's.
        companions: By contributor, its ``status`` (``done``, ``waiting`` or ``failed``), and where its draft stands.
        answer: The step that the caller is to write.
        shown: The synthesis, once there is one.
    """

    session_id: str
    synthesizer: str
    status: Status
    slot: int
    phase: str
    workflow_id: str | None
    companions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    answer: Answer | None = None
    shown: Entry | None = None
    not_recorded: str | None = None
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A consultation on its synthesizer's slot, as a call found it: the companion may be given another query meanwhile.

    Attributes:
        synthesizer: Whose slot it is.
        slot: Its number.
        query: What is asked; the contributions are drafts that came after it.
        known: What is recorded of the consultation.
        draft: The synthesis, once there is one.
    """

    synthesizer: str
    slot: int
    query: Entry
    known: Mapping[str, Any]
    draft: Entry | None = None

    @property
    def types(self) -> Sequence[str]:
        """Who drafts for it."""
        return self.known["companion_types"]

    @property
    def names(self) -> Sequence[str]:
        """Who contributes: those who draft, and the sessions whose answers were brought."""
        return [*self.types, *branch_states(self.known)]

    @property
    def place(self) -> SlotName:
        """How its slot is named."""
        return self.slot, self.query.text

    def stored(self, made: Mapping[str, Entry], question: Question) -> bool:
        """Tell whether a call's text is stored: the one of the companion that it names, else the newest of all."""
        texts = {**made} if self.draft is None else {**made, self.synthesizer: self.draft}
        newest = max(texts.values(), key=lambda entry: entry.seq, default=None)
        known = newest if question.text_for is None else texts.get(question.text_for)
        return known is not None and known.text == question.text


def begun_on(companion: Companion, query: str | None) -> Begun | None:
    """Give the consultation that a synthesizer is at, or was at last, if it is on this query."""
    slot, known = companion.slot, consultation(companion.slot)
    if slot is None or known is None or (query is not None and query not in texts_of(slot.query)):
        return None
    name = companion.companion_type
    return Begun(synthesizer=name, slot=slot.number, query=slot.query, known=known, draft=slot.draft)


async def told(
    session: Session, begun: Begun, status: Status, answer: Answer | None, failed: Mapping[str, str]
) -> Consulted:
    """Take the picture of a consultation, whatever its synthesizer was asked since.

    Args:
        session: Its session.
        begun: As it was found, or as it was left.
        status: How its call is answered.
        answer: The step that the caller is to write.
        failed: Who failed in this call, and of what.
    """
    known = {**begun.known, "failures": {**failures(begun.known), **failed}}
    stands = await states(session.look, known, begun.query)
    companion = await companion_at(session, begun.synthesizer, begun.slot)
    standing = _standing(session, companion, begun, stands)
    advice = standing.advice if answer is None else (*answer.advice, *standing.advice)
    return replace(standing, status=status, answer=answer, advice=advice)


async def going_on(session: Session, question: Question, *, closed: bool) -> Consulted:
    """Tell of a consultation that goes on; while the program ends, from memory alone: the store is being let go of."""
    look = partial(session.look, remembered=closed)
    companion = await look(question.synthesizer)
    begun = begun_on(companion, question.query)
    stands = {} if begun is None else await states(look, begun.known, begun.query)
    return _standing(session, companion, begun, stands)


def _standing(
    session: Session, companion: Companion, begun: Begun | None, stands: Mapping[str, Mapping[str, Any]]
) -> Consulted:
    slot = companion.slot
    own = slot if slot is not None and begun is not None and slot.query.seq == begun.query.seq else None
    return Consulted(
        session_id=session.session_id,
        synthesizer=companion.companion_type,
        status="running",
        slot=0 if slot is None else slot.number,
        phase=companion.phase,
        workflow_id=None if begun is None else begun.known.get("workflow_id"),
        companions=stands,
        shown=None if own is None else own.answer,
        advice=tuple(f"{name} failed: {each['error']}" for name, each in stands.items() if "error" in each),
    )


def goes_on(companion: Companion, question: Question) -> bool:
    """Tell whether a question goes on with the consultation that its synthesizer is at, or was at last.

    Raises:
        InputError: It is the same query, put to others.
    """
    begun = begun_on(companion, question.query)
    if begun is None:
        return False
    if question.companion_types is not None and {*question.companion_types} != {*begun.names}:
        raise InputError(
            f"This query is put to {', '.join(begun.names)} here.",
            "Leave out companion_types to go on with that, or session_id for a session of its own.",
        )
    return True


def left(synthesizer: str) -> SlotLeftError:
    """Make the error of a consultation whose synthesizer was given another query before the synthesis."""
    return SlotLeftError(
        f"Another query was put to {synthesizer!r} meanwhile, so this consultation ended without a synthesis.",
        "Its contributions are kept; call consult with the query and without session_id, or with another synthesizer.",
    )


def waited_for(known: Mapping[str, Any]) -> InputError:
    """Make the error of a step that would take the place of a consultation's synthesis."""
    name = known["orchestrator"]
    return InputError(
        f"This query waits for its consultation, which {name!r} is to draw together.",
        f"Call consult with the session_id and synthesizer {name!r}, or give another query.",
    )


def all_failed(failures: Sequence[CompanionsError]) -> CompanionsError:
    """Give the error of a consultation to which nobody contributed: the first one's.

    A budget refuses each with the same numbers, so they are said once, with how many it left unasked.
    """
    first, refused = failures[0], len(failures)
    if refused > 1 and all(isinstance(each, BudgetError) for each in failures):
        return first.with_remedy(f"None of the {refused} companions was asked. {first.remedy}")
    return first
