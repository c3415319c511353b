"""A companion's history as messages, slot by slot: which were corrected, and which the next draft is not shown.

How its slots are read is ``exchanges``'s to know. The newest messages alone, as LangChain has them, are ``views``'s;
how one is edited, ``editing``'s.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from companions.companion import Companion, version_of
from companions.edits import CORRECTED
from companions.entries import Entry
from companions.tasks import shown_next
from sessions.cutting import PAGE_BYTES, cut, size
from sessions.exchanges import Texts, exchanges_from, texts_in
from sessions.paged_views import moment, signed, unnamed
from sessions.session import Session

LOOKED = 100
"""Slots that are looked through for a page at most."""
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
        companion: It, as it stands in the slot that is meant, or as it stands now.
        slot: That slot; ``None`` for all.
        offset: The slot to begin with, as the page before said.
        search: Words, in any order.

    Returns:
        ``messages``, and ``next_offset``: where the next page begins, if there may be more. A message tells its
        ``slot``, ``type`` (human or ai), ``content``, ``seq`` and ``at``; an answer its ``version``; what was edited,
        ``corrected`` or ``left_out``; and whether the next draft is shown it (``in_window``).
    """
    words, owner = search.casefold().split()[:WORDS], await unnamed(session)
    newest = companion if slot is None else await session.look(companion.companion_type)
    seen = {exchange.query.slot for exchange in shown_next(newest)}
    messages: list[Body] = []
    room, following = PAGE_BYTES, None
    async for number, entries in _slots(session, companion, slot, offset):
        page = [_message(signed(entry, session, owner), words) for entry in entries if _holds(entry.text, words)]
        room -= sum(size(message["content"]) + size(message.get("found", "")) for message in page)
        if (messages and room < 0) or (slot is None and number - offset == LOOKED):
            following = number
            break
        stands = {"in_window": number in seen} | ({"left_out": True} if number in newest.edits.left_out else {})
        messages += [message | stands for message in page]
    return {
        "session_id": session.session_id,
        "companion_type": companion.companion_type,
        "messages": messages,
        "next_offset": following,
    }


async def _slots(
    session: Session, companion: Companion, slot: int | None, first: int
) -> AsyncIterator[tuple[int, Texts]]:
    """Give the slots that are meant, each with its number."""
    if slot is None:
        async for texts in exchanges_from(session, companion, first):
            yield texts[0].slot, texts
    elif companion.slot is not None:
        yield slot, texts_in(companion.slot)


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
    if "author" in entry.meta:
        told["author"] = entry.meta["author"]
    if CORRECTED in entry.meta:
        told[CORRECTED] = {name: value for name, value in entry.meta[CORRECTED].items() if name != "was"}
    if following is not None:
        told["more"] = {"part": "transcript", "slot": entry.slot, "offset": 0}
        if words:
            told["found"] = _around(entry.text, words)
    return told


def _around(text: str, words: Sequence[str]) -> str:
    """Give what stands around the first of some words; folding may move a place, which does not matter here."""
    place = min(text.casefold().index(word) for word in words)
    return " ".join(text[max(0, place - AROUND) : place + AROUND].split())
