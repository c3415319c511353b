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
JOINED = "Name the slot of a contributor, or of another question."


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is to be otherwise.

    Attributes:
        model: Who writes everything; ``None`` leaves it to the companion's configuration.
        other_types: Whether other companion types stand in: then they say who writes, else who wrote before does.
        max_iterations: The most iterations; ``None`` is as many as there were.
        given_by: How a draft is signed that a person gave: it is given again, for it was no model's.
    """

    model: str | None = None
    other_types: bool = False
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
        InputError: There is no such slot, a consultation is on it, or there is nobody to write.
        UnknownNameError: There is no such companion type.
        CompanionsError: A step failed; what was written before it stays in the fork.
    """
    owner, sessions = session.opening.owner, calls.desk.sessions
    stored = await _stored(session, companion_type, slot)
    found = stored.slot
    files = await attached(session, found.query)
    configuration = (await session.look(companion_type)).configuration
    own = (await sessions.read_library()).get(companion_type)
    asked = None if configuration is None else configuration.asked.get("model")
    writing = _writing(found, variant, own, sessions.defaults, asked)
    made = await fork(sessions, owner, session.session_id, found.query.seq - 1)
    title = f"Simulation of {session.session_id}, slot {found.number}"
    title += f", by {writing.who}"
    await set_title(sessions, owner, made.session_id, title[:MOST_CHARACTERS])
    desk = calls.desk
    replaying = _Replaying(
        sessions=sessions,
        models=desk.models,
        allowance=desk.allowance,
        outages=desk.outages,
        watcher=desk.watcher,
        evidence=stored.evidence,
        model=writing.configured,
    )
    again = _Again(
        calls=replace(calls, desk=replaying), owner=owner, session=made, companion_type=companion_type, files=files
    )
    await again.run(found, writing.sampling, variant, waiting)
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
    """A desk whose critiques are given the evidence that the stored ones had, and whose model may be another.

    Attributes:
        evidence: By iteration.
        model: Stands where the companion type's own model would; critics and comparisons keep theirs.
    """

    evidence: Mapping[int, str] = field(default_factory=dict[int, str])
    model: str | None = None

    async def type_of(self, name: str) -> CompanionType:
        """Give a companion type; see ``Desk.type_of``."""
        known = await Desk.type_of(self, name)
        return known if self.model is None else replace(known, model=self.model)

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
    if any(entry.kind == "workflow" and entry.meta.get("workflow") == "consult" for entry in entries):
        what = f"Slot {slot.number} of {companion_type[:64]!r} joins the answers of a consultation"
        raise InputError(f"{what}, which came from elsewhere and cannot be given anew.", JOINED)
    return side_of(session.session_id, companion, slot, entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writing:
    """Who writes.

    Attributes:
        who: By name, for people.
        sampling: What each call asks for.
        configured: What the companion's own model is to be; ``None`` leaves it as it is.
    """

    who: str
    sampling: Sampling
    configured: str | None = None


def _writing(slot: Slot, variant: Variant, own: CompanionType, defaults: Defaults, asked: str | None) -> _Writing:
    """Say who writes: who is named, else who the other types name, else who wrote before, else the configured model.

    Only who is named writes critiques and compares too where others are configured for that.
    """
    draft: Mapping[str, Any] = {} if slot.draft is None else slot.draft.meta
    offline = draft.get("sampling", {}).get("execution_mode") == OFFLINE and not (variant.other_types and own.model)
    if variant.model == OFFLINE or (variant.model is None and offline):
        return _Writing(who=OFFLINE, sampling=Sampling(execution_mode="offline"))
    if variant.model:
        return _Writing(who=variant.model, sampling=Sampling(model=variant.model, execution_mode="server"))
    configured = asked or own.model or defaults.model
    before = draft.get(ASKED) or _asked_later(slot, configured)
    model = configured if variant.other_types and configured else before or configured
    if model is None:
        raise InputError("What is stored was written by a caller, and no model is configured.", NO_MODEL)
    if asked and model != asked:  # a call named it then, which went before what its session asked for
        return _Writing(who=model, sampling=Sampling(model=model, execution_mode="server"))
    return _Writing(who=model, sampling=Sampling(execution_mode="server"), configured=None if asked else model)


def _asked_later(slot: Slot, configured: str | None) -> str | None:
    """Give who revised a draft that no model wrote; its critic, who may be another, where nobody is configured."""
    later = slot.revision or (None if configured else slot.critique)
    return None if later is None else later.meta.get(ASKED)
