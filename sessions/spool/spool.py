"""The spool: a queue on this machine's disk for entries that the store cannot take now.

It keeps appends in the order in which they were handed over, whatever their sessions, and decides nothing about them:
whether one still fits is found out when it is brought into the store, which is not its work.
"""

import asyncio
import logging
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from companions.errors import StoreAwayError, StoreError
from sessions.sealing.keys import Keyring
from sessions.sealing.spooled import SpoolSeal
from sessions.spool.faults import faults, late
from sessions.spool.file import SpoolFile, files_of, held, name_of
from sessions.spool.rows import Tally
from sessions.store import Append, Opening

log = logging.getLogger("companions.spool")

DEADLINE = 2.0
"""Seconds that a call waits for its answer."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """An append that waits.

    Attributes:
        number: Its place in the order of hand-over; never given out twice while the file is open.
    """

    number: int
    append: Append


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolState:
    """How the spool is.

    Attributes:
        entries: How many wait.
        bytes: Of their texts and metas.
        limit: Most bytes; from there on nothing more is taken.
        oldest_at: When the first of them was handed over, in seconds since the epoch; ``None`` when nothing waits.
    """

    entries: int
    bytes: int
    limit: int
    oldest_at: float | None


def orphans(folder: Path, store: str) -> list[Path]:
    """List the files that processes have left behind for a store, and that no living one holds. It blocks.

    Raises:
        StoreError: The folder cannot be read.
    """
    with faults(folder):
        return [path for path in files_of(folder, name_of(store)) if not held(path)]


def all_spools(folder: Path, store: str) -> list[Path]:
    """List the files that are there for a store, those of living processes included. It blocks.

    Raises:
        StoreError: The folder cannot be read.
    """
    with faults(folder):
        return files_of(folder, name_of(store))


def can_be_written(folder: Path) -> bool:
    """Tell whether files can be made in a folder that is there, and one that is not could be made. It blocks."""
    there = folder.absolute()
    while not os.path.lexists(there):
        there = there.parent
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


class Spool:
    """A queue of appends in a file of this process's own.

    The file is made by the first put, or adoption, that needs one; a process whose store is never away makes none.
    """

    def __init__(
        self, folder: Path, store: str, *, limit: int, deadline: float = DEADLINE, keyring: Keyring | None = None
    ) -> None:
        """Name the folder; nothing is touched before the first call.

        Args:
            folder: Where spools are, made with mode 0700 if it is missing.
            store: The store's URL, which is never written.
            limit: Most bytes of texts and metas. What is put while there are fewer is taken whole.
            deadline: Seconds after which a call gives up.
            keyring: What it is sealed with, if it is.
        """
        self._seal = SpoolSeal(keyring)
        self._folder, self._store = folder, store
        self._limit = limit
        self._deadline = deadline
        self._file: SpoolFile | None = None

    @property
    def entries(self) -> int:
        """How many entries wait."""
        return self._tally.entries

    @property
    def bytes(self) -> int:
        """How many bytes the texts and metas take that wait."""
        return self._tally.bytes

    @property
    def full(self) -> bool:
        """Whether a put would be refused."""
        return self.bytes >= self._limit

    @property
    def waiting(self) -> Mapping[str, int]:
        """By session with something that waits, the newest ``seq`` of it."""
        return MappingProxyType(self._tally.newest)

    def state(self) -> SpoolState:
        """Tell how the spool is."""
        tally = self._tally
        return SpoolState(entries=tally.entries, bytes=tally.bytes, limit=self._limit, oldest_at=tally.oldest_at)

    async def usable(self) -> bool:
        """Tell whether the folder can be written; one that cannot be looked at in time cannot."""
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.to_thread(can_be_written, self._folder)
        except TimeoutError:
            return False

    async def put(self, appends: Sequence[Append]) -> None:
        """Store appends in one transaction; they survive the process, and the machine, when it returns.

        A put that is cancelled may still come about.

        Raises:
            StoreError: The spool or the disk is full, or cannot be written; none of them is stored.
        """
        if self.full:
            raise StoreError(
                f"The spool on this machine's disk is full ({_size(self._limit)}).",
                "Make the store reachable again: what waits then goes into it.",
            )
        if appends:
            await self._made().put(appends)

    async def take(self, limit: int = 512) -> list[Spooled]:
        """Read the oldest appends, in order: at most ``limit`` entries in all, but one append if there is any."""
        taken = await self._file.take(limit) if self._file is not None and self.entries else []
        return [Spooled(number=number, append=append) for number, append in taken]

    async def opening(self, session_id: str) -> Opening | None:
        """Read with what a session was opened, also where its entries do not open; ``None`` if that is not here."""
        waits = self._file is not None and session_id in self.waiting
        return await self._file.opening(session_id) if self._file is not None and waits else None

    async def unopened(self) -> frozenset[str]:
        """Find the sessions of which something that waits does not open with the keys at hand."""
        return frozenset(await self._file.unopened() if self._file is not None and self.entries else ())

    async def drop(self, numbers: Collection[int]) -> None:
        """Erase appends by number; numbers that are gone are passed over."""
        if self._file is not None and numbers:
            await self._file.drop(numbers)

    async def forget(self, session_id: str) -> None:
        """Erase what waits for a session; when it returns, no file of this process holds a byte of it."""
        if self._file is None:
            return
        try:
            await self._file.forget(session_id)
        except StoreError:
            if session_id in self.waiting:
                raise

    async def adopt(self) -> int:
        """Take over what dead processes left for the same store; returns how many entries came.

        They come before entries that are put later. Each file moves as a whole or not at all, even if this process is
        killed meanwhile. A file that cannot be taken over is left as it is, and a line in the log says why.

        Raises:
            StoreError: The folder or this process's own file cannot be used.
        """
        count = 0
        for path in await self._orphans():
            try:
                count += await self._made().adopt(path)
            except StoreAwayError:
                raise
            except StoreError as error:
                log.warning("the spool %s stays as it is: %s", path.name, error)
        return count

    async def close(self) -> None:
        """Let go of the file: removed if nothing waits in it, else left for the next process. It can be used again."""
        file, self._file = self._file, None
        if file is not None:
            await file.close()

    async def _orphans(self) -> list[Path]:
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.to_thread(orphans, self._folder, self._store)
        except TimeoutError:
            raise late(self._folder, self._deadline) from None

    @property
    def _tally(self) -> Tally:
        return Tally() if self._file is None else self._file.tally

    def _made(self) -> SpoolFile:
        if self._file is None:
            self._file = SpoolFile(self._folder, name_of(self._store), self._deadline, self._seal)
        return self._file


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.3g} MB" if count >= MEGABYTE else f"{count} bytes"
