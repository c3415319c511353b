"""Beginning sessions from templates: a new session whose companions wait for the draft of their first query.

A query that was put later followed on an answer that a template does not hold, so it is handed back instead of being
asked at once. What a template keeps of a session is ``writing``'s to say.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from companions.companion import Companion
from companions.edits import without_edits
from companions.entries import Entry, Note
from companions.errors import ConflictError, InputError, StoreError
from sessions.keeping import Kept
from sessions.projections import brought_up
from sessions.sessions import Sessions
from sessions.store import Committed


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session that was begun from a template.

    Attributes:
        session_id: The session.
        waiting: By companion type, the query that waits for its draft.
        later: Companion type and text of each query that is left to be put.
        spooled: Whether it waits on this machine's disk, since the store went away.
    """

    session_id: str
    waiting: dict[str, str]
    later: tuple[tuple[str, str], ...]
    spooled: bool = False


def notes_of(entries: Sequence[Entry]) -> tuple[list[Note], list[tuple[str, str]]]:
    """Give what a new session begins with, and the queries that are left.

    Raises:
        InputError: A companion has a query and no settings, or settings that cannot be read.
    """
    companions, notes, later = dict[str, Companion](), dict[tuple[str, str], Note](), list[tuple[str, str]]()
    for entry in entries:
        name, companion = (
            entry.companion_type,
            companions.setdefault(entry.companion_type, Companion(entry.companion_type)),
        )
        if entry.kind == "configure" and (name, "query") not in notes:
            notes[name, "configure"] = Note(
                companion_type=name, kind="configure", slot=0, meta=without_edits(entry.meta)
            )
            _configure(companion, entry)
        elif entry.kind == "query" and (name, "query") in notes:
            later.append((name, entry.text))
        elif entry.kind == "query":
            configured = companion.configuration
            if configured is None:
                raise InputError(f"Companion {name} of the template has no settings.", "Export the template again.")
            meta = {"threshold": configured.threshold, "threshold_source": configured.threshold_source}
            notes[name, "query"] = Note(companion_type=name, kind="query", slot=0, text=entry.text, meta=meta)
    return [*notes.values()], later


def _configure(companion: Companion, entry: Entry) -> None:
    try:
        companion.apply(entry)
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"The settings of companion {companion.companion_type} in the template cannot be read.", "Export it again."
        ) from error


async def begin(sessions: Sessions, owner: str, entries: Sequence[Entry]) -> Begun:
    """Begin a session; where the store goes away meanwhile, it waits on this machine's disk.

    Raises:
        InputError: The template is such that no session can begin from it.
        StoreError: It could not be stored; there is no session.
    """
    notes, later = notes_of(entries)
    session = sessions.mint(owner)
    _, receipt = sessions.writer.hand_over(session.place, notes)
    outcome = await asyncio.shield(receipt)
    if not isinstance(outcome, Committed | Kept):
        raise ConflictError("The session could not be begun.", "Import the template again.")
    with contextlib.suppress(StoreError):  # it is there, or kept; what listings show of it is made up for by them
        await sessions.writer.landed(session.place)
        await sessions.writer.settled(session.session_id)
        head = await sessions.store.head(session.session_id)
        if head is not None:
            await sessions.store.project([await brought_up(sessions.store, head)])
    sessions.open.leave(session.session_id)
    spooled = sessions.writer.keeper.waits(session.session_id)
    waiting = {note.companion_type: note.text for note in notes if note.kind == "query"}
    return Begun(session_id=session.session_id, waiting=waiting, later=tuple(later), spooled=spooled)
