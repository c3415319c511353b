"""Workflows as they are read: which loops and consultations a session has, and how far each is.

Everything is read from entries; nothing is recorded here. What they do is ``refining``'s and ``consulting``'s work.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from companions.companion import Companion, Slot
from companions.edits import texts_of
from companions.entries import Entry
from companions.next_step import stop_reason
from sessions.branches import branch_states
from sessions.session import Session
from sessions.slots import PAGE, companion_at

Body = dict[str, Any]
Look = Callable[[str], Awaitable[Companion]]
"""Gives a companion of the session to read from."""
SHOWN_AT_ONCE = 20
MADE = ("draft", "critique", "revision", "pick")


def consultation(slot: Slot | None) -> Mapping[str, Any] | None:
    """Give what is recorded of the consultation on a slot, if that is what runs or ran on it."""
    if slot is None or slot.workflow is None or slot.workflow.meta.get("workflow") != "consult":
        return None
    return slot.workflow.meta


async def contributions(look: Look, companion_types: Sequence[str], query: Entry) -> dict[str, Entry]:
    """Give what contributors have drafted since the synthesizer was given the query, in their own order."""
    found = {name: _contribution(await look(name), query) for name in companion_types}
    return {name: entry for name, entry in found.items() if entry is not None}


async def states(look: Look, known: Mapping[str, Any], query: Entry) -> dict[str, Body]:
    """Tell of each contributor whether it is done, with the place of its draft and what that took."""
    if "companions" in known:
        return {name: dict(state) for name, state in known["companions"].items()}
    made = await contributions(look, known["companion_types"], query)
    each = {name: contributed(made.get(name), failures(known).get(name)) for name in known["companion_types"]}
    return each | branch_states(known)


def failures(known: Mapping[str, Any]) -> Mapping[str, str]:
    """Give who had failed, and of what, when the synthesis of a consultation was handed to the caller to write."""
    return known.get("failures", {})


def contributed(entry: Entry | None, failure: str | None = None) -> Body:
    """Tell of one draft where it stands and what it took, or why there is none."""
    if entry is None:
        return {"status": "waiting"} if failure is None else {"status": "failed", "error": failure}
    kept = {name: entry.meta[name] for name in ("seconds", "usage") if entry.meta.get(name)}
    return {"status": "done", "slot": entry.slot, "seq": entry.seq} | kept


def _contribution(companion: Companion, query: Entry) -> Entry | None:
    slot = companion.slot
    known = [(exchange.query, exchange.answer) for exchange in companion.history]
    if slot is not None and slot.draft is not None:
        known.append((slot.query, slot.draft))
    texts = texts_of(query)
    fitting = [text for asked, text in reversed(known) if texts & texts_of(asked) and text.seq > query.seq]
    return fitting[0] if fitting else None


async def workflows_page(session: Session, *, offset: int = 0) -> Body:
    """Give the workflows, newest first, twenty at a time; an offset is where the page before ended."""
    begun: dict[str, Entry] = {}
    known: dict[str, Body] = {}
    async for entry in _entries(session, kinds=("workflow",)):
        name = str(entry.meta.get("workflow_id"))
        begun.setdefault(name, entry)
        known[name] = dict(entry.meta)
    earlier = [name for name, entry in begun.items() if not offset or entry.seq < offset][::-1]
    page = earlier[:SHOWN_AT_ONCE]
    return {
        "workflows": [await _told(session, begun[name], known[name]) for name in page],
        "next_offset": begun[page[-1]].seq if len(earlier) > len(page) else None,
    }


async def _entries(session: Session, *, after: int = 0, **chosen: Any) -> AsyncIterator[Entry]:
    more = True
    while more:
        entries = await session.store.page(session.session_id, after=after, limit=PAGE, **chosen)
        for entry in entries:
            yield entry
            after = entry.seq
        more = len(entries) == PAGE


async def _told(session: Session, begun: Entry, known: Body) -> Body:
    """Tell one workflow: who is at it, how far each is, and what it took."""
    companion = await companion_at(session, begun.companion_type, begun.slot)
    told = {
        "workflow_id": known.get("workflow_id"),
        "workflow": known.get("workflow"),
        "orchestrator": begun.companion_type,
        "delegation": known.get("delegation"),
        "state": "replaced",
    }
    if companion.slot is not None and companion.slot.query.seq < begun.seq:  # else another query took its place
        consults = known.get("workflow") == "consult"
        told |= await (_consult(session, begun, known, companion) if consults else _refine(session, begun, companion))
    return {name: value for name, value in told.items() if value not in (None, [], {})}


async def _unended(session: Session, begun: Entry) -> str:
    """Tell whether a workflow that has not ended goes on, or was left for another query."""
    slot = (await session.look(begun.companion_type)).slot
    return "running" if slot is None or slot.number == begun.slot else "left"


async def _refine(session: Session, begun: Entry, companion: Companion) -> Body:
    name, usage, last = begun.companion_type, Counter[str](), begun.at
    async for entry in _entries(session, companion_type=name, slot=begun.slot, after=begun.seq, kinds=MADE):
        usage.update(entry.meta.get("usage", {}))
        last = entry.at
    reason = stop_reason(companion)
    state = "done" if reason else await _unended(session, begun)
    return {
        "state": state,
        "companions": {name: {"status": state, "slot": begun.slot, "phase": companion.phase}},
        "seconds": round(max(0.0, last - begun.at), 3),
        "usage": dict(usage),
        "stop_reason": reason,
    }


async def _consult(session: Session, begun: Entry, known: Body, companion: Companion) -> Body:
    slot = companion.slot
    query = begun if slot is None else slot.query
    draft = None if slot is None else slot.draft
    each = await states(session.look, known, query) | {begun.companion_type: contributed(draft)}
    usage, branches = Counter[str](), branch_states(known)
    for name in each.keys() - branches.keys():
        each[name]["phase"] = (await session.look(name)).phase
        usage.update(each[name].get("usage", {}))
    made = [
        {"companion_type": name, "slot": state["slot"], "seq": state["seq"]}
        for name, state in each.items()
        if state["status"] == "done" and name != begun.companion_type and name not in branches
    ]
    made += known.get("branches", ())
    state = known.get("state") or await _unended(session, begun)
    told = {"state": state, "companions": each, "contributions": made, "usage": dict(usage)}
    return told | {"seconds": known.get("seconds")}
