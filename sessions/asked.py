"""What a call brings along, who makes it, and what of it is told back: the part of a step that is about its caller."""

import contextlib
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any

from companions import prompts
from companions.companion import Slot
from companions.entries import Entry
from companions.errors import CompanionsError
from companions.models import OnText, Written
from companions.requests import Plan, Request
from sessions.answers import Answer
from sessions.budgets import Loop

OnStep = Callable[[Answer], Awaitable[None]]
"""Is shown a step that was made."""
OnFailure = Callable[[str, CompanionsError], Awaitable[None]]
"""Is told the type of a companion that failed, and why, while the others of the same job go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks for a step, as far as a step needs to know.

    Attributes:
        name: How a text that the caller wrote is signed, such as ``host:claude-code``.
        principal: For whom it is written; ``None`` is the session's owner.
        on_text: Hears each piece of a model's text.
        on_model: Hears when a model call begins (``True``) and ends (``False``).
        on_step: Is shown each step of a job; of a loop, before the next one is made.
        on_failure: Is told each failure that does not end a job.
        loop: What the loop may spend that the step is one of.
    """

    name: str = "host"
    principal: str | None = None
    on_text: OnText | None = None
    on_model: Callable[[bool], None] | None = None
    on_step: OnStep | None = None
    on_failure: OnFailure | None = None
    loop: Loop | None = None


@contextlib.contextmanager
def asking(caller: Caller) -> Generator[None]:
    """Let the caller know that what is waited for now is lost if the program ends."""
    if caller.on_model is None:
        yield
        return
    caller.on_model(True)
    try:
        yield
    finally:
        caller.on_model(False)


def opens_slot(slot: Slot | None, request: Request) -> bool:
    """Tell whether a draft needs its companion's file: what is under way goes on as it began, also without it."""
    if slot is None or not request.asks(slot.query):
        return True
    return slot.draft is not None and request.redo and slot.critiques > 0


def given(found: Plan, caller: Caller) -> Written | None:
    """Take the text that came with the call, exactly as it is."""
    request = found.request
    if request.text is not None:
        return Written(text=request.text, model=caller.name, satisfied=request.satisfied)
    if request.satisfied and found.step == "critique":
        return Written(text=prompts.NOTHING_LEFT, model=caller.name, satisfied=True)
    return None


def again(found: Plan, slot: Slot | None) -> dict[str, Any]:
    """Give what a call with the text has to say once more: any process may answer it, so none remembers it.

    A draft's query is among it: a co-author may have put another one in its place by then, which the text is not for.
    """
    request = found.request
    query = slot.query.text if slot is not None and found.step == "draft" else None
    redo = found.replaces is not None or None
    given = {"query": query, "evidence": request.evidence, "score": request.score, "redo": redo}
    return {name: value for name, value in given.items() if value is not None}


def not_recorded(request: Request, entry: Entry) -> str | None:
    """Say what of a repeated call differs from what is stored."""
    differing = [
        name
        for name, given, stored in (
            ("text", request.text, entry.text),
            ("evidence", request.evidence, entry.meta.get("evidence")),
            ("satisfied", request.satisfied or None, entry.meta.get("satisfied")),
            ("score", request.score, entry.meta.get("score")),
        )
        if given is not None and given != stored
    ]
    if not differing:
        return None
    return f"Not recorded, since something else is stored: {' and '.join(differing)}. Call with redo=true to take it."
