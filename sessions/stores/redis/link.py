"""The way to Redis: connected on first use, cancelled without harm, every failure told in our own words.

It sends commands and gives their replies, each command once: whoever wants one repeated repeats it. It knows nothing
of sessions but the version of their layout.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from companions.errors import StoreError, StoreVersionError
from sessions.stores.redis.driver import CONNECTIONS, Command, Driver, command
from sessions.stores.redis.faults import told
from sessions.stores.redis.nodes import Cluster, OneServer, connect
from sessions.stores.redis.scripts import SCHEMA, VERSION

_SCAN_COUNT = 1_000


class RedisLink:
    """All commands to one Redis, or cluster of them, from any number of tasks."""

    def __init__(self, url: str) -> None:
        """Name the server; nothing is connected before the first command."""
        self._url = url
        self._name = "The Redis server"
        self._closed = False
        self._nodes: OneServer | Cluster | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting = asyncio.Lock()
        self._gate = asyncio.Semaphore(CONNECTIONS)
        self._faults: tuple[type[Exception], ...] = (OSError,)

    async def run(self, *commands: Command) -> list[Any]:
        """Send commands in one go, and wait for all replies.

        Raises:
            StoreAwayError: The server could not be reached or does not answer for now; a write may have come about.
            StoreError: It refuses one of the commands.
        """
        nodes = await self.nodes()
        try:
            async with self._gate:
                return await _answered(nodes, commands)
        except self._faults as error:
            raise told(error, self._name) from error

    async def nodes(self) -> OneServer | Cluster:
        """Give the servers, connected to by the first call."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Connections belong to the event loop that made them, and ended with it.
            self._loop, self._nodes = loop, None
            self._connecting, self._gate = asyncio.Lock(), asyncio.Semaphore(CONNECTIONS)
        self._check()
        if self._nodes is not None:
            return self._nodes
        async with self._connecting:
            if self._nodes is None:
                try:
                    self._nodes = await self._connect()
                except self._faults as error:
                    raise told(error, self._name) from error
            if self._closed:
                await self.close()
            self._check()
            return self._nodes

    async def clustered(self) -> bool:
        """Tell whether keys of different sessions may lie on different servers."""
        return (await self.nodes()).clustered

    async def keys(self, pattern: str) -> AsyncIterator[list[str]]:
        """Walk over all keys that fit a pattern, a thousand or so at a time; one may come twice."""
        nodes = await self.nodes()
        try:
            for client in await nodes.clients():
                cursor = None
                while cursor != 0:
                    words = ("SCAN", cursor or 0, "MATCH", pattern, "COUNT", _SCAN_COUNT)
                    cursor, found = await client.execute_command(*words)
                    yield found
        except self._faults as error:
            raise told(error, self._name) from error

    async def asked(self, client: Any, *words: str) -> Any:
        """Send one of the servers a command of any kind; ``None`` where it refuses, or cannot be reached."""
        try:
            return await client.execute_command(*words)
        except self._faults:
            return None

    @asynccontextmanager
    async def subscribed(self, channel: str) -> AsyncGenerator[Any]:
        """Subscribe to a pub/sub channel at one of the servers, at random, until the block ends.

        Raises:
            StoreAwayError: The server could not be reached, or was lost.
            StoreError: It refuses.
        """
        nodes = await self.nodes()
        try:
            subscription = random.choice(await nodes.clients()).pubsub()  # noqa: S311 (no secret)
            try:
                await subscription.subscribe(channel)
                yield subscription
            finally:
                with suppress(*self._faults):
                    await subscription.aclose()
        except self._faults as error:
            raise told(error, self._name) from error

    async def database(self) -> int:
        """Give the number of the database."""
        (client, *_) = await (await self.nodes()).clients()
        return client.connection_pool.connection_kwargs.get("db") or 0

    async def close(self) -> None:
        """Let go of the connections; every later command is refused."""
        self._closed = True
        nodes, self._nodes = self._nodes, None
        if nodes is not None and self._loop is asyncio.get_running_loop():
            # A server that does not answer does not say goodbye either; the connections are gone all the same.
            with suppress(*self._faults):
                await nodes.close()

    async def load(self) -> None:
        """Import the driver."""
        await asyncio.to_thread(Driver)

    async def _connect(self) -> OneServer | Cluster:
        driver = await asyncio.to_thread(Driver)
        self._faults = (driver.errors.RedisError, OSError)
        try:
            client = driver.client(self._url)
        except (ValueError, TypeError, driver.errors.RedisError) as error:
            raise StoreError("The URL of the store cannot be read.", "Correct COMPANIONS_STORE.") from error
        options = client.connection_pool.connection_kwargs
        self._name = f"The Redis server at {options.get('path') or '{host}:{port}'.format(**_DEFAULTS | options)}"
        nodes: OneServer | Cluster = OneServer(driver, client)
        try:
            nodes = await connect(driver, client)
            await self._check_version(nodes)
        except BaseException:
            with suppress(*self._faults):
                await nodes.close()
            raise
        return nodes

    async def _check_version(self, nodes: OneServer | Cluster) -> None:
        written = (command("SET", SCHEMA, VERSION, "NX"), command("GET", SCHEMA))
        version = (await _answered(nodes, written))[1]
        if not str(version).isdecimal():
            raise StoreError(
                f"{self._name} holds something else under the key {SCHEMA}.",
                "Name a database without foreign keys companions:* in COMPANIONS_STORE.",
            )
        if int(version) > VERSION:
            raise StoreVersionError(
                f"{self._name} has schema version {version}, and this program knows versions up to {VERSION}.",
                "Update this program, or name another store with COMPANIONS_STORE.",
            )

    def _check(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.", "Start the server again to open it.")


_DEFAULTS = {"host": "localhost", "port": 6379}


async def _answered(nodes: OneServer | Cluster, commands: Sequence[Command]) -> list[Any]:
    replies = await nodes.send(commands)
    unknown = [n for n, reply in enumerate(replies) if type(reply).__name__ == "NoScriptError"]
    if unknown:
        # The server has not run these scripts since it started, and so has done nothing of them.
        for n, reply in zip(unknown, await nodes.send([commands[n].in_full for n in unknown]), strict=True):
            replies[n] = reply
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
