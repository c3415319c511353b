"""Listings of sessions in Redis: heads, an owner's sessions, all sessions, and how large it all is.

Indexes are written before what they point to, so that one may name a session that never opened; it is passed over.
Nothing is written here.
"""

import builtins
from collections.abc import Sequence

from sessions.store import Head, Size
from sessions.stores.redis import rows, scripts
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink

_LISTED = 200
"""How many heads are read at a time."""


class Listings:
    """Listings of one store."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def heads(self, session_ids: Sequence[str]) -> list[Head | None]:
        """Read heads in one go; ``None`` for those that do not live."""
        replies = await self._link.run(*(call(scripts.HEAD, scripts.own_keys(each)) for each in session_ids))
        return [rows.head(session_id, reply) for session_id, reply in zip(session_ids, replies, strict=True)]

    async def list(self, owner: str, *, search: str, limit: int, offset: int) -> builtins.list[Head]:
        """Read an owner's sessions, last used first; see ``Store.list``."""
        sought, skipped = search.casefold(), offset if search else 0
        rank = 0 if search else offset
        found: builtins.list[Head] = []
        count = _LISTED if search else min(limit, _LISTED)
        while len(found) < skipped + limit:
            index = command("ZREVRANGE", scripts.owned(owner), rank, rank + count - 1)
            (names,) = await self._link.run(index)
            if not names:
                break
            rank += count
            heads = [head for head in await self.heads(names) if head is not None and head.opening.owner == owner]
            found += [head for head in heads if sought in _shown(head)]
        return found[skipped : skipped + limit]

    async def scan(self, *, after: str, limit: int) -> builtins.list[Head]:
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        found: builtins.list[Head] = []
        while len(found) < limit:
            start = f"({after}" if after else "-"
            index = command("ZRANGEBYLEX", scripts.SESSIONS, start, "+", "LIMIT", 0, min(limit, _LISTED))
            (names,) = await self._link.run(index)
            if not names:
                break
            after = names[-1]
            found += [head for head in await self.heads(names) if head is not None]
        return found[:limit]

    async def size(self) -> Size:
        """Count sessions, entries and bytes; see ``Store.size``. The bytes are those of our keys in memory."""
        sizes: dict[str, tuple[int, int, int]] = {}
        async for keys in self._link.keys(scripts.HEADS):
            names = [key.partition("{")[2].rpartition("}")[0] for key in keys]
            sizes |= dict(zip(names, await self._sizes(names), strict=True))
        lives, entries, taken = (sum(column) for column in zip(*sizes.values(), strict=True)) if sizes else (0, 0, 0)
        (learned,) = await self._link.run(command("MEMORY USAGE", scripts.SHARES))
        return Size(sessions=lives, entries=entries, bytes=taken + (learned or 0))

    async def _sizes(self, names: Sequence[str]) -> builtins.list[tuple[int, int, int]]:
        keys = [scripts.own_keys(name) for name in names]
        counts = await self._link.run(*(call(scripts.COUNT, pair) for pair in keys))
        all_keys = [key for name, pair in zip(names, keys, strict=True) for key in (*pair, scripts.attached(name))]
        uses = await self._link.run(*(command("MEMORY USAGE", key) for key in all_keys))
        taken = [sum(used or 0 for used in uses[n : n + 3]) for n in range(0, len(uses), 3)]
        return [(lives, kept, used) for (lives, kept), used in zip(counts, taken, strict=True)]


def _shown(head: Head) -> str:
    shown = head.projection
    texts = "" if shown is None else f"\n{shown.title}\n{shown.preview}"
    return f"{head.opening.session_id}{texts}".casefold()
