"""News that are refused: a user without the channel never listens, and a connection that never lasts is made seldom."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from companions.errors import StoreAwayError, StoreError
from sessions import news_exchange
from sessions.news_exchange import NewsExchange
from sessions.stores.redis.news import RedisNews
from tests.servers.redis_server import RedisServer
from tests.sessions.faults import until
from tests.sessions.writing import log_of

pytest_plugins = ("tests.sessions.redis_fixtures",)


def without_channels(url: str) -> str:
    """Make a user who may do all but hear of channels; gives the URL for that one."""
    server: Any = redis.Redis  # the driver leaves half of its types open
    with server.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels")
    return url.replace("redis://", "redis://deaf:secret@")


async def test_a_user_who_may_not_hear_the_channel_is_never_said_to_listen(redis_server: RedisServer) -> None:
    url = await asyncio.to_thread(without_channels, redis_server.url("refused"))
    channel, began = RedisNews(url), list[str]()
    with pytest.raises(StoreError, match="does not allow"):
        await channel.listen(began.append, lambda: began.append("listening"))
    await channel.close()
    assert began == []


@dataclass(slots=True)
class Fleeting:
    """A channel whose every connection is lost as soon as it listens."""

    listened: int = 0

    async def send(self, message: str) -> None: ...

    async def listen(self, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
        del hear
        self.listened += 1
        listening()
        raise StoreAwayError("It went.", "Wait.")

    async def close(self) -> None: ...


async def test_connections_that_never_last_are_made_at_longer_and_longer_intervals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses, sleep = list[float](), asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await sleep(0)

    exchange = NewsExchange(Fleeting())
    monkeypatch.setattr(news_exchange.asyncio, "sleep", noted)
    with log_of("companions.news"):
        exchange.start()
        await until(lambda: len(pauses) >= 7)
        await exchange.close()
    assert pauses[:7] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
