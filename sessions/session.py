"""An open session: its place in the writer and the companions that are awake in it.

It records notes and keeps companions true to the store. What may be written, and who writes it, is ``steps``'s work.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from companions.companion import EXCHANGES, VERSIONS, Companion
from companions.entries import Entry, Note
from companions.errors import ConflictError, SessionNotFoundError, StoreError
from sessions.store import Committed, Conflict, Gone, Opening, Outcome, Store, Window
from sessions.writer import Place, Writer

WINDOW = Window(versions=VERSIONS, exchanges=EXCHANGES)
UNREAD = -1
"""How often another process was seen to write, as far as a companion knows that has to be read again."""
ATTEMPTS = 20
"""How often an append goes behind other processes' entries before it gives up."""
TEXTS = frozenset({"draft", "critique", "revision"})


@dataclass(slots=True)
class Awake:
    """A companion in memory, with the lock that makes its steps one after another.

    Attributes:
        fresh: The session's ``foreign`` count when it was read; another count now means that it must be read again.
        receipt: Of entries that were handed over and not applied yet; a cancelled step leaves it to the next one.
    """

    companion: Companion
    fresh: int
    receipt: "asyncio.Future[Outcome] | None" = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Session:
    """One open session.

    Attributes:
        opening: How it was minted.
        foreign: How often another process was seen to have written to it.
        last_type: The companion type that it used last.
        counted: The newest entry that is counted in what listings show; all before it are, too.
        title: The first query's beginning; empty until it is known.
        shown: What listings show, by companion type.
    """

    place: Place
    writer: Writer
    opening: Opening
    foreign: int = 0
    last_type: str | None = None
    counted: int = 0
    title: str = ""
    used_at: float = 0.0
    shown: dict[str, Any] = field(default_factory=dict[str, Any])
    awake: dict[str, Awake] = field(default_factory=dict[str, Awake])
    _waking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def session_id(self) -> str:
        """Its id."""
        return self.place.session_id

    @property
    def stored(self) -> bool:
        """Whether anything of it is in the store."""
        return self.place.opening is None and self.place.head > 0

    @property
    def busy(self) -> bool:
        """Whether something is being written in it."""
        return self.place.flying > 0 or any(awake.lock.locked() for awake in self.awake.values())

    async def wake(self, companion_type: str) -> Awake:
        """Give a companion, from memory or by one short read."""
        if companion_type not in self.awake:
            async with self._waking:
                if companion_type not in self.awake:
                    foreign = self.foreign
                    self.awake[companion_type] = Awake(await self._read(companion_type), foreign)
        return self.awake[companion_type]

    async def look(self, companion_type: str) -> Companion:
        """Give a companion to read from, without a lock: as memory has it, or as the store has it if that is newer."""
        awake = self.awake.get(companion_type)
        if awake is not None and awake.receipt is not None and not self.place.flying:
            awake = None  # A step was cancelled behind its hand-over: what was stored is not in memory yet.
        if not self.writer.store.shared or self.place.flying or self.place.opening is not None:
            return awake.companion if awake is not None else await self._read(companion_type)
        head = await self.writer.store.head(self.session_id)
        if head is None:
            raise gone(self.session_id)
        if awake is not None and awake.fresh == self.foreign and head.seq == self.place.head:
            return awake.companion
        return await self._read(companion_type)

    async def catch_up(self, awake: Awake) -> None:
        """Look for entries of other processes, with one cheap read, and take them in.

        Raises:
            SessionNotFoundError: The session was forgotten meanwhile.
        """
        if awake.receipt is not None:
            await asyncio.wait({awake.receipt})
            awake.receipt, awake.fresh = None, UNREAD
        if self.place.opening is None and self.writer.store.shared:
            head = await self.writer.store.head(self.session_id)
            if head is None and not self.place.flying:
                raise gone(self.session_id)
            if head is not None and head.seq > self.place.head and not self.place.flying:
                self.place.head = head.seq
                self.foreign += 1
        if self.place.fenced:
            await self._unfence()
        if awake.fresh != self.foreign:
            await self._touched(awake)

    async def record(self, awake: Awake, notes: Sequence[Note]) -> tuple[Entry, ...]:
        """Store notes of one companion, in order, and apply them once they are stored.

        Raises:
            ConflictError: Another process wrote to this companion first; a text among the notes is kept beside it.
            StoreError: The store failed; nothing was applied.
        """
        for _ in range(ATTEMPTS):
            if self.place.fenced:
                await self._unfence()
            # A sibling may have moved the session's head past entries that this companion has not seen.
            while awake.fresh != self.foreign:
                if await self._touched(awake):
                    await self._keep_beside(notes)
                    raise _lost(notes)
            entries, awake.receipt = self.writer.hand_over(self.place, notes)
            outcome = await self._outcome(entries, asyncio.shield(awake.receipt))
            awake.receipt = None
            if isinstance(outcome, Committed):
                for entry in entries:
                    awake.companion.apply(entry)
                return entries
            if isinstance(outcome, Gone):
                raise gone(self.session_id)
        raise ConflictError("Other processes keep writing to this session.", "Call the same tool again.")

    async def _outcome(self, entries: Sequence[Entry], receipt: asyncio.Future[Outcome]) -> Outcome:
        """Wait for a receipt; a store that failed after it had committed has stored the entries all the same."""
        try:
            return await receipt
        except StoreError:
            found = await self.writer.store.page(self.session_id, after=entries[0].seq - 1, limit=1)
            if [entry.id for entry in found] != [entries[0].id]:
                raise
            return Committed()

    async def _read(self, companion_type: str) -> Companion:
        if not self.stored:
            return Companion(companion_type)
        return await read_companion(self.writer.store, self.session_id, companion_type)

    async def _unfence(self) -> None:
        """Read the head again after a refusal; from here on the numbers that are given out are true."""
        head = await self.writer.store.head(self.session_id)
        if not self.place.fenced or self.place.flying:
            return
        if head is None and self.place.opening is None:
            raise gone(self.session_id)
        if head is not None:
            self.place.head, self.place.opening = head.seq, None
        else:
            self.place.head = self.place.opening.base if self.place.opening else 0
        self.place.fenced = False
        self.foreign += 1

    async def _touched(self, awake: Awake) -> bool:
        """Tell whether another process has changed this companion since it was read; takes in what is new."""
        known, foreign = awake.companion, self.foreign
        awake.companion, awake.fresh = await self._read(known.companion_type), foreign
        return awake.companion.seq != known.seq

    async def _keep_beside(self, notes: Sequence[Note]) -> None:
        """Keep the loser's texts as ``alternative`` entries: they never count, and are never lost."""
        kept = [
            Note(
                companion_type=note.companion_type,
                kind="alternative",
                slot=note.slot,
                index=note.index,
                text=note.text,
                meta={**note.meta, "of": note.kind},
            )
            for note in notes
            if note.kind in TEXTS
        ]
        outcome: Outcome = Conflict(0)
        for _ in range(ATTEMPTS if kept else 0):
            if self.place.fenced:
                await self._unfence()
            _, receipt = self.writer.hand_over(self.place, kept)
            outcome = await receipt
            if not isinstance(outcome, Conflict):
                break
        if isinstance(outcome, Gone):
            raise gone(self.session_id)


async def read_companion(store: Store, session_id: str, companion_type: str) -> Companion:
    """Restore a companion from the store: its tail, applied in order."""
    companion = Companion(companion_type)
    for entry in await store.tail(session_id, companion_type, WINDOW):
        companion.apply(entry)
    return companion


def gone(session_id: str) -> SessionNotFoundError:
    """Make the error for a session that is unknown, forgotten, or another owner's: all three are told alike."""
    return SessionNotFoundError(
        f"There is no session {session_id[:64]!r}.", "Call list_sessions to find yours, or draft without session_id."
    )


def _lost(notes: Sequence[Note]) -> StoreError:
    kept = any(note.kind in TEXTS for note in notes)
    return ConflictError(
        "Another process wrote this step first" + ("; this text was kept as an alternative." if kept else "."),
        "Call the same tool again without text to see what stands now.",
    )
