"""Writing archives: all that an owner has, or a session's questions as a template, read from the store page by page.

Forks hold their own entries and name their parent, where the archive holds that too. How a file is written so that a
broken one never looks whole is ``zipping``'s work. What was learned from loops is nobody's, and in no archive.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from companions.edits import place_corrected, without_edits
from companions.entries import Entry
from companions.errors import CompanionsError
from sessions.archives import layout
from sessions.archives.attached import Files
from sessions.archives.parts import Parts
from sessions.archives.zipping import Part, Zipping
from sessions.labels import without_label
from sessions.reporting import Report
from sessions.session import Session
from sessions.sessions import Sessions
from sessions.spooled_sessions import waiting
from sessions.store import Opening, Store
from sessions.whole_sessions import pages

SESSIONS = 100
"""Sessions that are listed in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an archive holds.

    Attributes:
        lacking: Sessions of the owner's, or of nobody known, of which entries wait on this machine's disk that do not
            open or have no beginning; those entries are not in it.
        shared: Sessions of others that the owner takes part in, by id; they are not in it.
    """

    sessions: int
    entries: int
    lacking: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


async def export(sessions: Sessions, owner: str, target: Path, report: Report) -> Exported:
    """Write all sessions of an owner to one file; what is written to them meanwhile may be left out.

    Args:
        sessions: Where they are.
        owner: Whose they are.
        target: The file; one that is there is replaced once the new one is whole.
        report: Hears how many sessions are done, and how many there are.

    Raises:
        StoreError: The store failed; there is no new file.
        CompanionsError: The file cannot be written; likewise.
    """
    lacking = await _come_home(sessions, owner)
    found = [each async for each in _owned(sessions.store, owner)]
    writing = _Writing(sessions.store, owner)
    async with _begun(target) as zipping:
        for number, (opening, seq) in enumerate(_parents_first(found)):
            report(number, len(found))
            await writing.add(zipping, opening, seq)
        exported = await asyncio.to_thread(writing.finish, zipping, template=False)
    joined = await sessions.store.grants.joined(owner)
    return replace(exported, lacking=lacking, shared=tuple(sorted(part.session_id for part, _ in joined)))


async def export_one(sessions: Sessions, session: Session, target: Path) -> Exported:
    """Write one session to a file, with all that it reads of the one that it was forked from.

    Raises:
        StoreError: The store failed; there is no new file.
        CompanionsError: The file cannot be written; likewise.
    """
    await sessions.writer.settled(session.session_id)
    head = await sessions.head(session)
    writing = _Writing(sessions.store, session.place.owner)
    async with _begun(target) as zipping:
        await writing.add(zipping, head.opening, head.seq)
        return await asyncio.to_thread(writing.finish, zipping, template=False)


async def export_template(session: Session, target: Path) -> Exported:
    """Write a session's settings and queries, and none of what was answered, to a file; it names no owner.

    Raises:
        StoreError: The store failed; there is no new file.
        CompanionsError: The file cannot be written; likewise.
    """
    session_id, entries = session.session_id, list[Entry]()
    async for page in pages(session.store, session_id, 0, session.place.head):
        for entry, _ in page:
            if (place := place_corrected(entry)) is not None and place.version is None:
                entries = [_asked(known, entry, place.slot) for known in entries]
            if entry.kind in {"configure", "query"}:
                entries.append(_bare(entry, len(entries) + 1))
    opening = Opening(session_id=session_id, owner="", created_at=0.0)
    writing = _Writing(session.store, "")
    async with _begun(target) as zipping:
        with closing(Parts(opening)) as parts:
            await asyncio.to_thread(parts.write, entries)
            await asyncio.to_thread(writing.keep, zipping, parts)
        return await asyncio.to_thread(writing.finish, zipping, template=True)


@asynccontextmanager
async def _begun(target: Path) -> AsyncGenerator[Zipping]:
    """Begin a file, of which nothing stays unless it is finished."""
    try:
        zipping = await asyncio.to_thread(Zipping, target)
        try:
            yield zipping
        finally:
            await asyncio.to_thread(zipping.close)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise CompanionsError(f"{target} cannot be written ({reason}).", "Choose another file with -o.") from error


def _asked(known: Entry, edit: Entry, slot: int) -> Entry:
    """Give an entry of a template, as an edit corrects it if it is the query of its slot."""
    corrects = (known.companion_type, known.kind, known.slot) == (edit.companion_type, "query", slot)
    return replace(known, text=edit.text) if corrects else known


def _bare(entry: Entry, seq: int) -> Entry:
    """Give an entry of a template: who wrote it, when, and what the loop on it was judged by is the session's own."""
    configures = entry.kind == "configure"
    meta = without_label(without_edits(entry.meta)) if configures else dict[str, Any]()
    meta.pop("imported", None)
    text = "" if configures else entry.text
    return replace(entry, seq=seq, id=f"template-{seq}", text=text, author="", at=0.0, meta=meta)


async def _come_home(sessions: Sessions, owner: str) -> tuple[str, ...]:
    """Wait until the store holds what this machine's disk kept for it of an owner's; gives what cannot come."""
    found = [
        (session_id, opening)
        async for session_id, opening in waiting(sessions)
        if opening is None or opening.owner == owner
    ]
    closed = await sessions.spool.unopened() if found and sessions.spool is not None else frozenset[str]()
    lacking = list[str]()
    for session_id, opening in found:
        if opening is None or session_id in closed:
            lacking.append(session_id)
        else:
            await sessions.writer.settled(session_id)
    return tuple(sorted(lacking))


async def _owned(store: Store, owner: str) -> AsyncGenerator[tuple[Opening, int]]:
    after = ""
    while heads := await store.scan(after=after, limit=SESSIONS):
        for head in heads:
            if head.opening.owner == owner:
                yield head.opening, head.seq
        after = heads[-1].opening.session_id


def _parents_first(found: Iterable[tuple[Opening, int]]) -> Iterator[tuple[Opening, int]]:
    left = {opening.session_id: (opening, seq) for opening, seq in found}
    while left:
        line = [next(iter(left))]
        while (parent := left[line[-1]][0].parent) is not None and parent in left:
            line.append(parent)
        yield from (left.pop(session_id) for session_id in reversed(line))


class _Writing:
    """One archive: what it holds so far."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store, self._owner, self._files = store, owner, Files(store)
        self._sessions: list[dict[str, Any]] = []
        self._written: dict[str, int] = {}

    async def add(self, zipping: Zipping, opening: Opening, seq: int) -> None:
        """Add a session, unless it is forgotten meanwhile."""
        if opening.parent is not None and self._written.get(opening.parent, 0) < opening.base:
            # Its parent is forgotten or another owner's: it stands alone, with all that it reads.
            opening = replace(opening, parent=None, base=0)
        with closing(Parts(opening)) as parts:
            async for page in pages(self._store, opening.session_id, opening.base, seq):
                await asyncio.to_thread(parts.write, [entry for entry, _ in page])
                self._files.note(entry for entry, _ in page)
            if parts.seq == seq:
                await asyncio.to_thread(self.keep, zipping, parts)
                await self._files.add(zipping, opening.session_id)

    def keep(self, zipping: Zipping, parts: Parts) -> None:
        """Put a session that was written as a whole into the archive."""
        parts.end()
        session_id = parts.opening.session_id
        entries = parts.seq - parts.opening.base
        self._sessions.append({"session_id": session_id, "entries": entries, "sha256": parts.session.digest})
        self._written[session_id] = parts.seq
        zipping.add(layout.session_name(session_id), parts.session)
        zipping.add(layout.transcript_name(session_id), parts.transcript)

    def finish(self, zipping: Zipping, *, template: bool) -> Exported:
        """Write what it holds, and end it."""
        exported = Exported(sessions=len(self._sessions), entries=sum(each["entries"] for each in self._sessions))
        manifest = {
            "format": layout.ARCHIVE,
            "version": layout.VERSION,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "owner": self._owner,
            "template": template,
            "counts": {"sessions": exported.sessions, "entries": exported.entries},
            "sessions": self._sessions,
        }
        for name, content in (
            (layout.SCHEMA, layout.schema_text().encode()),
            (layout.MANIFEST, layout.as_json(manifest)),
        ):
            with closing(Part()) as part:
                part.write(content)
                zipping.add(name, part)
        zipping.finish()
        return exported
