"""News over Redis: one channel for each store, in pub/sub, which a cluster passes on to all of its nodes.

It has connections of its own, and a listener that hears nothing for long asks whether the server is still there. What
is sent is ``news``'s, when to listen again ``news_exchange``'s.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from companions.errors import StoreAwayError
from sessions.stores.redis.driver import command
from sessions.stores.redis.link import RedisLink

CHANNEL = "companions:news"
"""Its database's number follows: pub/sub knows no databases, and each is a store of its own."""
QUIET_SECONDS = 15.0
"""After so long without a word the server is asked whether it is there."""
ANSWER_SECONDS = 5.0


class RedisNews:
    """The ``Channel`` protocol over a Redis server, or a cluster of them."""

    def __init__(self, url: str) -> None:
        """Name the server as its store does; nothing is connected before it is used."""
        self._url = url
        self._link = RedisLink(url)

    async def send(self, message: str) -> None:
        """Send a message; see ``Channel.send``."""
        await self._link.run(command("PUBLISH", await self._channel(), message))

    async def listen(self, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
        """Listen; see ``Channel.listen``. Of a cluster any node will do, so one is taken at random."""
        async with self._link.subscribed(await self._channel()) as subscription:
            # Sent is not granted: a user may lack the channel, and what others send before is missed.
            await _await(subscription, "subscribe", hear)
            listening()
            while True:
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=QUIET_SECONDS)
                if message is None:
                    await _ask(subscription, hear)
                else:
                    _pass_on(message, hear)

    async def close(self) -> None:
        """Let go of the connections; the next call makes new ones."""
        link, self._link = self._link, RedisLink(self._url)
        await link.close()

    async def _channel(self) -> str:
        return f"{CHANNEL}:{await self._link.database()}"


def _pass_on(message: dict[str, Any], hear: Callable[[str], None]) -> None:
    if message["type"] == "message":
        hear(message["data"])


async def _ask(subscription: Any, hear: Callable[[str], None]) -> None:
    """Ask the server for a sign of life."""
    await subscription.ping()
    await _await(subscription, "pong", hear)


async def _await(subscription: Any, answer: str, hear: Callable[[str], None]) -> None:
    """Wait for an answer of the server; what comes before it is heard."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while (message := await subscription.get_message(timeout=ANSWER_SECONDS)) is not None:
                if message["type"] == answer:
                    return
                _pass_on(message, hear)
    except TimeoutError:
        pass
    raise StoreAwayError("The Redis server does not answer.", "Look whether it runs.")
