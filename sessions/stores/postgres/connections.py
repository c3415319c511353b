"""Connections to a PostgreSQL server: opened when needed, kept while they live, dropped without a word to the server.

It runs one statement at a time, each a transaction of its own, and knows neither tables nor sessions. A connection
whose call failed or was cancelled is never used again: nobody knows what it would answer next. SQLAlchemy and asyncpg
are loaded by the first connection, since most programs that import this never make one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sessions.stores.postgres.faults import away, closed, fault, server_of, unreadable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

DIALECT = "postgresql+asyncpg"
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 240.0
"""After so long a connection is not trusted any more: routers forget silent ones, and tell nobody."""

Row = Sequence[Any]
Driver = Any
"""A connection of asyncpg, which ships no types."""


@dataclass(slots=True, eq=False)
class _Line:
    """A connection: SQLAlchemy's, and the driver's beneath it."""

    connection: "AsyncConnection"
    driver: Driver
    used: float = 0.0

    @property
    def trusted(self) -> bool:
        return not self.driver.is_closed() and time.monotonic() - self.used < IDLE_SECONDS

    def drop(self) -> None:
        # Outside of SQLAlchemy's own calls this waits for nothing.
        self.driver.terminate()
        if self.connection.sync_connection is not None:
            self.connection.sync_connection.invalidate()


class Server:
    """A server as its URL names it; nothing is loaded or opened before the first connection."""

    def __init__(self, url: str, prepare: Callable[[Driver, str], Awaitable[None]]) -> None:
        """Take the URL.

        Args:
            url: ``postgresql://`` or ``postgres://``, as libpq has them, for asyncpg to read as a whole.
            prepare: Makes a new connection ready; it is given the server's name for what it has to say.
        """
        scheme, mark, rest = url.partition("://")
        self._url = f"{'postgresql' if scheme == DIALECT else scheme}{mark}{rest}"
        self.name = server_of(self._url)
        self._prepare = prepare
        self._engine: AsyncEngine | None = None

    async def load(self) -> "AsyncEngine":
        """Import the drivers and make the engine, which connects later."""
        if self._engine is None:
            # Importing takes a third of a second, in which the event loop would stand still.
            made = await asyncio.to_thread(_engine, self._open)
            self._engine = self._engine or made
        return self._engine

    async def connect(self) -> _Line:
        """Open a connection on which every statement commits by itself."""
        connection = await (await self.load()).connect()
        # Any: it is there until the connection is closed, and its type does not say so.
        face: Any = connection.sync_connection
        return _Line(connection, face.connection.driver_connection)

    async def driver(self) -> Driver:
        """Open a connection of the driver's own, for what is no statement."""
        await self.load()
        return await self._open()

    async def _open(self) -> Driver:
        driver = await self._reach()
        try:
            await self._prepare(driver, self.name)
        except BaseException:
            driver.terminate()
            raise
        return driver

    async def _reach(self) -> Driver:
        asyncpg, line_class = _driver()
        try:
            # A task of its own: the driver looks for passwords and certificates on the disk.
            return await asyncio.create_task(
                asyncpg.connect(self._url, connection_class=line_class, timeout=CONNECT_SECONDS)
            )
        except ValueError as error:
            raise unreadable(self.name) from error


class Lane:
    """Some connections for calls of one kind, opened as they are needed."""

    def __init__(self, server: Server, *, size: int, repeats: bool) -> None:
        """Open nothing yet.

        Args:
            server: Where to connect.
            size: How many connections there may be.
            repeats: Whether a statement is made again when its connection turns out to be dead: for reads only.
        """
        self._server = server
        self._repeats = repeats
        self._room = asyncio.Semaphore(size)
        self._idle: list[_Line] = []
        self._busy: set[_Line] = set()
        self._opening: dict[asyncio.Task[_Line], bool] = {}
        self._closed = False

    async def fetch(self, statement: str, *values: object) -> Sequence[Row]:
        """Run a statement, a transaction of its own, and give its rows.

        Args:
            statement: SQL, its parameters as ``$1`` and so on.
            values: Of the parameters, of the types that asyncpg takes for them.

        Raises:
            StoreAwayError: The server cannot be reached now; whether the statement came about is not known.
            StoreError: It would fail again.
        """
        try:
            async with self._room:
                return await self._fetch(statement, values)
        except Exception as error:
            raise closed(self._server.name) if self._closed else fault(error, self._server.name) from error

    def close(self) -> None:
        """Drop every connection at once; what runs on one fails."""
        self._closed = True
        while self._idle:
            self._idle.pop().drop()
        for line in self._busy:
            line.driver.terminate()
        for opening in self._opening:
            opening.cancel()

    async def _fetch(self, statement: str, values: tuple[object, ...]) -> Sequence[Row]:
        line = await self._take()
        self._busy.add(line)
        running = asyncio.create_task(_run(line.connection, statement, values))
        running.add_done_callback(_hear)
        try:
            # If it heard of a cancellation, the driver would open another connection to have the server stop.
            rows = await asyncio.shield(running)
        except BaseException as error:
            dead = line.driver.is_closed() and isinstance(error, Exception)
            line.drop()
            if not dead:
                raise
            if not (line.used and self._repeats):
                raise away(self._server.name) from error
        else:
            self._keep(line)
            return rows
        finally:
            self._busy.discard(line)
        return await self._fetch(statement, values)

    async def _take(self) -> _Line:
        """Give the connection that was used last, or a new one."""
        while self._idle and not self._closed:
            line = self._idle.pop()
            if line.trusted:
                return line
            line.drop()
        if self._closed:
            raise closed(self._server.name)
        return await self._open()

    async def _open(self) -> _Line:
        """Open a connection, or wait for one whose caller has left: a server that hangs is not asked for many."""
        opening = next((task for task, awaited in self._opening.items() if not awaited), None)
        if opening is None:
            opening = asyncio.create_task(self._server.connect(), name="companions-postgres-connect")
            opening.add_done_callback(self._opened)
        self._opening[opening] = True
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            if opening.cancelled():
                raise closed(self._server.name) from None
            if opening in self._opening:
                self._opening[opening] = False
            elif _hear(opening):
                self._keep(opening.result())
            raise

    def _opened(self, opening: "asyncio.Task[_Line]") -> None:
        if _hear(opening) and not self._opening[opening]:
            self._keep(opening.result())
        del self._opening[opening]

    def _keep(self, line: _Line) -> None:
        if self._closed:
            line.drop()
        else:
            line.used = time.monotonic()
            self._idle.append(line)


def _hear(task: "asyncio.Task[Any]") -> bool:
    """Take note of how a task ended whose caller may have left, and tell whether it went well."""
    return not task.cancelled() and task.exception() is None


async def _run(connection: "AsyncConnection", statement: str, values: tuple[object, ...]) -> Sequence[Row]:
    result = await connection.exec_driver_sql(statement, values)
    return result.all() if result.returns_rows else ()


@cache
def _driver() -> tuple[Any, type[Any]]:
    """Load asyncpg; its connections, when SQLAlchemy closes one, wait for no answer: a frozen server gives none."""
    import asyncpg  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] -- deferred, see above

    class Hasty(asyncpg.Connection):
        async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 (its own signature)
            self.terminate()

    return asyncpg, Hasty


def _engine(open_driver: Callable[[], Awaitable[Driver]]) -> "AsyncEngine":
    """Load SQLAlchemy and give an engine without a pool: who keeps a connection, and how long, is decided here."""
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 -- deferred, see above
    from sqlalchemy.pool import NullPool  # noqa: PLC0415 -- likewise

    _driver()
    options = {"poolclass": NullPool, "isolation_level": "AUTOCOMMIT"}
    return create_async_engine(f"{DIALECT}://", async_creator=open_driver, **options)
