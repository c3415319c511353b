"""A session as a whole: every text that was ever written in it, gathered from the store to be shown or exported.

It gathers and lays out, as JSON or Markdown; where that goes is the commands' work. Whoever asks for a whole session
holds it all in memory; nothing else in the program does.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from companions.entries import Entry
from companions.errors import SessionNotFoundError, UnknownNameError
from companions.run_log import run_log
from sessions.corrections import as_corrected
from sessions.paged_views import line_of
from sessions.session import Session
from sessions.slots import TOLD
from terminal.program import Program

PAGE = 100
HOW_TO_FIND = "Run `companions sessions` to see yours."

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One session.

    Attributes:
        overview: What is known of it as a whole.
        run_logs: By companion type, the whole run_log.
        transcripts: By companion type, the whole thinking as Markdown.
        timelines: By companion type, a line's worth of values of each entry, its number among them.
    """

    overview: Body
    run_logs: dict[str, list[Body]]
    transcripts: dict[str, str]
    timelines: dict[str, list[Body]]

    def as_json(self) -> str:
        """Give it as JSON, in UTF-8 letters as they are."""
        told = {"session": self.overview, "run_logs": self.run_logs, "timelines": self.timelines}
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"

    def as_markdown(self) -> str:
        """Give it as Markdown; each text stands in it unchanged."""
        told = self.overview
        opened, used = told["created_at"], told["last_used"]
        head = f"# {told['title']}\n\nSession {told['session_id']}, opened {opened}, last used {used}.\n\n"
        several = len(self.transcripts) > 1
        return head + "".join(
            (f"# Companion {name}\n\n" if several else "") + transcript for name, transcript in self.transcripts.items()
        )


async def found(program: Program, session_id: str) -> Session:
    """Find one of the person's sessions.

    Raises:
        SessionNotFoundError: There is none, and how to see which there are.
    """
    try:
        return await program.calls.desk.sessions.find(program.owner, session_id)
    except SessionNotFoundError as error:
        raise SessionNotFoundError(error.what, HOW_TO_FIND) from error


async def gather(program: Program, session_id: str, companion_type: str | None = None) -> Record:
    """Read a whole session, or one companion's part of it.

    Raises:
        SessionNotFoundError: There is no such session.
        UnknownNameError: The session has no such companion.
    """
    session = await found(program, session_id)
    overview = await program.reading.overview(program.owner, session_id)
    names = chosen_of(list(overview["companions"]), companion_type)
    entries = {name: await entries_of(session, name) for name in names}
    return Record(
        overview=overview,
        run_logs={name: run_log(several) for name, several in entries.items()},
        timelines={name: [line_of(entry) for entry in several] for name, several in entries.items()},
        transcripts={name: await _transcript(program, session_id, name) for name in names},
    )


def chosen_of(names: Sequence[str], companion_type: str | None) -> Sequence[str]:
    """Give the companions that are meant: all, or the one that is named.

    Raises:
        UnknownNameError: There is no such one.
    """
    if companion_type is None:
        return names
    if companion_type not in names:
        raise UnknownNameError(
            f"This session has no companion {companion_type!r}.", f"Name one of: {', '.join(names) or 'none yet'}."
        )
    return [companion_type]


async def entries_of(session: Session, companion_type: str) -> list[Entry]:
    """Read all of a companion's steps as they were corrected, and what is said beside them, in order."""
    store = session.store
    read: list[Entry] = []
    while page := await store.page(
        session.session_id,
        after=read[-1].seq if read else 0,
        limit=PAGE,
        companion_type=companion_type,
        kinds=TOLD,
    ):
        read += page
    return await as_corrected(store, session.session_id, (await session.look(companion_type)).edits, read)


async def _transcript(program: Program, session_id: str, companion_type: str) -> str:
    parts: list[str] = []
    offset: int | None = 0
    while offset is not None:
        body = await program.reading.part(program.owner, session_id, companion_type, "transcript", offset=offset)
        parts.append(body["text"])
        offset = None if body["more"] is None else body["more"]["offset"]
    return "".join(parts)
