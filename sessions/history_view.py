"""A companion's history as messages, slot by slot: which were corrected, and which the next draft is not shown.

A page is read in a few short reads for each slot, however long the session is. The newest messages alone, as LangChain
has them, are ``views``'s; how one is edited, ``editing``'s.
"""

from collections.abc import Sequence
from typing import Any

from companions.companion import EXCHANGES, Companion, Slot, version_of
from companions.edits import CORRECTED
from companions.entries import Entry
from sessions.cutting import PAGE_BYTES, cut, size
from sessions.paged_views import moment, signed, unnamed
from sessions.session import Session
from sessions.slots import companion_at

LOOKED = 100
"""Slots that are read for a page at most."""
MESSAGE_BYTES = 4_000
"""What a page holds of one message at most."""
WORDS = 16
AROUND = 80
"""Characters that are shown before and behind a word that was looked for."""

Body = dict[str, Any]


async def history_page(
    session: Session, companion: Companion, *, slot: int | None = None, offset: int = 0, search: str = ""
) -> Body:
    """Give messages in order, or those that hold all words of a search, ignoring case.

    Args:
        session: The session.
        companion: It, as it stands in the slot that is meant.
        slot: That slot; ``None`` for all.
        offset: The slot to begin with, as the page before said.
        search: Words, in any order.

    Returns:
        ``messages``, and ``next_offset``: where the next page begins, if there may be more. A message tells its
        ``slot``, ``type`` (human or ai), ``content``, ``seq`` and ``at``; an answer its ``version``; what was edited,
        ``corrected`` or ``left_out``; and whether the next draft is shown it (``in_window``).
    """
    stands, words, owner = companion.slot, search.casefold().split()[:WORDS], await unnamed(session)
    newest = companion if slot is not None else await session.look(companion.companion_type)
    last = 0 if stands is None or newest.slot is None else newest.slot.number
    first, beyond = (offset, last + 1) if slot is None else (slot, slot + 1)
    messages: list[Body] = []
    room, following = PAGE_BYTES, None
    for number in range(first, beyond):
        at = companion if slot is not None else await companion_at(session, companion.companion_type, number)
        entries = [] if at.slot is None else [each for each in (at.slot.query, at.slot.current) if each is not None]
        page = [_message(signed(entry, session, owner), words) for entry in entries if _holds(entry.text, words)]
        room -= sum(size(message["content"]) + size(message.get("found", "")) for message in page)
        if (messages and room < 0) or number - first == LOOKED:
            following = number
            break
        messages += [message | _stands(newest, number) for message in page]
    return {
        "session_id": session.session_id,
        "companion_type": companion.companion_type,
        "messages": messages,
        "next_offset": following,
    }


def _holds(text: str, words: Sequence[str]) -> bool:
    folded = text.casefold() if words else ""
    return all(word in folded for word in words)


def _message(entry: Entry, words: Sequence[str]) -> Body:
    piece, following = cut(entry.text, MESSAGE_BYTES)
    told: Body = {
        "slot": entry.slot,
        "type": "human" if entry.kind == "query" else "ai",
        "content": piece,
        "seq": entry.seq,
        "at": moment(entry.at),
    }
    if entry.kind != "query":
        told["version"] = version_of(entry)
    told |= {name: entry.meta[name] for name in ("author", CORRECTED) if name in entry.meta}
    if following is not None:
        told["more"] = {"part": "transcript", "slot": entry.slot, "offset": 0}
        if words:
            told["found"] = _around(entry.text, words)
    return told


def _around(text: str, words: Sequence[str]) -> str:
    """Give what stands around the first of some words; folding may move a place, which does not matter here."""
    place = min(text.casefold().index(word) for word in words)
    return " ".join(text[max(0, place - AROUND) : place + AROUND].split())


def _stands(newest: Companion, number: int) -> Body:
    """Tell whether the next draft is shown a slot."""
    slot, left_out = newest.slot, number in newest.edits.left_out
    shown = newest.configuration is not None and not newest.configuration.clear_history
    inside = shown and slot is not None and _reaches(slot, number)
    return {"in_window": inside and not left_out} | ({"left_out": True} if left_out else {})


def _reaches(newest: Slot, number: int) -> bool:
    last = newest.number if newest.draft is not None else newest.number - 1
    return last - EXCHANGES < number <= last
