"""New sessions whose first caller has not been answered: a repeat of that call gets the session, not a second one.

Clients time out and call again with the same arguments, before they ever saw a session id.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from hashlib import sha256

KEPT_SECONDS = 600.0
KEPT = 100
"""Most calls that are remembered; the oldest are forgotten first."""


@dataclass(slots=True)
class Unanswered:
    """Calls that minted a session, by a digest of what was asked: the texts themselves are not kept."""

    _sessions: OrderedDict[bytes, tuple[str, float]] = field(default_factory=OrderedDict[bytes, tuple[str, float]])

    def claim(self, asked: Hashable, mint: Callable[[], str]) -> str:
        """Give the session of an unanswered call that asked the same, else mint one."""
        digest = _digest(asked)
        known = self._sessions.get(digest)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        session_id = mint()
        self._sessions[digest] = (session_id, float("inf"))
        self._sessions.move_to_end(digest)
        while len(self._sessions) > KEPT:
            self._sessions.popitem(last=False)
        return session_id

    def left(self, asked: Hashable) -> None:
        """Note that the caller went away, or was told to come back: a repeat has ten minutes."""
        digest = _digest(asked)
        if digest in self._sessions:
            self._sessions[digest] = (self._sessions[digest][0], time.monotonic() + KEPT_SECONDS)

    def seen(self, session_id: str) -> None:
        """Note that a call named the session: whoever asks the same from now on means a new one."""
        for digest in [digest for digest, (claimed, _) in self._sessions.items() if claimed == session_id]:
            del self._sessions[digest]

    def answered(self, asked: Hashable) -> None:
        """Note that the caller knows its session: the same question again is a new one."""
        self._sessions.pop(_digest(asked), None)


def _digest(asked: Hashable) -> bytes:
    return sha256(repr(asked).encode(errors="surrogatepass")).digest()
