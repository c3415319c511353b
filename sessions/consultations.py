"""A consultation as it is asked for and as it is answered: the question, and the picture of where it stands.

It changes nothing; what a consultation does is ``consulting``'s work.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from companions.companion import Companion
from companions.entries import Entry
from companions.errors import BudgetError, CompanionsError, InputError
from companions.models import Sampling
from companions.requests import check_text
from sessions.answers import Answer
from sessions.loops import Status
from sessions.session import Session
from sessions.workflows import consultation, states

SYNTHESIZER = "strategy"
CONTRIBUTORS = ("generic", "marketing", "bug_triage")
"""Who is asked when the call names nobody."""
MOST = 8
"""Most companions of one consultation: they are all asked at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a call for a consultation asks.

    Attributes:
        query: ``None`` goes on with the consultation that the synthesizer is at.
        companion_types: Who is to contribute; ``None`` leaves it to what was asked before, or to the usual ones.
        synthesizer: Who draws the contributions together.
        text: What the caller wrote for the companion whose turn it is.
        text_for: The companion that it was written for, as it was handed out; ``None`` if that is not told.
        sampling: What each text is asked for.
        text_limit: The most bytes of UTF-8 that any one text may have.
    """

    query: str | None = None
    companion_types: tuple[str, ...] | None = None
    synthesizer: str = SYNTHESIZER
    text: str | None = None
    text_for: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    text_limit: int = 200_000

    def __post_init__(self) -> None:
        """Refuse what nobody can be asked."""
        check_text("query", self.query, self.text_limit)
        check_text("text", self.text, self.text_limit)
        names = self.companion_types
        if names is None:
            return
        if not 1 <= len(names) <= MOST or len({*names}) < len(names):
            raise InputError(
                f"companion_types holds {len(names)} names, {len({*names})} of them different.",
                f"Name 1 to {MOST} companions, each once.",
            )
        if self.synthesizer in names:
            raise InputError(
                f"{self.synthesizer!r} draws the contributions together and cannot contribute too.",
                "Leave it out of companion_types, or name another synthesizer.",
            )

    @property
    def contributors(self) -> tuple[str, ...]:
        """Who is asked for contributions when it begins."""
        return self.companion_types or tuple(name for name in CONTRIBUTORS if name != self.synthesizer)

    def workflow(self) -> dict[str, Any]:
        """Give what is recorded of the consultation when it begins."""
        chain = [("caller", self.synthesizer), *((self.synthesizer, name) for name in self.contributors)]
        return {
            "workflow_id": secrets.token_hex(8),
            "workflow": "consult",
            "orchestrator": self.synthesizer,
            "companion_types": list(self.contributors),
            "delegation": [{"from": giver, "to": taker} for giver, taker in chain],
            "started_at": time.time(),
        }


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


async def told(
    session: Session, synthesizer: str, status: Status, answer: Answer | None = None, *, closed: bool = False
) -> Consulted:
    """Take the picture of a consultation; while the program ends, from memory alone: the store is being let go of."""
    look = partial(session.look, remembered=closed)
    companion = await look(synthesizer)
    slot, known = companion.slot, consultation(companion.slot) or {}
    stands = await states(look, known, slot.query) if slot is not None and known else {}
    failed = [f"{name} failed: {each['error']}" for name, each in stands.items() if "error" in each]
    return Consulted(
        session_id=session.session_id,
        synthesizer=synthesizer,
        status=status,
        slot=0 if slot is None else slot.number,
        phase=companion.phase,
        workflow_id=known.get("workflow_id"),
        companions=stands,
        answer=answer,
        shown=None if slot is None else slot.answer,
        advice=(*(() if answer is None else answer.advice), *failed),
    )


def goes_on(companion: Companion, question: Question) -> bool:
    """Tell whether a question goes on with the consultation that its synthesizer is at, or was at last.

    Raises:
        InputError: It is the same query, put to others.
    """
    slot, known = companion.slot, consultation(companion.slot)
    if slot is None or known is None or question.query not in (None, slot.query.text):
        return False
    if question.companion_types is not None and {*question.companion_types} != {*known["companion_types"]}:
        raise InputError(
            f"This query is put to {', '.join(known['companion_types'])} here.",
            "Leave out companion_types to go on with that, or session_id for a session of its own.",
        )
    return True


def all_failed(failures: Sequence[CompanionsError]) -> CompanionsError:
    """Give the error of a consultation to which nobody contributed: the first one's.

    A budget refuses each with the same numbers, so they are said once, with how many it left unasked.
    """
    first, refused = failures[0], len(failures)
    if refused > 1 and all(isinstance(each, BudgetError) for each in failures):
        return first.with_remedy(f"None of the {refused} companions was asked. {first.remedy}")
    return first
