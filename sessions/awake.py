"""A companion in memory: read from the store once, then kept true by the entries that its steps store.

When it has to be read again is ``session``'s to say.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from companions.companion import EXCHANGES, VERSIONS, Companion
from companions.edits import EDITS, Edits
from companions.entries import Entry
from sessions.corrections import corrections
from sessions.places import Receipt
from sessions.store import Store, Window

WINDOW = Window(versions=VERSIONS, exchanges=EXCHANGES)
UNREAD = -1
"""How often another process was seen to write, as far as a companion knows that has to be read again."""


@dataclass(slots=True)
class Awake:
    """A companion in memory, with the lock that makes its steps one after another.

    Attributes:
        fresh: The session's ``foreign`` count when it was read; another count now means that it must be read again.
        handed: Entries that were handed over and not applied yet, with their receipt; a cancelled step leaves them to
            the next one.
    """

    companion: Companion
    fresh: int
    handed: tuple[Sequence[Entry], Receipt] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def apply(self, entries: Sequence[Entry]) -> None:
        """Take in entries that were stored or kept."""
        for entry in entries:
            self.companion.apply(entry)


async def read_companion(store: Store, session_id: str, companion_type: str) -> Companion:
    """Restore a companion from the store: its tail, and what corrects it, applied in order."""
    companion = Companion(companion_type)
    entries = await store.tail(session_id, companion_type, WINDOW)
    for entry in await _with_corrections(store, session_id, entries):
        companion.apply(entry)
    return companion


async def _with_corrections(store: Store, session_id: str, entries: Sequence[Entry]) -> Sequence[Entry]:
    configured = next((entry for entry in reversed(entries) if entry.kind == "configure"), None)
    if configured is None or EDITS not in configured.meta:
        return entries
    edits = await corrections(store, session_id, Edits.after(configured), entries)
    by_seq = {entry.seq: entry for entry in (*entries, *edits)}
    return [by_seq[seq] for seq in sorted(by_seq)]
