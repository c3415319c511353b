"""Leases in this process's memory. Nothing in here awaits anything, so each call is one step of the event loop."""

import time


class MemoryLeases:
    """The leases of one store; see ``Store.lease``."""

    __slots__ = ("_leases",)

    def __init__(self) -> None:
        self._leases: dict[str, tuple[str, float]] = {}

    def take(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; "" when nobody holds it."""
        now = time.monotonic()
        self._leases = {leased: held for leased, held in self._leases.items() if held[1] > now}
        held_by, _ = self._leases.get(name, (holder, now))
        if held_by != holder:
            return held_by
        self._leases[name] = (holder, now + seconds)
        return holder if seconds > 0 else ""

    def clear(self) -> None:
        """Forget all of them."""
        self._leases.clear()
