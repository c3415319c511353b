"""Looking in the store for slots that were left alone: whoever would have counted them has ended.

A look is short and walks a part of a large store, the next one goes on from there; what is found is for ``learning`` to
count, or to find counted or under way.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nlargest

from companions.errors import UnopenedError
from sessions.retention import last_used
from sessions.slot_counting import SlotPlace, first_mark
from sessions.store import Head, Store

log = logging.getLogger("companions.learning")

PAGE = 100
"""Sessions that are read at a time."""
PAGES = 50
"""Reads of a look."""
NEWEST = 50
"""Of the sessions that were read, those whose slots are looked at: the newest that were left."""
PAUSE_SECONDS = 0.02
"""Between two reads: others want to use the store, too."""
REMEMBERED = 20_000
"""Sessions that are not looked at again unless they were used since."""


@dataclass(slots=True)
class LeftSessions:
    """The sessions of a store, of all owners, as far as they were looked through."""

    store: Store
    _after: str = ""
    _seen: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float])

    async def look(self, left_before: float) -> list[SlotPlace]:
        """Give newest slots that hold a draft and were not counted.

        Args:
            left_before: When a session was last used that counts as left, in seconds since the epoch.

        Raises:
            StoreError: The store failed; the next look goes on from there.
        """
        found: list[SlotPlace] = []
        for head in await self._left(left_before):
            for place in _newest_slots(head):
                if await self._uncounted(place):
                    found.append(place)
                await asyncio.sleep(PAUSE_SECONDS)
            self._remember(head)
        return found

    async def _uncounted(self, place: SlotPlace) -> bool:
        try:
            return await first_mark(self.store, place) is None
        except UnopenedError as error:
            # Nothing can be learned from it; the others are looked at all the same.
            log.warning("a session is not learned from: %s", error)
            return False

    async def _left(self, left_before: float) -> list[Head]:
        left: list[Head] = []
        for _ in range(PAGES):
            heads = await self.store.scan(after=self._after, limit=PAGE)
            left = nlargest(NEWEST, [*left, *self._unseen(heads, left_before)], key=last_used)
            self._after = heads[-1].opening.session_id if heads else ""
            if not heads:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        return left

    def _unseen(self, heads: Iterable[Head], left_before: float) -> Iterable[Head]:
        for head in heads:
            if last_used(head) <= left_before and self._seen.get(head.opening.session_id) != last_used(head):
                yield head

    def _remember(self, head: Head) -> None:
        self._seen[head.opening.session_id] = last_used(head)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _newest_slots(head: Head) -> Iterable[SlotPlace]:
    """Give the newest slot of each companion that has written in it, as far as the session's projection knows."""
    if head.projection is not None:
        for name, shown in head.projection.companions.items():
            if shown.get("versions"):
                yield SlotPlace(head.opening.owner, head.opening.session_id, name, shown["slot"])
