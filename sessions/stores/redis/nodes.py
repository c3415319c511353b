"""The servers behind one URL: a single Redis, or the nodes of a cluster, which is found out by asking.

It sends each command to the node that has its key and follows the cluster's redirections; nothing is sent again that
may have been carried out. When to connect is ``link``'s work.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sessions.stores.redis.driver import Command, Driver

_REDIRECTIONS = 5


class OneServer:
    """A Redis on its own."""

    clustered = False

    def __init__(self, driver: Driver, client: Any) -> None:
        self._driver = driver
        self._client = client

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one go; where Redis answers one with an error, that is its reply."""
        return await self._driver.send(self._client, commands)

    async def clients(self) -> list[Any]:
        """Give the clients that reach all keys together."""
        return [self._client]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


class Cluster:
    """A Redis cluster.

    The driver's own cluster client takes connections of its pool without looking whether they still stand, so that
    after a server's restart the first call on each of them would fail, an append without anyone knowing whether it
    came about. Its clients of single servers do look.
    """

    clustered = True

    def __init__(self, driver: Driver, seed: Any) -> None:
        """Know one node; the others are asked for on first use.

        Args:
            driver: The driver.
            seed: A client of any node.
        """
        self._driver = driver
        self._seed = seed
        self._nodes: dict[tuple[str, int], Any] = {}
        # The last slot of each range, in order, and who serves it from which slot on; empty when unknown.
        self._lasts: list[int] = []
        self._ranges: list[tuple[int, Any]] = []

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands to where their keys are; where Redis answers one with an error, that is its reply."""
        replies = await self._spread(commands)
        for _ in range(_REDIRECTIONS):
            sent_on = [n for n, reply in enumerate(replies) if isinstance(reply, self._driver.errors.AskError)]
            for n in sent_on:
                replies[n] = await self._follow(commands[n], replies[n])
            if not sent_on:
                break
        return replies

    async def clients(self) -> list[Any]:
        """Give the clients that reach all keys together."""
        if not self._ranges:
            await self._learn()
        return list({id(client): client for _, client in self._ranges}.values())

    async def close(self) -> None:
        """Let go of the connections."""
        clients = [self._seed, *self._nodes.values()]
        self._nodes = {}
        self._forget()
        await asyncio.gather(*(client.aclose() for client in clients))

    async def _spread(self, commands: Sequence[Command]) -> list[Any]:
        if not self._ranges:
            await self._learn()
        groups: dict[int, tuple[Any, list[int]]] = {}
        for n, each in enumerate(commands):
            client = self._client(each.key)
            groups.setdefault(id(client), (client, []))[1].append(n)
        parts = [(client, [commands[n] for n in numbers]) for client, numbers in groups.values()]
        answers = await self._all(parts)
        numbers = chain.from_iterable(numbers for _, numbers in groups.values())
        found = dict(zip(numbers, chain.from_iterable(answers), strict=True))
        return [found[n] for n in range(len(commands))]

    async def _all(self, parts: Sequence[tuple[Any, list[Command]]]) -> list[list[Any]]:
        """Wait for every node, also when one fails: nothing may still be on its way when the caller hears of it."""
        if len(parts) == 1:
            results = [await self._attempt(*parts[0])]
        else:
            results = await asyncio.gather(*(self._attempt(*part) for part in parts))
        for result in results:
            if isinstance(result, Exception):
                # The node may be gone for good, and another may have taken its place.
                self._forget()
                raise result
        return [result for result in results if isinstance(result, list)]

    async def _attempt(self, client: Any, commands: list[Command]) -> list[Any] | Exception:
        try:
            return await self._driver.send(client, commands)
        except (self._driver.errors.RedisError, OSError) as error:
            return error

    async def _follow(self, wanted: Command, error: Any) -> Any:
        """Send a command to where the cluster says that its key is: for good, or while the key is being moved."""
        if isinstance(error, self._driver.errors.MovedError):
            self._forget()
            return (await self._spread([wanted]))[0]
        client = self._node(error.host, error.port)
        return (await self._driver.send(client, [Command(wanted.key, ("ASKING",)), wanted]))[1]

    def _client(self, key: str) -> Any:
        slot = self._driver.key_slot(key.encode())
        place = bisect_left(self._lasts, slot)
        if place == len(self._ranges) or self._ranges[place][0] > slot:
            self._forget()
            raise self._driver.errors.ClusterDownError("no node serves the slot")
        return self._ranges[place][1]

    def _forget(self) -> None:
        self._lasts, self._ranges = [], []

    async def _learn(self) -> None:
        """Ask the first node that answers who serves what."""
        fault: Exception | None = None
        for client in [*self._nodes.values(), self._seed]:
            try:
                rows = await client.execute_command("CLUSTER", "SLOTS")
            except (self._driver.errors.RedisError, OSError) as error:
                fault = error
            else:
                options: Mapping[str, Any] = client.connection_pool.connection_kwargs
                found = sorted((last, first, main[0] or options["host"], main[1]) for first, last, main, *_ in rows)
                self._ranges = [(first, self._node(host, port)) for _, first, host, port in found]
                self._lasts = [last for last, *_ in found]
                return
        raise fault or OSError("no node is known")

    def _node(self, host: str, port: int) -> Any:
        if (host, port) not in self._nodes:
            self._nodes[host, port] = self._driver.neighbour(self._seed, host, port)
        return self._nodes[host, port]


async def connect(driver: Driver, client: Any) -> OneServer | Cluster:
    """Connect for the first time, and find out what is there."""
    told = await client.info("cluster")
    return Cluster(driver, client) if told.get("cluster_enabled") else OneServer(driver, client)
