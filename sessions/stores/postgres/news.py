"""News over PostgreSQL: ``NOTIFY`` on one channel for each schema that holds a store.

It has connections of its own, and a listener asks now and then whether its connection still stands: nothing else is
sent on it. What is sent is ``news``'s, when to listen again ``news_exchange``'s.
"""

import asyncio
from collections.abc import Callable

from sessions.stores.postgres.connections import Driver, Lane, Server
from sessions.stores.postgres.faults import away, fault
from sessions.stores.postgres.schema import prepare

CHANNEL = """SELECT 'companions_news_' || relnamespace FROM pg_class
    WHERE relname = 'companions_schema' AND pg_table_is_visible(oid)"""
"""Notifications belong to a database, whatever the schema: its number follows."""
QUIET_SECONDS = 15.0
ANSWER_SECONDS = 5.0


class PostgresNews:
    """The ``Channel`` protocol over a PostgreSQL database."""

    def __init__(self, url: str) -> None:
        """Name the database as its store does; nothing is connected before it is used."""
        self._server = Server(url, prepare)
        self._lane = self._own_lane()

    async def send(self, message: str) -> None:
        """Send a message; see ``Channel.send``."""
        await self._lane.fetch(f"SELECT pg_notify(({CHANNEL}), $1)", message)

    async def listen(self, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
        """Listen; see ``Channel.listen``."""
        try:
            connection = await self._server.driver()
            try:
                await _listen(connection, hear, listening)
            finally:
                connection.terminate()
        except TimeoutError as error:
            raise away(self._server.name) from error
        except Exception as error:
            raise fault(error, self._server.name) from error
        raise away(self._server.name)

    async def close(self) -> None:
        """Let go of the connection that sends; the next call makes a new one."""
        lane, self._lane = self._lane, self._own_lane()
        lane.close()

    def _own_lane(self) -> Lane:
        return Lane(self._server, size=1, repeats=False)


async def _listen(connection: Driver, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
    """Listen until the connection is lost."""
    lost = asyncio.Event()

    def on_message(_connection: Driver, _process: int, _channel: str, message: str) -> None:
        hear(message)

    def on_loss(_connection: Driver) -> None:
        lost.set()

    connection.add_termination_listener(on_loss)
    await connection.add_listener(await connection.fetchval(CHANNEL), on_message)
    listening()
    while True:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                await lost.wait()
        except TimeoutError:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.fetchval("SELECT 1")
        else:
            return
