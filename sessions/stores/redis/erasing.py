"""Forgetting a session in Redis: a textless mark at once, then every text that no living fork reads.

The keys of different sessions can lie on different nodes, so it goes in steps, each of which can be repeated: who
forgets a session marks it before looking at its forks, so of two who forget at once the later one sees both marks.
"""

from collections.abc import Sequence
from operator import attrgetter

from sessions.erasure_store import Reader
from sessions.stores.redis import attachments as redis_attachments
from sessions.stores.redis import grants as redis_grants
from sessions.stores.redis import rows, scripts
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink


class Erasing:
    """Erasing in one store."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def forget(self, session_id: str) -> bool:
        """Erase a session, or finish what an interrupted call began; ``False`` if there was neither."""
        head = scripts.head(session_id)
        opening, begun = await self._link.run(command("HGET", head, "opening"), command("HGET", head, "erasing"))
        if not (opening or begun):
            return False
        opened = rows.opening(session_id, opening or begun)
        if opening:
            await self._link.run(call(scripts.FORGET, [head], f"{opened.base}:{opened.parent or ''}"))
        await self._link.run(
            command("ZREM", scripts.owned(opened.owner), session_id), command("ZREM", scripts.SESSIONS, session_id)
        )
        await redis_grants.drop(self._link, session_id)
        await self._erase_unread(session_id)
        await self._link.run(command("HDEL", head, "erasing"))
        return True

    async def readers(self, session_id: str) -> list[Reader]:
        """Read who reads entries of a session; see ``ErasureStore.readers``."""
        found, level = list[Reader](), [(session_id, 0)]
        while level:
            forks, level = await self._forks(level), list[tuple[str, int]]()
            heads = await self._link.run(
                *(command("HMGET", scripts.head(name), "opening", "tombstone") for name, _ in forks)
            )
            for (name, at), (opening, tombstone) in zip(forks, heads, strict=True):
                if opening is not None:
                    opened = rows.opening(name, opening)
                    found.append(Reader(session_id=name, owner=opened.owner, created_at=opened.created_at, at=at))
                elif tombstone is not None:
                    level.append((name, at))
        return sorted(found, key=attrgetter("created_at", "session_id"))

    async def finish(self) -> None:
        """Finish erasures that were interrupted."""
        async for keys in self._link.keys(scripts.HEADS):
            begun = await self._link.run(*(command("HEXISTS", key, "erasing") for key in keys))
            for key, unfinished in zip(keys, begun, strict=True):
                if unfinished:
                    await self.forget(key.partition("{")[2].rpartition("}")[0])

    async def _erase_unread(self, session_id: str) -> None:
        """Delete what no living fork reads any more, of a forgotten session and of the forgotten ones before it."""
        while session_id:
            kept = await self._read_by_forks(session_id)
            entries = scripts.entries(session_id)
            erase = call(scripts.ERASE, [entries, f"{entries}:kept", scripts.rewritten(session_id)], kept)
            told = command("HGET", scripts.head(session_id), "tombstone")
            _, _, tombstone = await self._link.run(erase, redis_attachments.erase(session_id, kept), told)
            parent = tombstone.partition(":")[2]
            if not parent:
                return
            if not kept:
                await self._link.run(command("HDEL", scripts.forks(parent), session_id))
            (forgotten,) = await self._link.run(command("HEXISTS", scripts.head(parent), "tombstone"))
            session_id = parent if forgotten else ""

    async def _read_by_forks(self, session_id: str) -> int:
        """Find the newest seq that a living fork reads, or a living fork of a forgotten one; 0 for none."""
        newest, level = 0, [(session_id, 0)]
        while level:
            forks = await self._forks(level)
            living = await self._link.run(*(call(scripts.SEAL, [scripts.head(name)]) for name, _ in forks))
            newest = max([newest, *(base for (_, base), lives in zip(forks, living, strict=True) if lives)])
            level = [fork for fork, lives in zip(forks, living, strict=True) if not lives]
        return newest

    async def _forks(self, parents: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Find the forks of sessions, each with the newest seq that it can read of the one that all come from."""
        registered = await self._link.run(*(command("HGETALL", scripts.forks(name)) for name, _ in parents))
        return [
            (fork, min(int(base), bound or int(base)))
            for (_, bound), forks in zip(parents, registered, strict=True)
            for fork, base in forks.items()
        ]
