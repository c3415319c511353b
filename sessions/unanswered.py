"""New sessions whose first caller has not been answered: a repeat of that call gets the session, not a second one.

Clients time out and call again with the same arguments, before they ever saw a session id.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

KEPT_SECONDS = 600.0
KEPT = 100
"""Most calls of one owner that are remembered; the oldest are forgotten first."""
OWNERS = 500
"""Most owners with such calls; those that asked longest ago are forgotten first."""

Claims = OrderedDict[bytes, tuple[str, float]]
"""By a digest of what was asked: the session, and until when a repeat gets it."""


@dataclass(slots=True)
class Unanswered:
    """Calls that minted a session, by owner and a digest of what was asked: the texts themselves are not kept."""

    _owners: OrderedDict[str, Claims] = field(default_factory=OrderedDict[str, Claims])

    def claim(self, owner: str, asked: Hashable, mint: Callable[[], str]) -> str:
        """Give the session of an unanswered call of the owner's that asked the same, else mint one."""
        digest = _digest(asked)
        known = self._claims(owner).get(digest)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        session_id = mint()
        claims = self._owners.setdefault(owner, Claims())
        claims[digest] = (session_id, float("inf"))
        claims.move_to_end(digest)
        self._owners.move_to_end(owner)
        if len(claims) > KEPT:
            claims.popitem(last=False)
        if len(self._owners) > OWNERS:
            self._owners.popitem(last=False)
        return session_id

    def left(self, owner: str, asked: Hashable) -> None:
        """Note that the caller went away, or was told to come back: a repeat has ten minutes."""
        claims, digest = self._claims(owner), _digest(asked)
        if digest in claims:
            claims[digest] = (claims[digest][0], time.monotonic() + KEPT_SECONDS)

    def seen(self, owner: str, session_id: str) -> None:
        """Note that a call named the session: whoever asks the same from now on means a new one."""
        self._drop(owner, [digest for digest, (claimed, _) in self._claims(owner).items() if claimed == session_id])

    def answered(self, owner: str, asked: Hashable) -> None:
        """Note that the caller knows its session: the same question again is a new one."""
        self._drop(owner, [_digest(asked)])

    def _claims(self, owner: str) -> Claims:
        return self._owners.get(owner, Claims())

    def _drop(self, owner: str, digests: Iterable[bytes]) -> None:
        claims = self._claims(owner)
        for digest in digests:
            claims.pop(digest, None)
        if not claims:
            self._owners.pop(owner, None)


def _digest(asked: Hashable) -> bytes:
    return sha256(repr(asked).encode(errors="surrogatepass")).digest()
