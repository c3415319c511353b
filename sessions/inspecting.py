"""What the page shows of a session beyond what every client can read: newest steps first, one text, any two versions.

The bodies that others read too are ``reading``'s, and so is whose session it must be. Nothing is measured here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from companions.companion import Companion
from companions.entries import Entry
from companions.errors import InputError, UnknownNameError
from sessions import comparing, looked_up
from sessions.corrections import as_corrected
from sessions.cutting import BESIDE_BYTES, PAGE_BYTES, cut
from sessions.earlier_pages import page_before
from sessions.markdown import NOTES
from sessions.notes import in_words
from sessions.paged_views import lines_of, moment
from sessions.reading import LAST_OFFSET, LAST_SLOT, Reading
from sessions.session import Session
from sessions.slots import PAGE, SHOWN, companion_at, page_of
from sessions.usage import account_of, cost_told

Body = dict[str, Any]
Text = Literal["text", "evidence"]
PIECES = 40_000
"""Characters of a comparison in one page."""
MOST_FORKS = 20
BESIDE = ("why", "guard_why", "overruled_why", "unmet", "checks", "score", "sampling", "back_to")
"""What is told beside a text that was opened, of its entry's ``meta``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspecting:
    """Reads for one who looks through sessions. It takes no locks and changes nothing."""

    reading: Reading

    async def steps(
        self,
        owner: str,
        session_id: str,
        companion_type: str,
        *,
        slot: int | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> Body:
        """Give a slot's newest steps, and what is said beside them, in order.

        Args:
            owner: Whose session it must be.
            session_id: The session.
            companion_type: The companion.
            slot: The slot; ``None`` means the newest.
            before: Only what stands before this ``seq``.
            after: Instead, the first of what stands behind this ``seq``.

        Returns:
            ``steps``, lines of the timeline, each with its ``account`` where models were asked; ``slot``, ``slots``
            (how many there are), ``earlier`` or ``later`` (whether there are more).
        """
        session, companion = await self._companion(owner, session_id, companion_type, slot)
        standing = companion.slot
        number = 0 if standing is None else standing.number
        newest = (await session.look(companion_type)).slot
        body: Body = {"slot": number, "slots": 0 if newest is None else newest.number + 1}
        if after is not None:
            entries = await page_of(session, companion, number, after=after, kinds=SHOWN)
            return body | {"steps": await _lines(entries, session), "later": len(entries) == PAGE}
        entries, earlier = await page_before(session, companion, number, before=before, kinds=SHOWN)
        return body | {"steps": await _lines(entries, session), "earlier": earlier}

    async def queries(self, owner: str, session_id: str, companion_type: str, *, before: int | None = None) -> Body:
        """Give a companion's newest queries, in order, each in a line of the timeline."""
        session, companion = await self._companion(owner, session_id, companion_type, None)
        entries, earlier = await page_before(session, companion, None, before=before, kinds=("query",))
        return {"queries": await lines_of(session, entries), "earlier": earlier}

    async def entry(
        self, owner: str, session_id: str, companion_type: str, seq: int, *, text: Text = "text", offset: int = 0
    ) -> Body:
        """Give one entry with a page of its text, or of the evidence that came with it.

        Raises:
            InputError: The companion has no such entry that could be shown.
        """
        session, companion = await self._companion(owner, session_id, companion_type, None)
        found = await session.store.page(
            session_id, after=seq - 1, limit=1, companion_type=companion.companion_type, kinds=SHOWN
        )
        if not found or found[0].seq != seq:
            raise InputError(f"There is no step {seq} to show.", "Take one that the list of steps names.")
        [entry] = found = await as_corrected(session.store, session_id, companion.edits, found)
        whole = in_words(entry) if entry.kind in NOTES else entry.text
        piece, following = cut((whole if text == "text" else entry.meta.get("evidence", ""))[offset:], PAGE_BYTES)
        more = None if following is None else offset + following
        [line] = await _lines(found, session)
        return line | _beside(entry) | {text: piece, "more": more}

    async def versions(
        self,
        owner: str,
        session_id: str,
        companion_type: str,
        *,
        slot: int | None,
        before: int,
        after: int,
        offset: int,
    ) -> Body:
        """Give a page of what changed between two versions of a slot; see ``comparing.versions``."""
        session, companion = await self._companion(owner, session_id, companion_type, slot)
        told = await comparing.versions(session, companion, before, after)
        pieces, more = _page(told["pieces"], offset)
        return told | {"pieces": pieces, "more": more}

    async def forks(self, owner: str, session_id: str) -> Body:
        """Name the owner's sessions that began as a fork of this one, the oldest first."""
        sessions = self.reading.calls.desk.sessions
        await sessions.find(owner, session_id, "read")
        found: list[Body] = []
        for reader in await sessions.store.readers(session_id):
            head = await sessions.store.head(reader.session_id) if reader.owner == owner else None
            if head is not None:
                told = {"session_id": reader.session_id, "at": reader.at, "created_at": moment(reader.created_at)}
                found.append(told | {"title": "" if head.projection is None else head.projection.title})
            if len(found) == MOST_FORKS:
                break
        return {"forks": found}

    async def _companion(
        self, owner: str, session_id: str, companion_type: str, slot: int | None
    ) -> tuple[Session, Companion]:
        """Find a companion, as it stands in a slot that it must have."""
        session = await self.reading.calls.desk.sessions.find(owner, session_id, "read")
        companion = await companion_at(session, companion_type, slot)
        if companion.configuration is None:
            raise UnknownNameError(
                f"This session has no companion {companion_type[:64]!r}.", "Take one that its overview names."
            )
        if slot is not None and (companion.slot is None or companion.slot.number != slot):
            raise InputError(f"There is no slot {slot}.", "Slots are counted from 0.")
        return session, companion


def is_place(number: int) -> bool:
    """Tell whether a number can be an offset or a ``seq`` in every store."""
    return 0 <= number <= LAST_OFFSET


def is_slot(number: int) -> bool:
    """Tell whether a number can be one of a slot or a version in every store."""
    return 0 <= number <= LAST_SLOT


async def _lines(entries: Sequence[Entry], session: Session) -> list[Body]:
    return [_with_account(line, entry) for line, entry in zip(await lines_of(session, entries), entries, strict=True)]


def _with_account(line: Body, entry: Entry) -> Body:
    account = account_of(entry)
    told = line | ({"evidence": True} if entry.meta.get("evidence") else {})
    cost = cost_told(entry)
    told |= {} if cost is None else {"cost": cost[0], "currency": cost[1]}
    return told | ({"account": account} if account else {})


def _beside(entry: Entry) -> Body:
    told = {name: entry.meta[name] for name in BESIDE if entry.meta.get(name) not in (None, [], {})}
    if "critics" in entry.meta:
        told["critics"] = [
            {name: critic[name] for name in ("name", "model", "satisfied", "failed") if name in critic}
            for critic in entry.meta["critics"]
        ]
    if calls := looked_up.looked_up(entry):
        told["calls"] = calls
    if went_without := looked_up.without(entry):
        told["without_tools"] = " ".join(went_without)
    if entry.meta.get("evidence"):
        told["evidence"] = cut(entry.meta["evidence"], BESIDE_BYTES)[0]
    return told


def _page(pieces: Sequence[Body], offset: int) -> tuple[list[Body], int | None]:
    """Give the pieces from a character on, as many as a page holds, and where the next page begins."""
    taken: list[Body] = []
    place, end = 0, offset + PIECES
    for piece in pieces:
        text = piece["text"][max(0, offset - place) : max(0, end - place)]
        if text:
            taken.append(piece | {"text": text})
        place += len(piece["text"])
        if place > end:
            return taken, end
    return taken, None
