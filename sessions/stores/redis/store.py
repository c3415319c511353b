"""Sessions in Redis, a single server or a cluster: shared by any number of processes, nothing but plain commands.

It commits what it is handed, each session's entries in one script. When to write is the writer's work, how keys and
scripts look ``scripts``'s, how sessions are read back ``reads``'s and ``listings``'s.
"""

import builtins
import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from companions.entries import Entry
from sessions.erasure_store import Reader, Wiped
from sessions.pattern_store import Share
from sessions.seal_store import Stretch
from sessions.store import Append, Committed, Conflict, Gone, Head, Outcome, Projection, Size, Window
from sessions.stores.redis import projections as redis_projections
from sessions.stores.redis import rows, scripts
from sessions.stores.redis.attachments import RedisAttachments
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.erasing import Erasing
from sessions.stores.redis.grants import RedisGrants
from sessions.stores.redis.link import RedisLink
from sessions.stores.redis.listings import Listings
from sessions.stores.redis.openings import prepare
from sessions.stores.redis.reads import Reads, Wanted
from sessions.stores.redis.scripts import COMMITTED, GONE
from sessions.stores.redis.sealing import Sealing
from sessions.stores.redis.shares import Shares
from sessions.stores.redis.stages import stages
from sessions.stores.redis.wiping import wipe
from sessions.stores.trails import Marks


class RedisStore:
    """The ``Store`` protocol over Redis 6.2 or later, without modules.

    It has no deadline of its own: a call may be cancelled at any moment, and the next one finds everything in order.

    Attributes:
        link: The way to the server.
        grants: Whom sessions are shared with.
        attachments: What is attached to queries.
    """

    shared = True

    def __init__(self, url: str) -> None:
        """Name the server; nothing is connected before the first call.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads it. Of a cluster, any node's.
        """
        self.link = RedisLink(url)
        self.grants = RedisGrants(self.link)
        self._reads = Reads(self.link)
        self.attachments = RedisAttachments(self.link, self._reads)
        self._listings = Listings(self.link)
        self._shares = Shares(self.link)
        self._sealing = Sealing(self.link, self._reads)

    async def load(self) -> None:
        """Import the driver; see ``Store.load``."""
        await self.link.load()

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits; see ``Store.append``.

        On a single server all of it is one script. A fork is ``Gone`` with its parent, and a conflict past the
        parent's head.
        """
        outcomes: list[Outcome] = []
        for stage in stages(appends):
            outcomes += await self._append(stage)
        return outcomes

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs; see ``Store.tail``. Empty for an unknown session."""
        return await self._reads.tail(session_id, companion_type, window)

    async def page(
        self,
        session_id: str,
        *,
        after: int = 0,
        limit: int = 100,
        companion_type: str | None = None,
        slot: int | None = None,
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """Read entries in order; see ``Store.page``. Empty for an unknown session."""
        wanted = Wanted(companion_type=companion_type, slot=slot, kinds=kinds, limit=limit)
        return await self._reads.page(session_id, after, wanted)

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; see ``Store.head``."""
        return (await self._listings.heads([session_id]))[0]

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions; see ``Store.list``. Sessions without a projection count as used when minted."""
        return await self._listings.list(owner, search=search or "", limit=limit, offset=offset)

    async def scan(self, *, after: str = "", limit: int = 100) -> builtins.list[Head]:
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        return await self._listings.scan(after=after, limit=limit)

    async def size(self) -> Size:
        """Tell how large the store is; its bytes are those of its sessions in memory."""
        return await self._listings.size()

    async def schema(self) -> int:
        """Read the version of the keys; see ``VersionedStore.schema``."""
        (version,) = await self.link.run(command("GET", scripts.SCHEMA))
        return int(version)

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; see ``Store.project``."""
        await redis_projections.project(self.link, projections)

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; see ``Store.lease``. Returns "" when nobody holds it."""
        milliseconds = math.ceil(seconds * 1_000)
        (held_by,) = await self.link.run(call(scripts.LEASE, [scripts.leased(name)], holder, milliseconds))
        return held_by

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session; see ``Store.tombstone``. An interrupted call is finished by the next one.

        What Redis appended to its file stays there until it next rewrites the file, which it does by itself.
        """
        self._reads.marks.drop(session_id)
        return await Erasing(self.link).forget(session_id)

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who reads entries of a session; see ``ErasureStore.readers``."""
        return await Erasing(self.link).readers(session_id)

    async def wipe(self, owner: str | None = None) -> Wiped:
        """Have the server write its files anew; see ``ErasureStore.wipe``. After a single session it does by itself."""
        return Wiped() if owner is None else await wipe(self.link, owner)

    async def shares(self, companion_type: str | None = None) -> builtins.list[Share]:
        """Read what was learned; see ``PatternStore.shares``."""
        return await self._shares.all(companion_type)

    async def put_share(self, share: Share) -> bool:
        """Store a share that follows on what is there; see ``PatternStore.put_share``."""
        return await self._shares.put(share)

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        return await self._shares.fold(before, after)

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned; see ``PatternStore.drop_shares``."""
        return await self._shares.drop(companion_type)

    async def lineage(self, session_id: str) -> builtins.list[Stretch]:
        """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
        return await self._sealing.lineage(session_id)

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        """Put other texts in the place of a session's own; see ``SealableStore.rewrite``."""
        return await self._sealing.rewrite(session_id, entries)

    async def seals(self) -> dict[str, str]:
        """Read the proofs of keys; see ``SealableStore.seals``."""
        return await self._sealing.seals()

    async def put_seal(self, key_id: str, proof: str) -> str:
        """Note that a key is used; see ``SealableStore.put_seal``."""
        return await self._sealing.put_seal(key_id, proof)

    async def drop_seal(self, key_id: str) -> None:
        """Forget that a key was used; see ``SealableStore.drop_seal``."""
        await self._sealing.drop_seal(key_id)

    async def close(self) -> None:
        """Let go of the connections; afterwards every call but this one is refused."""
        await self.link.close()

    async def _append(self, appends: Sequence[Append]) -> builtins.list[Outcome]:
        """Store appends of different sessions, none of which forks another."""
        barred = await prepare(self.link, appends)
        parts: builtins.list[tuple[tuple[str, str], builtins.list[Any]]] = []
        after: builtins.list[Marks] = []
        for append in appends:
            marks = await self._marks(append) if append.session_id not in barred else None
            answer = barred.get(append.session_id, "" if marks is not None else append.entries[0].seq - 1)
            opening = "" if append.opening is None else rows.opening_text(append.opening)
            fields, marks = rows.all_fields(append.entries, marks or Marks())
            words = [append.entries[0].seq, len(append.entries), opening, answer, *fields]
            parts.append((scripts.own_keys(append.session_id), words))
            after.append(marks)
        replies = await self._take(parts)
        for append, reply, marks in zip(appends, replies, after, strict=True):
            self._reads.marks.drop(append.session_id)
            if reply == COMMITTED:
                self._reads.marks.put(append.session_id, marks)
        return [_outcome(reply) for reply in replies]

    async def _take(self, parts: Sequence[tuple[tuple[str, str], builtins.list[Any]]]) -> builtins.list[int]:
        if await self.link.clustered():
            replies = await self.link.run(*(call(scripts.APPEND, keys, *words) for keys, words in parts))
            return [*chain.from_iterable(replies)]
        keys, words = (chain.from_iterable(column) for column in zip(*parts, strict=True))
        (replies,) = await self.link.run(call(scripts.APPEND, [*keys], *words))
        return replies

    async def _marks(self, append: Append) -> Marks | None:
        """Find what an append is marked from; ``None`` if the entry before it is not there, so that it cannot fit."""
        before = append.entries[0].seq - 1
        if append.opening is not None and append.opening.parent is None:
            return Marks()
        marks = self._reads.marks.get(append.session_id)
        read_from = append.session_id
        if append.opening is not None and append.opening.parent is not None:
            marks, read_from = None, append.opening.parent
        if marks is None or marks.head != before:
            found = await self._reads.fetch(read_from, {before})
            if before not in found:
                return None
            marks = Marks.at(found[before])
        missing = marks.missing(append.entries)
        found = await self._reads.fetch(read_from, missing)
        return marks.reading(found.values()) if len(found) == len(missing) else None


def _outcome(reply: int) -> Outcome:
    if reply == COMMITTED:
        return Committed()
    return Gone() if reply == GONE else Conflict(reply)
