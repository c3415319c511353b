"""New sessions whose first caller has not been answered: a repeat of that call gets the session, not a second one.

Clients time out and call again with the same arguments, before they ever saw a session id.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

KEPT_SECONDS = 600.0
KEPT = 100
"""Most calls that are remembered; the oldest are forgotten first."""


@dataclass(slots=True)
class Unanswered:
    """Calls that minted a session, by what was asked."""

    _sessions: OrderedDict[Hashable, tuple[str, float]] = field(
        default_factory=OrderedDict[Hashable, tuple[str, float]]
    )

    def claim(self, asked: Hashable, mint: Callable[[], str]) -> str:
        """Give the session of an unanswered call that asked the same, else mint one."""
        known = self._sessions.get(asked)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        session_id = mint()
        self._sessions[asked] = (session_id, float("inf"))
        self._sessions.move_to_end(asked)
        while len(self._sessions) > KEPT:
            self._sessions.popitem(last=False)
        return session_id

    def left(self, asked: Hashable) -> None:
        """Note that the caller went away, or was told to come back: a repeat has ten minutes."""
        if asked in self._sessions:
            self._sessions[asked] = (self._sessions[asked][0], time.monotonic() + KEPT_SECONDS)

    def seen(self, session_id: str) -> None:
        """Note that a call named the session: whoever asks the same from now on means a new one."""
        for asked in [asked for asked, (claimed, _) in self._sessions.items() if claimed == session_id]:
            del self._sessions[asked]

    def answered(self, asked: Hashable) -> None:
        """Note that the caller knows its session: the same question again is a new one."""
        self._sessions.pop(asked, None)
