"""What listings show of a session, derived from its entries.

A projection is never the truth: it can lag behind after a crash and is then brought up to its session's head, entry by
entry, so that its sums stay exact.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from companions.companion import Companion, version_of
from companions.entries import Entry
from companions.next_step import stop_reason
from sessions.awake import read_companion
from sessions.labels import Label, label_after, listed_at
from sessions.late_uses import NEWEST
from sessions.provider_marks import mark_of
from sessions.session import Session
from sessions.store import Head, Opening, Projection, Store
from sessions.titles import title_at, title_of
from sessions.usage import sums_after
from sessions.workflow_sums import inherited, workflows_after

PREVIEW = 200
MISSING = 200
"""Entries of one page when a projection is brought up to date."""


async def last_type_at(store: Store, session_id: str, seq: int) -> str | None:
    """Name the companion type that was used last at an entry: that a session was learned from is no use of it."""
    for count in (1, NEWEST):
        entries = await store.page(session_id, after=max(seq - count, 0), limit=min(count, seq))
        used = [entry.companion_type for entry in entries if entry.kind != "learned"]
        if used:
            return used[-1]
    return None


def preview_of(companion: Companion) -> str:
    """Give the beginning of a companion's newest answer on one line; a query that waits hides no answer."""
    answer = None if companion.slot is None else companion.slot.answer
    if answer is None and companion.history:
        answer = companion.history[-1].answer
    return "" if answer is None else " ".join(answer.text[: 2 * PREVIEW].split())[:PREVIEW]


def shown_after(before: Mapping[str, Any], companion: Companion, entries: Sequence[Entry]) -> dict[str, Any]:
    """Give what is shown of a companion once it stands as it does and these entries were added to its sums."""
    usage: dict[str, int] = dict(before.get("usage", {}))
    for entry in entries:
        for name, count in entry.meta.get("usage", {}).items():
            usage[name] = usage.get(name, 0) + count
    sums = sums_after(before, entries) | _picks_after(before, entries) | workflows_after(before, entries)
    sums |= mark_of(before)
    slot = companion.slot
    if slot is None:
        return {"phase": "draft", "usage": usage} | sums
    return {
        "phase": slot.phase,
        "slot": slot.number,
        "iteration": slot.critiques,
        "versions": 0 if slot.draft is None else slot.revisions + 1,
        "answer_version": None if slot.answer is None else version_of(slot.answer),
        "stop_reason": stop_reason(companion),
        "usage": usage,
    } | sums


def shown_at_birth(opening: Opening, companion: Companion) -> dict[str, Any]:
    """Give what is shown of a companion that a fork begins with: what the parent had used is not the fork's."""
    return shown_after(inherited(companion, opening.base, opening.created_at), companion, ())


def _picks_after(before: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, int]:
    """Count the picks, those that fell on a revision, and those that did not fall on the current text."""
    made = [entry for entry in entries if entry.kind == "pick" and "version" in entry.meta]
    picks = {
        "picks": len(made),
        "helped": sum(entry.meta["version"] > 0 for entry in made),
        "flips": sum(bool(entry.meta.get("flipped")) for entry in made),
    }
    counted = {name: before.get(name, 0) + count for name, count in picks.items()}
    return counted if counted["picks"] else {}


def projection_of(session: Session, companion: Companion) -> Projection:
    """Give what listings show of an open session, all of whose entries are counted; the companion wrote last."""
    return Projection(
        session_id=session.session_id,
        seq=session.counted,
        title=session.label.title,
        last_used=listed_at(session.used_at, pinned=session.label.pinned),
        preview=preview_of(companion),
        companions=dict(session.shown),
    )


def label_of(known: Projection) -> Label:
    """Give how a session is listed."""
    return Label(title=known.title, pinned=known.pinned)


def named(head: Head) -> str:
    """Name a session in an error."""
    return f"{head.opening.session_id} ({'untitled' if head.projection is None else head.projection.title[:40]})"


async def brought_up(store: Store, head: Head) -> Projection:
    """Bring a projection up to its session's head, from the entries that it does not know yet."""
    session_id, known = head.opening.session_id, head.projection or await _at_birth(store, head.opening)
    shown, after, last_type, used_at = dict(known.companions), known.seq, "", known.used_at
    label, first = Label(pinned=known.pinned), ""
    missing: dict[str, list[Entry]] = {}
    while entries := await store.page(session_id, after=after, limit=MISSING):
        after, last_type = entries[-1].seq, entries[-1].companion_type
        # That it was learned from is no use of it.
        used_at = max([used_at, *(entry.at for entry in entries if entry.kind != "learned")])
        label = label_after(label, entries)
        for entry in entries:
            missing.setdefault(entry.companion_type, []).append(entry)
            first = first or (title_of(entry.text) if entry.kind == "query" else "")
    companions = {name: await read_companion(store, session_id, name) for name in missing}
    shown |= {name: shown_after(shown.get(name, {}), companions[name], missing[name]) for name in missing}
    return Projection(
        session_id=session_id,
        seq=max(after, head.seq),
        title=label.title or known.title or first,
        last_used=listed_at(used_at, pinned=label.pinned),
        preview=preview_of(companions.get(last_type, Companion(""))),
        companions=shown,
    )


async def _at_birth(store: Store, opening: Opening) -> Projection:
    """Give what is shown of a session before its first own entry: of a fork, what its companions were there."""
    companions: dict[str, Companion] = {}
    title = ""
    if opening.base:
        configured = await store.page(opening.session_id, kinds=("configure",), limit=MISSING)
        names = {entry.companion_type for entry in configured if entry.seq <= opening.base}
        companions = {name: await _companion_at_birth(store, opening, name) for name in sorted(names)}
        title = await title_at(store, opening.session_id, opening.base)
    return Projection(
        session_id=opening.session_id,
        seq=opening.base,
        title=title,
        last_used=opening.created_at,
        preview="",
        companions={name: shown_at_birth(opening, companion) for name, companion in companions.items()},
    )


async def _companion_at_birth(store: Store, opening: Opening, name: str) -> Companion:
    """Give a companion as a fork began with it, whatever it has done there since."""
    companion = await read_companion(store, opening.session_id, name)
    slot = companion.slot
    told = () if slot is None else (slot.newest, slot.workflow, slot.pick)
    if max((entry.seq for entry in told if entry is not None), default=0) <= opening.base:
        return companion
    earlier, after = Companion(name), 0
    while after < opening.base and (
        entries := await store.page(opening.session_id, after=after, limit=MISSING, companion_type=name)
    ):
        after = entries[-1].seq
        for entry in entries:
            if entry.seq <= opening.base:
                earlier.apply(entry)
    return earlier
