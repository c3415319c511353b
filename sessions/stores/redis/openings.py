"""What must stand in Redis before a session opens: its places in indexes, and of a fork its name with its parent.

It opens nothing: that is done by the append, which a session that must not open is barred from.
"""

from collections.abc import Sequence
from typing import Any

from sessions.store import Append, Opening
from sessions.stores.redis import scripts
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink
from sessions.stores.redis.scripts import GONE


async def prepare(link: RedisLink, appends: Sequence[Append]) -> dict[str, int]:
    """Write what must stand before a session opens; returns what to answer instead where one must not open."""
    openings = [(append, append.opening) for append in appends if append.opening is not None]
    if not openings:
        return {}
    index = [
        entered
        for _, opening in openings
        for entered in (
            command("ZADD", scripts.owned(opening.owner), "NX", opening.created_at, opening.session_id),
            command("ZADD", scripts.SESSIONS, 0, opening.session_id),
        )
    ]
    forks = [opening for _, opening in openings if opening.parent is not None]
    replies = await link.run(*index, *map(_registration, forks))
    parents = dict(zip((fork.session_id for fork in forks), replies[len(index) :], strict=True))
    barred: dict[str, int] = {}
    for append, opening in openings:
        newest = parents.get(opening.session_id, 0)
        if newest == GONE or newest < opening.base or append.entries[0].seq != opening.base + 1:
            barred[append.session_id] = min(newest, opening.base)
    return barred


def _registration(fork: Opening) -> Any:
    parent = fork.parent or ""
    keys = (*scripts.own_keys(parent), scripts.forks(parent))
    return call(scripts.REGISTER, keys, fork.session_id, fork.base)
