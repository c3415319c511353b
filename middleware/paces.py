"""How often each owner may do something: a token bucket an owner, and bounded memory for any number of them."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_OWNERS = 10_000
"""Kept at a time; who is dropped for another begins anew, with a full bucket."""
SECONDS = 60.0


class Paces:
    """Lets each owner do so many things a minute, all at once or one after the other."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how many, and what tells seconds."""
        self._most = per_minute
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, owner: str) -> int:
        """Count one; gives 0, or, without counting, the whole seconds until the next is allowed."""
        now = self._clock()
        left, at = self._left.pop(owner, (float(self._most), now))
        left = min(self._most, left + (now - at) * self._most / SECONDS)
        enough = left >= 1
        self._left[owner] = (left - 1 if enough else left, now)
        if len(self._left) > MOST_OWNERS:
            self._left.popitem(last=False)
        return 0 if enough else max(1, math.ceil((1 - left) * SECONDS / self._most))
