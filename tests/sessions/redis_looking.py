"""Looking into a Redis server past the store."""

from typing import Any

from sessions.stores.redis.driver import command
from sessions.stores.redis.store import RedisStore


async def ask(store: RedisStore, *words: Any) -> Any:
    """Have a single server run a command of any kind."""
    (reply,) = await store.link.run(command(*words))
    return reply


async def dumped(store: RedisStore) -> bytes:
    """Read all that the store's database holds, as the server would write it to a snapshot."""
    found = b""
    for client in await (await store.link.nodes()).clients():
        for key in await client.keys("*"):
            found += key.encode() + await client.execute_command("DUMP", key, NEVER_DECODE=True)
    return found
