"""Reading a session's entries back from Redis: pages and tails, most of them in one or two round trips.

It reads through forks and writes nothing. A fork's prefix cannot change while the fork lives, and entries never do, so
that no read of several round trips needs a transaction.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from companions.entries import Entry
from companions.errors import StoreError
from sessions.store import Window
from sessions.stores import trails
from sessions.stores.redis import read_scripts, rows, scripts
from sessions.stores.redis.driver import Command, call, command
from sessions.stores.redis.link import RedisLink
from sessions.stores.trails import Marked, Marks

REMEMBERED = 4_096
"""Of how many sessions origins and marks are kept: a few hundred bytes each."""

T = TypeVar("T")


class Recent(Generic[T]):
    """What was lately known of sessions, so many of them at most."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, session_id: str) -> T | None:
        """Give what is known of a session."""
        return self._kept.get(session_id)

    def put(self, session_id: str, value: T) -> None:
        """Keep something, and let go of what was kept first if there is too much."""
        self._kept[session_id] = value
        self._kept.move_to_end(session_id)
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def drop(self, session_id: str) -> None:
        """Forget a session."""
        self._kept.pop(session_id, None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session begins: it reads its parent's entries up to the base."""

    parent: str | None = None
    base: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of one session's own entries that a session reads: those behind ``base``, up to ``last`` if given."""

    session_id: str
    base: int
    last: int | None

    def has(self, seq: int) -> bool:
        """Tell whether an entry lies in it."""
        return seq > self.base and (self.last is None or seq <= self.last)

    def newer(self, after: int) -> tuple[str, str]:
        """Give the ids between which its entries behind a seq stand."""
        return f"{max(after, self.base) + 1}-0", "+" if self.last is None else f"{self.last}-0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries a page holds, and at most how many."""

    limit: int
    companion_type: str | None = None
    slot: int | None = None
    kinds: Sequence[str] = ()

    @property
    def every(self) -> bool:
        """Whether no entry is passed over."""
        return self.companion_type is None and self.slot is None and not self.kinds

    def read(self, segment: Segment, after: int) -> Command:
        """Give the command that reads the next of them, and with them perhaps some others."""
        key, span = scripts.entries(segment.session_id), segment.newer(after)
        if self.every:
            return command("XRANGE", key, *span, "COUNT", self.limit)
        return call(
            read_scripts.FIND, [key], *span, self.limit, *rows.needles(self.companion_type, self.slot, self.kinds)
        )

    def taken(self, reply: list[Any]) -> tuple[list[Entry], int]:
        """Give those in a reply, and the seq behind which to go on; 0 if there are no more."""
        raw, looked = (reply, "") if self.every else reply
        return [entry for entry in map(rows.entry, raw) if self._has(entry)], rows.seq(looked) if looked else 0

    def _has(self, entry: Entry) -> bool:
        return (
            (self.companion_type is None or entry.companion_type == self.companion_type)
            and (self.slot is None or entry.slot == self.slot)
            and (not self.kinds or entry.kind in self.kinds)
        )


class Reads:
    """Reads of one store; it keeps nothing but what never changes."""

    def __init__(self, link: RedisLink) -> None:
        self.marks: Recent[Marks] = Recent()
        self._link = link
        self._origins: Recent[Origin] = Recent()

    async def page(self, session_id: str, after: int, wanted: Wanted) -> list[Entry]:
        """Read entries in order; see ``Store.page``."""
        if wanted.limit < 1:
            return []
        opening = command("HGET", scripts.head(session_id), "opening")
        # Which of the session's entries are its own is not known yet; asking for more than those is no harm.
        told, first = await self._link.run(opening, wanted.read(Segment(session_id, 0, None), after))
        if told is None:
            return []
        self._remember(session_id, told)
        found: list[Entry] = []
        for segment in await self.segments(session_id):
            found += await self._segment(segment, after, wanted, first if segment.last is None else None)
            if len(found) >= wanted.limit:
                break
        return found[: wanted.limit]

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs; see ``Store.tail``."""
        keys = scripts.own_keys(session_id)
        asked = call(read_scripts.TAIL, keys, companion_type, window.versions, window.exchanges)
        ((told, raw),) = await self._link.run(asked)
        if told is None or not raw:
            return []
        self._remember(session_id, told)
        kept = {rows.seq(row[0]): row for row in raw}
        head = rows.marked(raw[0])
        marks = Marks.at(head)
        self.marks.put(
            session_id, marks.reading(rows.marked(kept[seq]) for seq in marks.unread.values() if seq in kept)
        )
        walk = trails.tail(head, companion_type, window)
        try:
            seqs = next(walk)
            while True:
                got = {seq: rows.marked(kept[seq]) for seq in seqs if seq in kept}
                got |= await self.fetch(session_id, seqs - got.keys())
                if len(got) < len(seqs):
                    return await self._torn(session_id)
                seqs = walk.send(got)
        except StopIteration as end:
            return end.value

    async def fetch(self, session_id: str, seqs: Iterable[int]) -> dict[int, Marked]:
        """Read entries by number, as far as they are there, whether the session lives or not."""
        wanted = sorted(seqs)
        if not wanted:
            return {}
        segments = await self.segments(session_id)
        reads = [
            command("XRANGE", scripts.entries(segment.session_id), f"{seq}-0", f"{seq}-0")
            for seq in wanted
            for segment in segments
            if segment.has(seq)
        ]
        found = [rows.marked(row) for reply in await self._link.run(*reads) for row in reply] if reads else []
        return {marked.entry.seq: marked for marked in found}

    async def segments(self, session_id: str) -> list[Segment]:
        """Find what a session reads: its parent's entries up to the base, and so on, then its own."""
        found: list[Segment] = []
        name, last = session_id, None
        while name is not None:
            origin = await self._origin(name)
            if last is None or last > origin.base:
                found.append(Segment(name, origin.base, last))
            name, last = origin.parent, origin.base if last is None else min(last, origin.base)
        return found[::-1]

    async def _segment(self, segment: Segment, after: int, wanted: Wanted, known: list[Any] | None) -> list[Entry]:
        found: list[Entry] = []
        if segment.last is not None and after >= segment.last:
            return found
        while True:
            if known is None:
                (known,) = await self._link.run(wanted.read(segment, after))
            taken, after = wanted.taken(known or [])
            found += taken
            if not after or len(found) >= wanted.limit:
                return found
            known = None

    async def _origin(self, session_id: str) -> Origin:
        known = self._origins.get(session_id)
        if known is not None:
            return known
        (told,) = await self._link.run(command("HMGET", scripts.head(session_id), "opening", "tombstone"))
        opening, tombstone = told
        if opening is not None:
            return self._remember(session_id, opening)
        base, _, parent = (tombstone or "0:").partition(":")
        origin = Origin(parent or None, int(base))
        if tombstone is not None:
            self._origins.put(session_id, origin)
        return origin

    def _remember(self, session_id: str, text: str) -> Origin:
        opening = rows.opening(session_id, text)
        origin = Origin(opening.parent, opening.base)
        self._origins.put(session_id, origin)
        return origin

    async def _torn(self, session_id: str) -> list[Entry]:
        """Tell a session that was forgotten in the middle of a read from one that lacks entries."""
        (opening,) = await self._link.run(command("HGET", scripts.head(session_id), "opening"))
        if opening is None:
            return []
        raise StoreError(
            f"The session {session_id} lacks entries in Redis.", "Fork it before the gap, or forget the session."
        )
