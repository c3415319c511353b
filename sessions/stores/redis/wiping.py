"""Wiping Redis: each server is asked to write its files anew, and an owner's index forgets sessions that never opened.

It erases no session: that is ``erasing``'s work, which is only finished here where it was interrupted. Servers refuse
some users the commands that are needed; that, and what is not in a client's reach, is told.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from sessions.erasure_store import Wiped
from sessions.stores.redis import scripts
from sessions.stores.redis.driver import command
from sessions.stores.redis.erasing import Erasing
from sessions.stores.redis.link import RedisLink

LOOK_SECONDS = 0.05
SECONDS = 60.0
"""How long a server may take to write a file."""
UNOPENED = 3_600.0
"""Seconds after which a session that was entered in an index and never opened never will be."""
WRITING = ("rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled")
APPENDED = (
    "BGREWRITEAOF",
    "aof_last_bgrewrite_status",
    "The append-only file was written anew.",
    "The append-only file holds what was written until it is rewritten: an operator runs BGREWRITEAOF.",
)
SAVED = (
    "BGSAVE",
    "rdb_last_bgsave_status",
    "A new snapshot was saved in the place of the old one.",
    "An older snapshot (dump.rdb) may hold it until the next one is saved: an operator runs BGSAVE.",
)
"""Of each kind of file: the order to write it anew, where it is told how that ended, and what is said of both ends."""
REACH = "Replicas write files of their own; those and backups are the operator's to clear."


async def wipe(link: RedisLink, owner: str) -> Wiped:
    """Finish what was interrupted, then have every server write its files anew.

    Raises:
        StoreError: An interrupted erasure could not be finished.
    """
    await Erasing(link).finish()
    await _clear_index(link, owner)
    done, left = list[str](), list[str]()
    for client in await (await link.nodes()).clients():
        for order, status, rewritten, kept in await _files(link, client):
            if await _written(link, client, order, status):
                done.append(rewritten)
            else:
                left.append(kept)
    return Wiped(done=tuple(dict.fromkeys(done)), left=(*dict.fromkeys(left), REACH))


async def _clear_index(link: RedisLink, owner: str) -> None:
    """Take out of an owner's index what was entered long ago and is no session."""
    index = scripts.owned(owner)
    (names,) = await link.run(command("ZRANGEBYSCORE", index, "-inf", time.time() - UNOPENED))
    living = await link.run(*(command("HEXISTS", scripts.head(name), "base") for name in names)) if names else []
    gone = [name for name, lives in zip(names, living, strict=True) if not lives]
    if gone:
        await link.run(command("ZREM", index, *gone))


async def _files(link: RedisLink, client: Any) -> list[tuple[str, str, str, str]]:
    """Say which files a server keeps, as far as it tells; one that tells nothing is taken to keep both."""
    kept = await link.asked(client, "INFO", "persistence")
    saves = await link.asked(client, "CONFIG", "GET", "save")
    log = kept is None or kept.get("aof_enabled")
    snapshot = saves is None or any(saves[1:])
    return [*([APPENDED] if log else []), *([SAVED] if snapshot else [])]


async def _written(link: RedisLink, client: Any, order: str, status: str) -> bool:
    """Have a server write a file in the background, behind one that it is writing, and tell whether it did."""
    try:
        async with asyncio.timeout(SECONDS):
            if await _idle(link, client) is None or await link.asked(client, order) is None:
                return False
            return (await _idle(link, client) or {}).get(status) == "ok"
    except TimeoutError:
        return False


async def _idle(link: RedisLink, client: Any) -> Mapping[str, Any] | None:
    """Wait until a server writes no file in the background, and give how it keeps its data; ``None`` if it is mute."""
    found = await link.asked(client, "INFO", "persistence")
    while found and any(found.get(name) for name in WRITING):
        await asyncio.sleep(LOOK_SECONDS)  # it tells nobody when it is done
        found = await link.asked(client, "INFO", "persistence")
    return found
