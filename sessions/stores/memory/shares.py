"""Shares in this process's memory: a dictionary, and what may follow on what.

Nothing in here awaits anything, so each call is one undivided step of the event loop.
"""

from collections.abc import Sequence
from operator import attrgetter

from sessions.pattern_store import Share


class MemoryShares:
    """The shares of one store; see ``PatternStore``."""

    __slots__ = ("_shares",)

    def __init__(self) -> None:
        self._shares: dict[tuple[str, str, str], Share] = {}

    def all(self, companion_type: str | None) -> list[Share]:
        """Read shares in order."""
        found = (share for share in self._shares.values() if companion_type in {None, share.companion_type})
        return sorted(found, key=attrgetter("name"))

    def put(self, share: Share) -> bool:
        """Store a share that follows on what is there."""
        there = self._shares.get(share.name)
        if share.version == (1 if there is None else there.version + 1):
            self._shares[share.name] = share
        return self._shares.get(share.name) == share

    def fold(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others."""
        if any(self._shares.get(share.name) != share for share in before):
            return self._shares.get(after.name) == after
        names = {share.name for share in before}
        if after.name in self._shares.keys() - names:
            return False
        self._shares = {name: share for name, share in self._shares.items() if name not in names}
        self._shares[after.name] = after
        return True

    def drop(self, companion_type: str | None) -> int:
        """Forget shares; gives how many."""
        gone = self.all(companion_type)
        for share in gone:
            del self._shares[share.name]
        return len(gone)
