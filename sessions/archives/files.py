"""Import of a file, whichever of the three it is: an archive, a template, or the seed project's session as JSON."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from companions.entries import Entry
from companions.errors import InputError
from sessions.archives import reading, seed, templates
from sessions.archives.attached import bring_files
from sessions.archives.checking import Checked, check_length
from sessions.archives.importing import Imported, Importing, derived
from sessions.archives.listing import Listed
from sessions.archives.templates import Begun
from sessions.labelling import unpin
from sessions.labels import MOST_PINNED
from sessions.reporting import Report
from sessions.sessions import Sessions
from sessions.store import Opening

ZIP = b"PK\3\4"
CHOSEN = frozenset({"configure", "query"})
"""Entries of a seed project's session whose metas this program's settings have a part in."""
LISTED = 60
"""Sessions that are listed at a time."""
MOST_SEED = 64_000_000
"""Bytes of a seed project's file, which is read as a whole."""


@dataclass(frozen=True, slots=True)
class _Archived:
    """A session of an archive, as an import takes it."""

    archive: Checked
    listed: Listed

    @property
    def opening(self) -> Opening:
        return self.listed.opening

    @property
    def last(self) -> int:
        return self.listed.last

    async def entries(self) -> AsyncGenerator[list[Entry]]:
        pages = self.archive.entries(self.listed)
        try:
            while page := await asyncio.to_thread(next, pages, None):
                yield page
        finally:
            await asyncio.to_thread(pages.close)

    def as_told(self, entry: Entry) -> Entry:
        return replace(entry, author="")


@dataclass(frozen=True, slots=True)
class _Made:
    """A session whose entries were made here."""

    opening: Opening
    made: tuple[Entry, ...]

    @property
    def last(self) -> int:
        return len(self.made)

    async def entries(self) -> AsyncGenerator[list[Entry]]:
        yield [*self.made]

    def as_told(self, entry: Entry) -> Entry:
        # What the file leaves open was filled in by the settings of that day.
        return replace(entry, author="", meta={} if entry.kind in CHOSEN else entry.meta)


async def bring(
    sessions: Sessions, owner: str, path: Path, *, text_limit: int, report: Report
) -> Imported | list[Begun]:
    """Import a file; a template begins new sessions, all others bring what is not there yet.

    Args:
        sessions: Where they go.
        owner: Whose they will be, whatever the file says.
        path: The file.
        text_limit: The most bytes of one text in it.
        report: Hears how many sessions are done, and how many there are.

    Raises:
        InputError: It is none of the three, or not such as this program writes; nothing was stored.
        StoreError: The store failed; what was stored stays, and the same call goes on.
    """
    beginning = await asyncio.to_thread(_read, path, len(ZIP))
    if beginning != ZIP:
        return await _bring_seed(sessions, owner, path, text_limit)
    stack = ExitStack()
    try:
        opened = await asyncio.to_thread(stack.enter_context, reading.opened(path, text_limit=text_limit))
        archive = await asyncio.to_thread(Checked, opened)
        if archive.template:
            return await _begin(sessions, owner, archive)
        return await _bring(sessions, owner, archive, report)
    finally:
        await asyncio.to_thread(stack.close)


async def _bring(sessions: Sessions, owner: str, archive: Checked, report: Report) -> Imported:
    importing = Importing(sessions.store, owner, sessions.retention)
    for number, listed in enumerate(archive.sessions):
        report(number, len(archive.sessions))
        source = _Archived(archive, listed)
        await importing.bring(source)
        session_id = importing.imported.ids[listed.opening.session_id]
        if archive.archive.digests:
            await bring_files(sessions.store, archive.archive, session_id, source.entries())
    importing.imported.unpinned = await _unpinned(sessions, owner, {*importing.imported.ids.values()})
    return importing.imported


async def _unpinned(sessions: Sessions, owner: str, brought: Collection[str]) -> int:
    """Take pins back from sessions that were brought, those used longest ago first, until no more than may be stay."""
    pinned, offset = list[str](), 0
    while heads := await sessions.list(owner, limit=LISTED, offset=offset, archived=True):
        pinned += [head.opening.session_id for head in heads if head.pinned]
        offset += len(heads)
        if not heads[-1].pinned:
            break
    over = max(0, len(pinned) - MOST_PINNED)
    taken = [session_id for session_id in reversed(pinned) if session_id in brought][:over]
    for session_id in taken:
        await unpin(sessions, owner, session_id)
    return len(taken)


async def _begin(sessions: Sessions, owner: str, archive: Checked) -> list[Begun]:
    kept = [
        [entry async for page in _Archived(archive, listed).entries() for entry in page] for listed in archive.sessions
    ]
    for entries in kept:
        templates.notes_of(entries)
    return [await templates.begin(sessions, owner, entries) for entries in kept]


async def _bring_seed(sessions: Sessions, owner: str, path: Path, text_limit: int) -> Imported:
    content = await asyncio.to_thread(_read, path, MOST_SEED + 1)
    if len(content) > MOST_SEED:
        raise InputError(f"{path.name} is larger than any session.", "Name an archive, a template or a session's JSON.")
    library = await sessions.read_library()
    created_at, entries = await asyncio.to_thread(seed.read, content, path.name, library, sessions.defaults)
    for entry in entries:
        place = (
            f"The {entry.kind} {entry.index} of slot {entry.slot} of companion {entry.companion_type} in {path.name}"
        )
        check_length(place, entry, text_limit)
    name = derived(owner, hashlib.sha256(content).hexdigest(), 0)
    importing = Importing(sessions.store, owner, sessions.retention)
    await importing.bring(_Made(Opening(session_id=name, owner=owner, created_at=created_at), tuple(entries)))
    return importing.imported


def _read(path: Path, most: int) -> bytes:
    with reading.refusals(path), path.open("rb") as file:
        return file.read(most)
