"""Simulating: a stored slot thought through once more, by another model or companion file, in a fork of its session.

The fork begins right before the slot, so that both know the same history; the session itself is never written to. The
loop makes the steps as it makes all others, and budgets hold for them. What is measured of both is ``simulated``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from companions.attachments import Attachment
from companions.companion import Slot
from companions.companion_types import CompanionType, Library
from companions.configuration import Defaults
from companions.errors import InputError
from companions.model_catalog import OFFLINE
from companions.models import Sampling
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller
from sessions.attached import attached
from sessions.calls import Calls, Waiting
from sessions.forking import fork
from sessions.labelling import MOST_CHARACTERS, set_title
from sessions.loops import Wish
from sessions.session import Session
from sessions.simulated import Compared, Side, side_of
from sessions.slots import TOLD, companion_at, steps_of
from sessions.steps import Desk
from sessions.usage import ASKED

UNWRITTEN = "Have one written there first, or name another slot."
NO_MODEL = "Name one that is to write: a model, or offline."


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is to be otherwise.

    Attributes:
        model: Who writes; ``None`` is who wrote before.
        max_iterations: The most iterations; ``None`` is as many as there were.
        given_by: How a draft is signed that a person gave: it is given again, for it was no model's.
    """

    model: str | None = None
    max_iterations: int | None = None
    given_by: str


def standing_in(library: Library, chosen: CompanionType, name: str) -> Library:
    """Give a library in which another companion type has the place of the one of that name."""
    others = [known for known in library.types if known.name != name]
    return Library(folder=None, types=(*others, replace(chosen, name=name)), problems=())


async def simulate(
    calls: Calls, session: Session, companion_type: str, variant: Variant, waiting: Waiting, *, slot: int | None = None
) -> Compared:
    """Think a slot through once more, with the same query and evidence and for as many iterations.

    Args:
        calls: How steps are made; its companion types are those that the simulation goes by.
        session: Where the slot is; its owner's.
        companion_type: Whose slot it is.
        variant: What is to be otherwise.
        waiting: How to wait.
        slot: Its number; ``None`` is the newest.

    Returns:
        What was measured of the stored slot and of the simulated one, which stays in its session.

    Raises:
        InputError: There is no such slot, or nobody to write.
        CompanionsError: A step failed; what was written before it stays in the fork.
    """
    owner, sessions = session.opening.owner, calls.desk.sessions
    stored = await _stored(session, companion_type, slot)
    found = stored.slot
    files = await attached(session, found.query)
    sampling = _sampling(found, variant, sessions.defaults)
    made = await fork(sessions, owner, session.session_id, found.query.seq - 1)
    title = f"Simulation of {session.session_id}, slot {found.number}"
    title += f", by {sampling.model or sampling.execution_mode}"
    await set_title(sessions, owner, made.session_id, title[:MOST_CHARACTERS])
    desk = calls.desk
    replaying = _Replaying(
        sessions=sessions,
        models=desk.models,
        allowance=desk.allowance,
        watcher=desk.watcher,
        evidence=stored.evidence,
    )
    again = _Again(
        calls=replace(calls, desk=replaying), owner=owner, session=made, companion_type=companion_type, files=files
    )
    await again.run(found, sampling, variant, waiting)
    after = await _stored(made, companion_type, None)
    return Compared(stored=stored, simulated=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """One slot's second run."""

    calls: Calls
    owner: str
    session: Session
    companion_type: str
    files: tuple[Attachment, ...]

    async def run(self, before: Slot, sampling: Sampling, variant: Variant, waiting: Waiting) -> None:
        """Draft, and go on for as many iterations as there were."""
        iterations = variant.max_iterations or before.critiques
        draft = before.draft
        text = draft.text if draft is not None and draft.meta.get("model") == variant.given_by else None
        place = (self.owner, self.session.session_id, self.companion_type)
        chosen: dict[str, Any] = {"query": before.query.text, "text": text, "sampling": sampling}
        chosen["attachments"] = self.files
        how: dict[str, Any] = {"waiting": waiting, "signature": variant.given_by}
        if not iterations:
            await self.calls.step(*place, Request(step="draft", **chosen), **how)
            return
        await self.calls.refine(*place, Wish(max_iterations=iterations, **chosen), **how)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replaying(Desk):
    """A desk whose critiques are given the evidence that the stored ones had.

    Attributes:
        evidence: By iteration.
    """

    evidence: Mapping[int, str] = field(default_factory=dict[int, str])

    async def step(self, session: Session, companion_type: str, request: Request, caller: Caller) -> Answer:
        """Make one step; see ``Desk.step``."""
        if request.step == "critique":
            slot = (await session.look(companion_type)).slot
            iteration = 1 if slot is None else slot.critiques + 1
            request = replace(request, evidence=self.evidence.get(iteration))
        return await Desk.step(self, session, companion_type, request, caller)


async def _stored(session: Session, companion_type: str, number: int | None) -> Side:
    companion = await companion_at(session, companion_type, number)
    slot = companion.slot
    if slot is None or slot.draft is None or number not in (None, slot.number):
        which = "no text" if number is None else f"no text in slot {number}"
        raise InputError(f"Session {session.session_id} has {which} of {companion_type[:64]!r}.", UNWRITTEN)
    entries = [entry async for entry in steps_of(session, companion, slot.number, kinds=TOLD)]
    return side_of(session.session_id, companion, slot, entries)


def _sampling(slot: Slot, variant: Variant, defaults: Defaults) -> Sampling:
    """Say who writes: who is named, else who wrote before, else the configured model."""
    meta: Mapping[str, Any] = {} if slot.draft is None else slot.draft.meta
    later = slot.revision or slot.critique
    before = meta.get(ASKED) or (None if later is None else later.meta.get(ASKED))
    mode = meta.get("sampling", {}).get("execution_mode")
    if variant.model == OFFLINE or (variant.model is None and mode == OFFLINE):
        return Sampling(execution_mode="offline")
    if name := variant.model or before or defaults.model:
        return Sampling(model=name, execution_mode="server")
    raise InputError("What is stored was written by a caller, and no model is configured.", NO_MODEL)
