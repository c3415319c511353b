"""What can be read of a whole companion: timeline, run_log, transcript; page by page, never at once.

An offset is where the page before ended: a ``seq``, and for texts that are longer than a page a place inside one.
Callers hand back what they were given and never compute one.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from companions.attachments import in_words as in_words_of
from companions.companion import Companion
from companions.edits import CORRECTED
from companions.entries import Entry
from companions.errors import InputError
from companions.outcomes import GUARDED
from companions.prices import Prices
from companions.run_log import run_log
from companions.tool_use import CALLS
from sessions import looked_up
from sessions.cutting import BESIDE_BYTES, PAGE_BYTES, cut, size
from sessions.markdown import NOTES, heading, in_markdown
from sessions.metrics import by_model, told
from sessions.notes import in_words
from sessions.principals import LOCAL, shown
from sessions.provider_marks import MARK
from sessions.retention import last_used
from sessions.session import Session
from sessions.slots import PAGE, SHOWN, TOLD, page_of, steps_of
from sessions.store import Head
from sessions.usage import KEPT, in_all, merged, silent_of
from sessions.workflow_sums import told_by_kind, told_newest

Body = dict[str, Any]
IN_A_LINE = (
    "author",
    "of",
    "model",
    "similarity",
    *GUARDED,
    "satisfied",
    "stop_reason",
    "attempt",
    "version",
    "workflow_id",
    "filters",
    CORRECTED,
)
"""What the timeline tells of an entry's ``meta``."""
_INSIDE = 1 << 24
"""Places inside a text that an offset can tell apart; a text has fewer characters."""


def text_offset(seq: int, place: int) -> int:
    """Give the offset of a place inside an entry's text."""
    return seq * _INSIDE + place


def text_offset_of(entry: Entry, place: int) -> int:
    """Give the transcript's offset of a place inside an entry's text."""
    return text_offset(entry.seq, len(heading(entry)) + place)


async def run_log_page(session: Session, companion: Companion, *, slot: int | None = None, offset: int = 0) -> Body:
    """Give slots of the run_log, as many as a page holds."""
    taken: list[Entry] = []
    room, following = PAGE_BYTES, None
    owner = await unnamed(session)
    async for step in steps_of(session, companion, slot, after=offset, kinds=TOLD):
        entry = signed(step, session, owner)
        length = _size_beside(entry) + (0 if entry.kind in NOTES else size(entry.text))
        if taken and length > room:
            following = taken[-1].seq
            break
        room -= length
        taken.append(_shortened(entry) if length > PAGE_BYTES else entry)
    body: Body = {
        "session_id": session.session_id,
        "companion_type": companion.companion_type,
        "run_log": run_log(taken),
        "next_offset": following,
    }
    return body | {"more": more} if (more := _more(taken)) else body


async def timeline_page(session: Session, companion: Companion, *, slot: int | None = None, offset: int = 0) -> Body:
    """Give the steps, and what is said beside them, in order, each in a line's worth of values, a hundred at a time."""
    entries = await page_of(session, companion, slot, after=offset, kinds=TOLD if slot is not None else SHOWN)
    return {
        "session_id": session.session_id,
        "companion_type": companion.companion_type,
        "timeline": await lines_of(session, entries),
        "next_offset": entries[-1].seq if len(entries) == PAGE else None,
    }


async def transcript_page(
    session: Session, companion: Companion, *, slot: int | None = None, offset: int = 0
) -> tuple[str, int | None]:
    """Give the thinking as Markdown, as much as a page holds, and the offset of the rest if there is any."""
    seq, place = divmod(offset, _INSIDE)
    if place and not seq:
        raise InputError("There is no such place in the transcript.", "Take an offset from the page before.")
    parts: list[str] = []
    room = PAGE_BYTES
    kinds, owner = TOLD if slot is not None else SHOWN, await unnamed(session)
    async for step in steps_of(session, companion, slot, after=max(seq - 1, 0), kinds=kinds):
        entry = signed(step, session, owner)
        text = in_markdown(entry)[place:] if entry.seq == seq else in_markdown(entry)
        begun = place if entry.seq == seq else 0
        if parts and size(text) > room:
            return "".join(parts), text_offset(entry.seq, 0)
        piece, following = cut(text, room)
        parts.append(piece)
        if following is not None:
            return "".join(parts), text_offset(entry.seq, begun + following)
        room -= size(piece)
    return "".join(parts), None


async def lines_of(session: Session, entries: Sequence[Entry]) -> list[Body]:
    """Give entries in a line of the timeline each."""
    owner = await unnamed(session)
    return [line_of(signed(entry, session, owner)) for entry in entries]


async def unnamed(session: Session) -> str | None:
    """Give whose entries name nobody: the owner's, while nobody else takes part."""
    owner = session.place.owner
    alone = owner == LOCAL or not (await session.store.grants.of(session.session_id)).participants
    return owner if alone else None


def signed(entry: Entry, session: Session, unnamed: str | None) -> Entry:
    """Give an entry that tells in its ``meta`` who asked for it or corrected it, unless that goes without saying."""
    meta, owner = dict(entry.meta), session.place.owner
    if CORRECTED in meta:
        told = dict(meta[CORRECTED]) | {"at": moment(meta[CORRECTED]["at"])}
        by = told.pop("by")
        meta[CORRECTED] = told if by == unnamed else told | {"by": shown(by, owner)}
    if entry.author != unnamed:
        meta["author"] = shown(entry.author, owner)
    return entry if meta == entry.meta else replace(entry, meta=meta)


def overview(session: Session, head: Head, prices: Prices) -> Body:
    """Give what is known of a session as a whole."""
    shown = {} if head.projection is None else dict(head.projection.companions)
    usage: dict[str, int] = {}
    for values in shown.values():
        for name, count in values.get("usage", {}).items():
            usage[name] = usage.get(name, 0) + count
    models = in_all(shown)
    return {
        "session_id": session.session_id,
        "title": "" if head.projection is None else head.projection.title,
        "created_at": moment(head.opening.created_at),
        "last_used": moment(last_used(head)),
        "entries": head.seq,
        "companions": {name: _but_sums(values) for name, values in shown.items()},
        "workflows": {"newest": told_newest(shown), "by_kind": told_by_kind(shown.values())},
        "usage": usage | silent_of(merged([{"": each} for each in models.values()]).get("", {})),
        "models": by_model(models, prices),
        "spent": told(models, prices) | {"currency": prices.currency},
        "versions": sum(values.get("versions", 0) for values in shown.values()),
        "parent": None if head.opening.parent is None else {"session_id": head.opening.parent, "at": head.opening.base},
    } | ({"pinned": True} if head.pinned else {})


def moment(at: float) -> str:
    """Tell a moment as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _but_sums(values: Body) -> Body:
    return {name: value for name, value in values.items() if name not in KEPT and name != MARK}


def _size_beside(entry: Entry) -> int:
    """Give the bytes of what a run_log tells beside a text."""
    names = ("evidence", "checks", "unmet", "critics", CALLS, "why")
    told = {name: entry.meta[name] for name in names if entry.meta.get(name)} | entry.meta.get(CORRECTED, {})
    return size(json.dumps(told, ensure_ascii=False)) if told else 0


def _shortened(entry: Entry) -> Entry:
    piece, following = cut(entry.text, PAGE_BYTES)
    offset = text_offset_of(entry, following or 0)
    evidence = {"evidence": cut(entry.meta["evidence"], BESIDE_BYTES)[0]} if "evidence" in entry.meta else {}
    more = {"slot": entry.slot, "part": "transcript", "offset": offset}
    if "was" in (told := entry.meta.get(CORRECTED, {})):
        evidence[CORRECTED] = told | {"was": cut(told["was"], BESIDE_BYTES)[0]}
    return looked_up.shortened(replace(entry, text=piece, meta={**entry.meta, **evidence, "more": more}))


def _more(entries: Sequence[Entry]) -> Body | None:
    return next((entry.meta["more"] for entry in entries if "more" in entry.meta), None)


def line_of(entry: Entry) -> Body:
    """Tell an entry in a line's worth of values."""
    meta, said = entry.meta, entry.kind in NOTES
    text = in_words(entry) if said else entry.text
    line = {
        "seq": entry.seq,
        "kind": entry.kind,
        "slot": entry.slot,
        "iteration": None if said or entry.kind in ("query", "draft") else entry.index + 1,
        "at": moment(entry.at),
        "words": len(text.split()),
        "preview": " ".join(text[:400].split())[: 400 if said else 120],
    }
    told = line | {name: meta.get(name) for name in IN_A_LINE}
    if CORRECTED in meta:
        told[CORRECTED] = {name: value for name, value in meta[CORRECTED].items() if name != "was"}
    told["looked_up"] = looked_up.in_a_line(entry)
    told["attachments"] = in_words_of(meta["attachments"]) if "attachments" in meta else None
    return {name: value for name, value in told.items() if value is not None}
