"""What branches bring to a consultation: other sessions' stored answers, taken as they are and kept with its workflow.

A branch is named by its session's id where companions are named by their types. It is read once, when the consultation
begins: from then on its text stands in the session that asked, whatever becomes of the branch. It asks no model; what
is made of the texts is ``consulting``'s work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from companions.companion import Slot, version_of
from companions.entries import Entry
from companions.errors import InputError, RoleError
from companions.requests import Brought
from sessions.session import Session
from sessions.session_ids import is_id
from sessions.sessions import Sessions
from sessions.slots import PAGE, companion_at

FEWEST = 2
"""Texts that can be drawn together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A session that is drawn together with others: its answer, and the query that this answers."""

    session_id: str
    query: str
    answer: Entry

    def told(self) -> dict[str, Any]:
        """Say where its text comes from, as it is recorded."""
        return {
            "session_id": self.session_id,
            "companion_type": self.answer.companion_type,
            "slot": self.answer.slot,
            "version": version_of(self.answer),
            "seq": self.answer.seq,
        }


async def parted(
    sessions: Sessions, principal: str, owner: str, names: Sequence[str]
) -> tuple[list[str], list[Branch]]:
    """Part the names of contributors into companion types and branches, and read what these say.

    Args:
        sessions: Where the branches are.
        principal: Who asks.
        owner: Whose the session is that the texts are written into.
        names: The contributors.

    Raises:
        UnknownNameError: A name is neither a companion type's nor like a session's id.
        SessionNotFoundError: A session is unknown, forgotten or none that they may read.
        RoleError: A session is shared with them, and is not the owner's: its text would stay when that is taken back.
        InputError: A session has no text yet, or is the only contributor.
    """
    library = await sessions.read_library()
    known = {kind.name for kind in library.types}
    ids = [name for name in names if name not in known and is_id(name)]
    types = [name for name in names if name not in ids]
    for name in types:
        library.get(name)
    if ids and len(names) < FEWEST:
        raise InputError(
            "One session alone has nothing to be drawn together with.",
            "Name another session or a companion type beside it in companion_types.",
        )
    return types, [await _branch(await _theirs(sessions, principal, owner, session_id)) for session_id in ids]


async def _theirs(sessions: Sessions, principal: str, owner: str, session_id: str) -> Session:
    """Find a session whose text may go into one of the owner's: of whoever asks, or the owner's own."""
    session = await sessions.find(principal, session_id, "read")
    if session.place.owner not in (principal, owner):
        raise RoleError(
            f"Session {session_id} is another's, and its text would stay where it is merged into.",
            "Merge sessions of your own, or merge it as a co-author into a session of the same owner.",
        )
    return session


async def _branch(session: Session) -> Branch:
    """Read a session's answer: that of the companion which it used last, from its newest slot that has one."""
    slot = None if session.last_type is None else await _answered(session, session.last_type)
    if slot is None or slot.answer is None:
        said = "no text" if session.last_type is None else f"no text of {session.last_type!r}, which it used last,"
        what = f"Session {session.session_id} has {said} yet."
        raise InputError(what, "Have one written there first, or leave it out.")
    return Branch(session_id=session.session_id, query=slot.query.text, answer=slot.answer)


async def _answered(session: Session, companion_type: str) -> Slot | None:
    slot = (await session.look(companion_type)).slot
    if slot is None or slot.answer is not None or not slot.number:
        return slot
    return (await companion_at(session, companion_type, slot.number - 1)).slot


def query_of(branches: Sequence[Branch]) -> str | None:
    """Give the query that branches answer; ``None`` without any.

    Raises:
        InputError: They answer different ones.
    """
    queries = {branch.query for branch in branches}
    if len(queries) > 1:
        raise InputError(
            "The sessions answer different queries.", "Give a query: the question that they are drawn together for."
        )
    return next(iter(queries), None)


def brought(branches: Sequence[Branch], workflow: Mapping[str, Any]) -> tuple[Brought, ...]:
    """Give what is recorded of branches before their workflow: each text, with where it comes from."""
    return tuple((branch.answer.text, {**workflow, "branch": branch.told()}) for branch in branches)


def branch_states(known: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Tell of each branch of a consultation where its text comes from, by session; there is nothing to wait for."""
    told = ({**branch} for branch in known.get("branches", ()))
    return {branch.pop("session_id"): {"status": "done"} | branch for branch in told}


async def texts_of(session: Session, synthesizer: str, slot: Slot, known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give what the branches of a consultation said when it began, each with a name for it, in their order.

    Raises:
        StoreError: The store failed: none of it is held in memory.
    """
    missing = len(known.get("branches", ()))
    if missing:
        await session.writer.landed(session.place)
        await session.writer.settled(session.session_id)
    texts, after = list[tuple[str, str]](), slot.query.seq
    while missing > len(texts):
        entries = await session.store.page(
            session.session_id,
            after=after,
            limit=missing if not texts else PAGE,
            companion_type=synthesizer,
            slot=slot.number,
            kinds=("workflow",),
        )
        if not entries:
            break
        after = entries[-1].seq
        texts += [_named(entry) for entry in entries if _is_of(entry, known)]
    return texts


def _is_of(entry: Entry, known: Mapping[str, Any]) -> bool:
    return "branch" in entry.meta and entry.meta.get("workflow_id") == known.get("workflow_id")


def _named(entry: Entry) -> tuple[str, str]:
    branch = entry.meta["branch"]
    return f"{branch['companion_type']} in session {branch['session_id']}", entry.text
