"""The way from an event loop to a SQLite file: one thread with one connection, and a deadline on every call.

It runs what it is given and knows neither tables nor sessions.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TypeVar

from companions.errors import StoreError
from sessions.stores.sqlite.faults import faults_of, late
from sessions.stores.sqlite.schema import open_database

T = TypeVar("T")


class Lane:
    """One thread with one connection of its own, opened by the first call that needs it."""

    def __init__(
        self,
        path: Path,
        name: str,
        deadline: float,
        *,
        opened: Callable[..., sqlite3.Connection] = open_database,
        faults: Callable[[Path], AbstractContextManager[None]] = faults_of,
        late: Callable[[Path, float], StoreError] = late,
    ) -> None:
        """Name the file; nothing is opened before the first call.

        Args:
            path: The file.
            name: The thread's name.
            deadline: Seconds after which a call gives up.
            opened: Opens the file; is given ``seconds``, how long to wait for another's lock.
            faults: Turns SQLite's and the system's errors into ours.
            late: Words that a call was given up.
        """
        self._opened, self._faults, self._late = opened, faults, late
        self._path = path
        self._deadline = deadline
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None
        self._used = False
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on the connection.

        Raises:
            StoreAwayError: It took longer than the deadline, and may still come about; or the file is locked.
            StoreError: It failed.
        """
        if self._closed:
            raise StoreError(f"The store {self._path.name} is closed.", "Start the server again to open it.")
        self._used = True
        return await self._wait(partial(self._work, work))

    async def close(self) -> None:
        """Close the connection behind the calls that still run, and end the thread."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._used:
                thread = await self._wait(self._end)
                self._pool.shutdown(wait=False)
                while thread.is_alive():  # noqa: ASYNC110 (joining it would block the event loop, idle as it is)
                    await asyncio.sleep(0)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except TimeoutError:
            raise self._late(self._path, self._deadline) from None

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._faults(self._path):
            if self._connection is None:
                # A lock that is waited for less long than the answer leaves nothing to come about after it.
                self._connection = self._opened(self._path, seconds=0.75 * self._deadline)
            return work(self._connection)

    def _end(self) -> threading.Thread:
        if self._connection is not None:
            with self._faults(self._path):
                self._connection.close()
        return threading.current_thread()
