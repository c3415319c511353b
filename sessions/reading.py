"""One door to everything that can be read of a session: resources and ``show_thinking`` give the same bodies."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from companions.companion import Companion
from companions.errors import InputError, UnknownNameError
from sessions import convergence_view, paged_views, searching, slots, views
from sessions.calls import Calls
from sessions.comparing import LastComparison, comparison
from sessions.cutting import BESIDE_BYTES, PAGE_BYTES, cut
from sessions.history_view import history_page
from sessions.listing import Listed, listing
from sessions.newest_pages import BOTH_WAYS, NEWEST, newest_page
from sessions.patterns_view import patterns, patterns_of
from sessions.principals import shown
from sessions.session import Session
from sessions.workflows import workflows_page

Part = Literal[
    "timeline",
    "answer",
    "latest_critique",
    "penultimate_revision",
    "convergence_analysis",
    "transcript",
    "run_log",
    "phase",
    "instructions",
    "workflows",
    "patterns",
    "comparison",
    "history",
]
Body = dict[str, Any]
LAST_OFFSET, LAST_SLOT = (1 << 62) - 1, (1 << 31) - 1
"""The greatest that every store can compare with."""
PAGED = frozenset({"convergence_analysis", "history", "run_log", "timeline", "transcript"})
NOT_ALL_READ = (
    "There are too many texts to read them all: of older sessions only title and newest answer were compared, and of "
    "very long ones the newest entries."
)
MARKDOWN = frozenset({"answer", "transcript"})
SEALED_SEARCH = "Texts are sealed: only ids, companion types and dates of last use (YYYY-MM-DD, UTC) were searched."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads parts of sessions for whoever may. It takes no locks and changes nothing.

    Attributes:
        compared: The comparison that was read last.
    """

    calls: Calls
    compared: LastComparison = field(default_factory=LastComparison)

    async def part(
        self,
        owner: str,
        session_id: str,
        companion_type: str | None,
        part: Part,
        *,
        slot: int | None = None,
        offset: int = 0,
        compared_with: str | None = None,
    ) -> Body:
        """Give the body of a part; Markdown parts stand in its ``text``.

        Args:
            owner: Who reads: the session must be theirs, or shared with them.
            session_id: The session.
            companion_type: ``None`` means the one that the session used last.
            part: What to read.
            slot: An earlier slot; ``None`` means the newest, or all of them for parts that span slots.
            offset: Where the page before ended, as it said; -1 means the newest page of the parts that have one.
            compared_with: For a comparison: a version's number, or another session; see ``comparing``.

        Raises:
            InputError: Nothing of that kind is there yet.
        """
        least = NEWEST if part in BOTH_WAYS else 0
        if not (least <= offset <= LAST_OFFSET and 0 <= (slot or 0) <= LAST_SLOT):
            raise InputError("There is no such slot or offset.", "Take an offset from the page before.")
        session, companion_type = await self.calls.session(owner, session_id, companion_type, "read")
        companion = await slots.companion_at(session, companion_type, slot)
        self._check(session, companion, slot)
        if part == "comparison":
            sessions = self.calls.desk.sessions
            told = await comparison(sessions, owner, session, companion, with_=compared_with, last=self.compared)
            body = _piece("text", told, part, slot=slot, offset=offset)
        else:
            body = await self._read(session, companion, part, slot=slot, offset=offset)
        return {"session_id": session.session_id, "companion_type": companion_type} | _beside(body, companion)

    async def newest_convergence(
        self, owner: str, session_id: str, companion_type: str | None, *, slot: int | None = None
    ) -> Body:
        """Give the ``convergence_analysis`` of a slot's newest hundred revisions: what pictures are drawn from.

        Raises:
            InputError: There is no such slot.
        """
        session, companion_type = await self.calls.session(owner, session_id, companion_type, "read")
        companion = await slots.companion_at(session, companion_type, slot)
        self._check(session, companion, slot)
        return await convergence_view.newest_convergence(session, companion)

    async def history(self, owner: str, session_id: str, companion_type: str) -> Body:
        """Give the newest queries and answers as messages."""
        session, companion_type = await self.calls.session(owner, session_id, companion_type, "read")
        companion = await session.look(companion_type)
        self._check(session, companion, None)
        return views.history(companion, session.session_id)

    async def overview(self, owner: str, session_id: str) -> Body:
        """Give what is known of a session as a whole."""
        desk = self.calls.desk
        session = await desk.sessions.find(owner, session_id, "read")
        body = paged_views.overview(session, await desk.sessions.head(session), desk.allowance.prices)
        return body | ({} if session.place.owner == owner else {"owner": shown(session.place.owner, owner)})

    async def listing(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> Body:
        """List somebody's sessions, newest first, or those that hold all words of a search, with where.

        ``offset`` leaves out that many of the first.

        ``searched`` says what a search saw where that is not all.
        """
        sessions = self.calls.desk.sessions
        if not search or search.isspace():
            newest = await listing(sessions, owner, limit=limit, offset=offset)
            return {"sessions": [_listed(each, owner) for each in newest]}
        if sessions.sealed:
            few = await listing(sessions, owner, search=search, limit=limit, offset=offset)
            return {"sessions": [_listed(each, owner) for each in few], "searched": SEALED_SEARCH}
        found = await searching.search(sessions, owner, search, offset + limit)
        hits = found.hits[offset:]
        body: Body = {"sessions": [_listed(hit.listed, owner) | _found_in(hit.excerpt) for hit in hits]}
        return body if found.whole else body | {"searched": NOT_ALL_READ}

    async def session_ids(self, owner: str, beginning: str, limit: int) -> list[str]:
        """Give ids of somebody's sessions that show a text in id, title or newest answer: as it is being typed."""
        found = await listing(self.calls.desk.sessions, owner, search=beginning or None, limit=limit)
        return [each.head.opening.session_id for each in found]

    async def patterns(self, companion_type: str) -> Body:
        """Give what was learned of a companion type, from everybody's loops."""
        return await patterns(self.calls.desk.sessions, companion_type)

    async def _read(self, session: Session, companion: Companion, part: Part, *, slot: int | None, offset: int) -> Body:
        if part in PAGED:
            return await self._page(session, companion, part, slot=slot, offset=offset)
        if part == "phase":
            return views.phase(companion)
        if part == "workflows":
            return await workflows_page(session, offset=offset)
        if part == "patterns":
            return await patterns_of(self.calls.desk.sessions.store, companion.companion_type)
        key, body = await self._text(session, companion, part)
        return _piece(key, body, part, slot=slot, offset=offset)

    async def _text(self, session: Session, companion: Companion, part: Part) -> tuple[str, Body]:
        """Give a body with one long text, and the key that it stands under."""
        match part:
            case "latest_critique":
                return "critique", views.latest_critique(companion, session.session_id)
            case "penultimate_revision":
                return "revision", views.penultimate_revision(companion, session.session_id)
            case "instructions":
                given = await self.calls.desk.instructions(session, companion.companion_type)
                return "text", {"text": given["user"], "system": given["system"]}
            case _:
                return "text", views.answer(companion)

    async def _page(self, session: Session, companion: Companion, part: Part, *, slot: int | None, offset: int) -> Body:
        if offset == NEWEST:
            return await newest_page(session, companion, part, slot=slot)
        match part:
            case "convergence_analysis":
                return await convergence_view.convergence_page(session, companion, offset=offset)
            case "history":
                return await history_page(session, companion, slot=slot, offset=offset)
            case "run_log":
                return await paged_views.run_log_page(session, companion, slot=slot, offset=offset)
            case "timeline":
                return await paged_views.timeline_page(session, companion, slot=slot, offset=offset)
            case _:
                text, following = await paged_views.transcript_page(session, companion, slot=slot, offset=offset)
                return {"text": text, "more": _more(part, slot, following)}

    def _check(self, session: Session, companion: Companion, slot: int | None) -> None:
        """Refuse a companion or a slot that the session does not have."""
        if companion.configuration is None:
            has = ", ".join(session.shown) or "none yet"
            raise UnknownNameError(
                f"This session has no companion {companion.companion_type!r}; it has: {has}.",
                "Name one of those, or call draft with this companion_type to begin it.",
            )
        if companion.slot is None or (slot is not None and companion.slot.number != slot):
            raise InputError(f"There is no slot {slot}.", "Slots are counted from 0; leave slot out for the newest.")


def _beside(body: Body, companion: Companion) -> Body:
    """Shorten what stands beside a part's own text, and name the place where the whole of it can be read."""
    number = None if companion.slot is None else companion.slot.number
    told = dict(body)
    for name in ("query", "evidence"):
        if body.get(name) is not None:
            told[name], following = cut(body[name], BESIDE_BYTES)
            if following is not None:
                told[f"{name}_more"] = {"part": "transcript", "slot": number, "offset": 0}
    return told


def _listed(listed: Listed, principal: str) -> Body:
    known, opening = listed.head.projection, listed.head.opening
    body: Body = {
        "session_id": opening.session_id,
        "title": "" if known is None else known.title,
        "last_used": paged_views.moment(listed.used_at),
        "companions": {} if known is None else _brief(known.companions),
        "preview": "" if known is None else known.preview,
    }
    if listed.role is not None:
        return body | {"role": listed.role, "owner": shown(opening.owner, principal)}
    return body | ({"pinned": True} if listed.head.pinned else {})


def _found_in(excerpt: searching.Excerpt | None) -> Body:
    return {} if excerpt is None else {"found": {name: it for name, it in asdict(excerpt).items() if it is not False}}


def _brief(companions: "Any") -> Body:
    """Give of each companion only what helps to choose a session."""
    return {
        name: {key: values.get(key) for key in ("phase", "iteration", "stop_reason") if values.get(key) is not None}
        for name, values in companions.items()
    }


def _piece(key: str, body: Body, part: Part, *, slot: int | None, offset: int) -> Body:
    """Give a body with a page of its one long text."""
    piece, following = cut(body[key][offset:], PAGE_BYTES)
    return body | {key: piece, "more": _more(part, slot, None if following is None else offset + following)}


def _more(part: Part, slot: int | None, offset: int | None) -> Body | None:
    return None if offset is None else {"part": part, "slot": slot, "offset": offset}
