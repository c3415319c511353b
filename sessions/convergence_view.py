"""How near a companion's newest slot has come to its end, read from its entries: nothing is measured here."""

from collections.abc import Mapping
from typing import Any

from companions.companion import Companion, version_of
from companions.entries import Entry
from companions.next_step import end_of
from companions.outcomes import GUARDED
from sessions.session import Session
from sessions.slots import PAGE, page_of, steps_of, version_at
from sessions.views import picked

Body = dict[str, Any]
REVISIONS = ("revision",)


async def convergence_page(session: Session, companion: Companion, *, offset: int = 0) -> Body:
    """Give the similarities of a slot's neighbouring versions, their scores, and what the stop rule made of them."""
    number = 0 if companion.slot is None else companion.slot.number
    entries = await page_of(session, companion, number, after=offset, kinds=REVISIONS)
    following = entries[-1].seq if len(entries) == PAGE else None
    return _told(session, companion, {version_of(entry): entry for entry in entries}, following)


async def newest_convergence(session: Session, companion: Companion) -> Body:
    """Give the same of a slot's newest hundred revisions, where a page begins with the oldest."""
    slot, newest = companion.slot, dict[int, Entry]()
    if slot is not None:
        left_out = slot.revisions - PAGE
        before = await version_at(session, companion, slot.number, left_out) if left_out > 0 else None
        after = 0 if before is None else before.seq
        async for entry in steps_of(session, companion, slot.number, after=after, kinds=REVISIONS):
            newest[version_of(entry)] = entry
    return _told(session, companion, newest, None)


def _told(session: Session, companion: Companion, newest: Mapping[int, Entry], following: int | None) -> Body:
    """Lay revisions out, by version; of one that was written again, the newest."""
    slot, configuration = companion.slot, companion.configuration
    end: Mapping[str, Any] = {} if slot is None else end_of(slot)
    reason = end.get("stop_reason")
    return {
        "session_id": session.session_id,
        "companion_type": companion.companion_type,
        "slot": 0 if slot is None else slot.number,
        "query": "" if slot is None else slot.query.text,
        "iterations": 0 if slot is None else slot.critiques,
        "similarities": [_pair(version, entry) for version, entry in newest.items()],
        **_scores(newest),
        "converged": reason == "converged",
        "threshold": None if configuration is None else configuration.threshold,
        "threshold_source": None if configuration is None else configuration.threshold_source,
        "stop_reason": reason,
        "why": end.get("why"),
        **picked(slot),
        "next_offset": following,
    }


def _pair(version: int, entry: Entry) -> Body:
    pair = {"revision_pair": [version - 1, version], "similarity": entry.meta["similarity"]}
    return pair | {name: entry.meta[name] for name in GUARDED if name in entry.meta}


def _scores(versions: Mapping[int, Entry]) -> Body:
    """Give the scores that came with versions, where any did."""
    scored = [
        {"version": number, "score": each.meta["score"]} for number, each in versions.items() if "score" in each.meta
    ]
    return {"scores": scored} if scored else {}
