"""Clients that watch resources, in the way of their protocol era, and wait for what they are told."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastmcp import Client
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated, Subscription, listen
from mcp_types import ResourceListChangedNotification, ResourceUpdatedNotification

from tests.wire.processes import Connection, Era

LIST = "the list of resources"
SECONDS = 30


@dataclass(slots=True)
class Watching:
    """What a client watches, and what it was told of it.

    Attributes:
        honored: What the server agreed to tell of.
        told: URIs, and ``LIST``, in order.
        ended: Whether the server has ended the stream as it should.
    """

    client: Connection
    honored: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])
    ended: bool = False
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, news: str) -> None:
        self.told.append(news)
        self.more.set()

    def end(self) -> None:
        self.ended = True
        self.more.set()

    async def until(self, *news: str) -> list[str]:
        """Wait until it was told of all of these; gives all that it was told since it last waited."""
        async with asyncio.timeout(SECONDS):
            while not {*news} <= {*self.told}:
                self.more.clear()
                await self.more.wait()
        told, self.told = self.told, []
        return told

    async def until_the_end(self) -> None:
        async with asyncio.timeout(SECONDS):
            while not self.ended:
                self.more.clear()
                await self.more.wait()


@asynccontextmanager
async def watching(place: Any, era: Era, uris: Sequence[str], **how: Any) -> AsyncGenerator[Watching]:
    """Connect to a server and watch resources, and the list of them.

    Args:
        place: A server, or its URL.
        era: Which protocol.
        uris: What to watch.
        how: What else the client is made with.
    """
    found: list[Watching] = []

    async def on_message(message: object) -> None:
        match message:
            case ResourceUpdatedNotification(params=params):
                found[0].take(params.uri)
            case ResourceListChangedNotification():
                found[0].take(LIST)
            case _:
                pass

    async with AsyncExitStack() as stack:
        client: Connection = Client(place, mode=era, message_handler=on_message, **how)
        found.append(watched := Watching(client))
        await stack.enter_async_context(client)
        if era == "legacy":
            for uri in uris:
                await client.session.subscribe_resource(uri)
            watched.honored = [*uris]
        else:
            listening = listen(client.session, resources_list_changed=True, resource_subscriptions=uris)
            stream = await stack.enter_async_context(listening)
            watched.honored = stream.honored.resource_subscriptions or []
            task = asyncio.create_task(_take_all(stream, watched))
            stack.callback(task.cancel)
        yield watched


async def _take_all(stream: Subscription, watched: Watching) -> None:
    async for event in stream:
        match event:
            case ResourceUpdated(uri=uri):
                watched.take(uri)
            case ResourcesListChanged():
                watched.take(LIST)
            case _:
                pass
    watched.end()
