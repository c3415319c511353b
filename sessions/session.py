"""An open session: its place in the writer and the companions that are awake in it.

It records notes and keeps companions true to the store. What may be written, and who writes it, is ``steps``'s work.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from companions.companion import Companion
from companions.edits import carried
from companions.entries import Entry, Note
from companions.errors import ConflictError, SessionNotFoundError, StoreAwayError, StoreError
from sessions.alternatives import beside, lost
from sessions.awake import UNREAD, Awake, read_companion
from sessions.keeping import Kept
from sessions.labels import Label
from sessions.places import Place, Receipt
from sessions.store import Committed, Conflict, Gone, Opening, Outcome, Store
from sessions.writer import Writer

ATTEMPTS = 200
"""How often an append goes behind other processes' entries before it gives up."""
OWN_WEIGHT = 6_000
"""What a session takes in memory besides its texts, in characters."""


@dataclass(slots=True, weakref_slot=True)
class Session:
    """One open session.

    Attributes:
        opening: How it was minted.
        foreign: How often another process was seen to have written to it.
        last_type: The companion type that it used last.
        counted: The newest entry that is counted in what listings show; all before it are, too.
        label: How it is listed.
        shown: What listings show, by companion type.
        notices: What its next reply has to say besides.
        weight: The characters that it holds in memory, as they were last counted.
    """

    place: Place
    writer: Writer
    store: Store
    opening: Opening
    foreign: int = 0
    last_type: str | None = None
    counted: int = 0
    label: Label = field(default_factory=Label)
    used_at: float = 0.0
    shown: dict[str, Any] = field(default_factory=dict[str, Any])
    notices: list[str] = field(default_factory=list[str])
    weight: int = OWN_WEIGHT
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
    def kept(self) -> bool:
        """Whether something of it is on this machine's disk and not in the store."""
        return self.writer.keeper.waits(self.session_id)

    @property
    def busy(self) -> bool:
        """Whether something is being written in it."""
        return self.place.flying > 0 or self.kept or any(awake.lock.locked() for awake in self.awake.values())

    def measured(self) -> int:
        """Count the characters that it holds in memory."""
        return OWN_WEIGHT + sum(awake.companion.characters for awake in self.awake.values())

    async def wake(self, companion_type: str) -> Awake:
        """Give a companion, from memory or by one short read."""
        if companion_type not in self.awake:
            async with self._waking:
                if companion_type not in self.awake:
                    foreign = self.foreign
                    self.awake[companion_type] = Awake(await self._known(companion_type), foreign)
        return self.awake[companion_type]

    async def look(self, companion_type: str, *, remembered: bool = False) -> Companion:
        """Give a companion to read from, without a lock: as memory has it, or as the store has it if that is newer.

        With ``remembered`` the store is not asked: a companion that memory does not have is one that has not begun.
        """
        awake = self.awake.get(companion_type)
        if remembered:
            return Companion(companion_type) if awake is None else awake.companion
        if awake is not None and awake.handed is not None and not self.place.flying:
            awake = None  # A step was cancelled behind its hand-over: what was stored is not in memory yet.
        if not self.store.shared or self.place.flying or self.place.opening is not None or self.kept:
            return awake.companion if awake is not None else await self._known(companion_type)
        head = await self.store.head(self.session_id)
        if head is None:
            raise gone(self.session_id)
        if awake is not None and awake.fresh == self.foreign and head.seq == self.place.head:
            return awake.companion
        return await self._read(companion_type)

    async def catch_up(self, awake: Awake) -> None:
        """Look for entries of other processes, with one cheap read, and take them in.

        While the store is away, and until it has all that was kept meanwhile, memory is the newest there is.

        Raises:
            SessionNotFoundError: The session was forgotten meanwhile.
        """
        if awake.handed is not None:
            await self._take_handed(awake, *awake.handed)
        if self.place.opening is None and self.store.shared and not self.kept:
            with contextlib.suppress(StoreAwayError):
                await self._look_for_others()
        if self.place.fenced:
            await self._unfence()
        if awake.fresh != self.foreign:
            await self._touched(awake)

    async def _take_handed(self, awake: Awake, entries: Sequence[Entry], receipt: Receipt) -> None:
        """Take in what a cancelled step has handed over, if it was stored."""
        await asyncio.wait({receipt})
        awake.handed = None
        stored = receipt.exception() is None and isinstance(receipt.result(), Committed | Kept)
        if stored and awake.fresh == self.foreign:
            awake.apply(entries)
        else:
            awake.fresh = UNREAD

    async def _look_for_others(self) -> None:
        flying = self.place.flying  # what lands while the head is read may have been too late for it
        head = await self.store.head(self.session_id)
        if head is None and not flying and not self.place.flying:
            raise gone(self.session_id)
        if head is not None and head.seq > self.place.head and not self.place.flying:
            self.place.head = head.seq
            self.foreign += 1

    async def record(self, awake: Awake, notes: Sequence[Note], author: str | None = None) -> tuple[Entry, ...]:
        """Store notes of one companion, in order, and apply them once they are stored; the owner's where none is told.

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
                    await self._keep_beside(notes, author)
                    raise lost(notes)
            given = carried(notes, awake.companion.edits)
            entries, receipt = self.writer.hand_over(self.place, given, author)
            awake.handed = entries, receipt
            try:
                outcome = await asyncio.shield(receipt)
            except StoreError:
                awake.handed = None
                raise
            awake.handed = None
            if isinstance(outcome, Committed | Kept):
                awake.apply(entries)
                return entries
            if isinstance(outcome, Gone):
                raise gone(self.session_id)
        raise ConflictError("Other processes keep writing to this session.", "Call the same tool again.")

    async def _known(self, companion_type: str) -> Companion:
        """Read a companion; of one that it has not seen in all that it has read, nothing can be read."""
        unseen = companion_type not in self.shown and self.counted == self.place.head
        return Companion(companion_type) if unseen else await self._read(companion_type)

    async def _read(self, companion_type: str) -> Companion:
        if not self.stored:
            return Companion(companion_type)
        await self.writer.settled(self.session_id)
        return await read_companion(self.store, self.session_id, companion_type)

    async def _unfence(self) -> None:
        """Read the head again after a refusal; from here on the numbers that are given out are true."""
        if self.writer.early:
            await self.writer.landed(self.place)  # what was answered before has its place by now
        await self.writer.settled(self.session_id)
        head = await self.store.head(self.session_id)
        if not self.place.fenced or self.place.flying:
            return
        self.place.lost.clear()
        if head is None and self.place.opening is None:
            raise gone(self.session_id)
        if head is not None:
            self.place.head, self.place.opening = head.seq, None
        else:
            self.place.head = self.place.opening.base if self.place.opening else 0
        self.place.fenced = False
        self.foreign += 1

    async def _touched(self, awake: Awake) -> bool:
        """Tell whether another process made a step of this companion since it was read; takes in what is new."""
        known, foreign = awake.companion, self.foreign
        awake.companion, awake.fresh = await self._read(known.companion_type), foreign
        return awake.companion.stepped != known.stepped

    async def _keep_beside(self, notes: Sequence[Note], author: str | None) -> None:
        """Keep the loser's texts as ``alternative`` entries: they never count, and are never lost."""
        kept = beside(notes)
        outcome: Outcome | Kept = Conflict(0)
        for _ in range(ATTEMPTS if kept else 0):
            if self.place.fenced:
                await self._unfence()
            _, receipt = self.writer.hand_over(self.place, kept, author)
            outcome = await receipt
            if not isinstance(outcome, Conflict):
                break
        if isinstance(outcome, Gone):
            raise gone(self.session_id)


def gone(session_id: str) -> SessionNotFoundError:
    """Make the error for a session that is unknown, forgotten, or another owner's: all three are told alike."""
    return SessionNotFoundError(
        f"There is no session {session_id[:64]!r}.", "Call list_sessions to find yours, or draft without session_id."
    )
