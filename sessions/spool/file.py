"""A spool's file: how it is made, held by one living process, and taken over from a dead one.

A process holds its file by SQLite's own exclusive lock, which ends with the process, however it ends. Rows, and what is
counted of them, are ``rows``'s work; when to put and when to drop is decided by who uses the spool.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from companions.errors import StoreError, StoreVersionError
from sessions.sealing.spooled import SpoolSeal
from sessions.spool import rows as spool_rows
from sessions.spool.faults import busy, faults, late
from sessions.spool.rows import Counted, Tally
from sessions.store import Append, Opening
from sessions.stores.sqlite.lane import Lane
from sessions.stores.sqlite.schema import transaction

APPLICATION = 0x436D7053
"""Marks the file as a spool of ours, in SQLite's own header."""
VERSION = 1
PAGE = 64
"""Appends that are looked at in one go."""


def name_of(store: str) -> str:
    """Give the beginning of the names of a store's spools, which tells nothing of its URL."""
    return sha256(store.encode()).hexdigest()[:12]


def files_of(folder: Path, name: str) -> list[Path]:
    """List a store's spools. One without a byte is passed over: its process is making it, and does not hold it yet."""
    return [path for path in sorted(folder.glob(f"{name}-*.db")) if _length(path)]


def held(path: Path) -> bool:
    """Tell whether a living process holds a spool; one that cannot be read is held by none."""
    try:
        with closing(sqlite3.connect(_existing(path), uri=True, timeout=0)) as connection:
            # Those who only look share their lock: two who look at once do not take each other for its owner.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return busy(error)
    return False


class SpoolFile:
    """One file of this process's own, made by the first call that needs it and held until it is closed.

    Attributes:
        tally: What waits in it, whatever became of the calls that put it there.
    """

    def __init__(self, folder: Path, name: str, deadline: float, seal: SpoolSeal) -> None:
        self.tally = Tally()
        self._seal = seal
        self._path: Path | None = None
        self._lane = Lane(folder / name, "companions-spool", deadline, opened=self._opened, faults=faults, late=late)

    async def put(self, appends: Sequence[Append]) -> None:
        """Store appends in one transaction; after an error none of them is stored, or stays."""
        # Whoever takes it first decides: the thread that the appends are stored, or the caller that they are not.
        verdict = threading.Lock()
        try:
            await self._lane.run(partial(self._put, appends=appends, verdict=verdict))
        except StoreError:
            if verdict.acquire(blocking=False):
                raise

    async def take(self, limit: int) -> list[tuple[int, Append]]:
        """Read the oldest appends with their numbers."""
        return await self._lane.run(partial(spool_rows.take, limit=limit, seal=self._seal))

    async def opening(self, session_id: str) -> Opening | None:
        """Read with what a session was opened, if that waits here too."""
        return await self._lane.run(partial(spool_rows.opening, session_id=session_id))

    async def unopened(self) -> set[str]:
        """Find the sessions of which something does not open."""
        closed, last = set[str](), 0
        while last is not None:
            look = partial(spool_rows.unopened, after=last, limit=PAGE, seal=self._seal)
            found, last = await self._lane.run(look)
            closed |= found
        return closed

    async def drop(self, numbers: Collection[int]) -> None:
        """Erase appends by number."""
        await self._lane.run(partial(self._drop, numbers=numbers))

    async def forget(self, session_id: str) -> None:
        """Erase a session's appends."""
        await self._lane.run(
            lambda connection: self._change(connection, partial(spool_rows.forget, session_id=session_id), by=-1)
        )

    async def adopt(self, path: Path) -> int:
        """Take over all of another file, unless a living process holds it, and remove it; returns how many entries.

        Raises:
            StoreVersionError: A newer version of this program made it; it is left as it is.
            StoreError: It is not a spool or cannot be read; it is left as it is.
        """
        return await self._lane.run(partial(self._adopt, path=path))

    async def close(self) -> None:
        """Let go of the file, and remove it if nothing waits in it."""
        try:
            if self._path is not None:
                await self._lane.run(self._remove_empty)
        finally:
            await self._lane.close()

    def _opened(self, beginning: Path, *, seconds: float) -> sqlite3.Connection:
        # No name is used twice, so that whoever removes a file that was taken over never removes another.
        path = beginning.with_name(f"{beginning.name}-{token_hex(8)}.db")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        connection = sqlite3.connect(_existing(path), uri=True, timeout=seconds, isolation_level=None)
        try:
            _hold(connection)
        except BaseException:
            connection.close()
            _remove(path)
            raise
        self._path = path
        return connection

    def _put(self, connection: sqlite3.Connection, *, appends: Sequence[Append], verdict: threading.Lock) -> None:
        came = self._change(connection, partial(spool_rows.put, appends=appends, seal=self._seal), by=1)
        if not verdict.acquire(blocking=False):
            self._drop(connection, [row.number for row in came])

    def _drop(self, connection: sqlite3.Connection, numbers: Collection[int]) -> None:
        self._change(connection, partial(spool_rows.drop, numbers=numbers), by=-1)
        if not self.tally.entries:
            # Gives the room back to the disk; what was dropped is erased without it.
            with suppress(sqlite3.Error):
                connection.execute("VACUUM")

    def _adopt(self, connection: sqlite3.Connection, *, path: Path) -> int:
        with faults(path):
            try:
                came = self._come_over(connection, path)
            except sqlite3.Error as error:
                # Another process was first.
                if busy(error) or not path.exists():
                    return 0
                raise
        # Nobody puts into it again. One that stays is empty, and is removed by whoever adopts next.
        with suppress(OSError):
            _remove(path)
        return sum(row.entries for row in came)

    def _come_over(self, connection: sqlite3.Connection, path: Path) -> list[Counted]:
        connection.execute("ATTACH ? AS orphan", (_existing(path),))
        try:
            connection.execute("PRAGMA orphan.journal_mode = TRUNCATE")
            return self._change(connection, partial(_moved, path=path), by=1)
        finally:
            connection.execute("DETACH orphan")

    def _change(
        self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], list[Counted]], *, by: int
    ) -> list[Counted]:
        """Change rows and the tally together, or neither, in one transaction over all files that are attached."""
        with transaction(connection, "EXCLUSIVE"):
            changed = work(connection)
            tally = spool_rows.tallied(connection, self.tally, changed, by=by)
        self.tally = tally
        return changed

    def _remove_empty(self, _connection: sqlite3.Connection) -> None:
        if self._path is not None and not self.tally.entries:
            _remove(self._path)


def _hold(connection: sqlite3.Connection) -> None:
    """Take the exclusive lock, which stays with the connection, and make the tables in one go."""
    connection.execute("PRAGMA main.locking_mode = EXCLUSIVE")
    # No write-ahead log: with one, SQLite would not commit to two files as one, and forgotten text would stand in it.
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection, "EXCLUSIVE"):
        for statement in spool_rows.SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _moved(connection: sqlite3.Connection, *, path: Path) -> list[Counted]:
    """Move what waits in the attached file, if it is one that this program can read."""
    (application,) = connection.execute("PRAGMA orphan.application_id").fetchone()
    (version,) = connection.execute("PRAGMA orphan.user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM orphan.sqlite_master").fetchone()
    if application != APPLICATION and (application, version, tables) != (0, 0, 0):
        raise StoreError(f"The file {path.name} is not a spool of this program.", "Move it to another folder.")
    if version > VERSION:
        raise StoreVersionError(
            f"The spool {path.name} has version {version}, and this program knows versions up to {VERSION}.",
            "Start the newer program, which brings what waits in it into the store.",
        )
    # A process that was killed while it made its tables has left none.
    return spool_rows.move(connection) if tables else []


def _existing(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=rw"


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remove(path: Path) -> None:
    # The file last: without it, nobody would look for its journal.
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
