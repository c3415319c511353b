"""What can be read of one companion where it stands: phase, newest critique, answer, history.

Bodies of resources and of ``show_thinking`` alike; each comes from a companion's tail, so none grows with the session.
"""

from typing import Any

from companions.companion import Companion, Slot, version_of
from companions.edits import CORRECTED
from companions.entries import Entry
from companions.errors import InputError
from companions.next_step import next_step, stop_reason
from companions.picking import outscored
from sessions.cutting import PAGE_BYTES, cut, size

Body = dict[str, Any]


def phase(companion: Companion) -> Body:
    """Say where the newest slot stands and what comes next."""
    slot, coming = _slot(companion), next_step(companion)
    return {
        "phase": slot.phase,
        "next_action": coming.step,
        "why": coming.why,
        "slot": slot.number,
        "iteration": slot.critiques,
        "critiques_count": slot.critiques,
        "revisions_count": slot.revisions,
        "can_critique": slot.phase == "critique",
        "can_revise": slot.phase == "revise",
        "stop_reason": stop_reason(companion),
        "query": slot.query.text,
    }


def latest_critique(companion: Companion, session_id: str) -> Body:
    """Give the newest critique and the number of the version that it looked at."""
    slot = _slot(companion)
    if slot.critique is None:
        raise InputError("There is no critique yet.", "Call critique first.")
    return {
        "critique": slot.critique.text,
        "critique_number": slot.critique.index + 1,
        "based_on": slot.critique.meta.get("based_on", 0),
        "satisfied": bool(slot.critique.meta.get("satisfied")),
        "evidence": slot.critique.meta.get("evidence"),
        "query": slot.query.text,
        "session_id": session_id,
    }


def penultimate_revision(companion: Companion, session_id: str) -> Body:
    """Give the revision before the newest one."""
    slot = _slot(companion)
    earlier = [version for version in slot.versions if 0 < version_of(version) < slot.revisions]
    if not earlier:
        raise InputError(
            f"There is no penultimate revision: the slot has {slot.revisions}.", "Call critique and revise first."
        )
    return {
        "revision": earlier[-1].text,
        "revision_number": version_of(earlier[-1]),
        "query": slot.query.text,
        "session_id": session_id,
    }


def answer(companion: Companion) -> Body:
    """Give the version that was picked, else the current text, and why it is that one."""
    slot = _slot(companion)
    if slot.answer is None:
        before = f", or read the answer to the query before it with slot {slot.number - 1}" if slot.number else ""
        raise InputError("There is no answer yet: the query waits for its draft.", f"Call draft first{before}.")
    given = picked(slot)
    why = given["pick"] or _unpicked(slot)
    return {"text": slot.answer.text, "version": given["answer_version"], "picked": given["picked"], "why": why}


def _unpicked(slot: Slot) -> str:
    why = f"No version has been picked since version {slot.revisions} was written; this one stands"
    return f"{why}." if (worse := outscored(slot)) is None else f"{why}, but {worse}."


def picked(slot: Slot | None) -> Body:
    """Give the number of the version that is the answer, and the reason of the pick unless it is out of date."""
    found, pick = (None, None) if slot is None else (slot.answer, slot.picked)
    return {
        "answer_version": None if found is None else version_of(found),
        "picked": pick is not None,
        "pick": None if pick is None else pick.meta["why"],
    }


def history(companion: Companion, session_id: str) -> Body:
    """Give the newest queries with the texts that stand as their answers, as LangChain's message dictionaries.

    As many as a page holds; of the newest pair, texts longer than half a page are cut and say where they go on.
    """
    pairs = [(exchange.query, exchange.answer) for exchange in companion.history]
    slot = companion.slot
    if slot is not None and slot.current is not None:
        pairs.append((slot.query, slot.current))
    kept: list[list[Body]] = []
    room = PAGE_BYTES
    for query, text in reversed(pairs):
        pair = [_message("human", query, companion), _message("ai", text, companion)]
        named = {"model_name": text.meta.get("model", "")}
        pair[1]["response_metadata"] = named | dict(text.meta.get("response_metadata", {}))
        room -= sum(size(message["content"]) for message in pair)
        if kept and room < 0:
            break
        kept.append(pair)
    messages = [message for pair in reversed(kept) for message in pair]
    return {"session_id": session_id, "companion_type": companion.companion_type, "history": messages}


def _message(kind: str, entry: Entry, companion: Companion) -> Body:
    piece, following = cut(entry.text, PAGE_BYTES // 2)
    message: Body = {"type": kind, "content": piece}
    if CORRECTED in entry.meta:
        message["corrected"] = True
    if entry.slot in companion.edits.left_out:
        message["left_out"] = True
    if following is not None:
        message["more"] = {"part": "transcript", "slot": entry.slot, "offset": 0}
    return message


def _slot(companion: Companion) -> Slot:
    if companion.slot is None:
        raise InputError(f"The companion {companion.companion_type!r} has not begun.", "Call draft first.")
    return companion.slot
