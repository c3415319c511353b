"""News: which sessions changed and how, as one process tells it to itself and to the others on its store.

News are hints and hold no texts: whoever hears them reads again, and one that is lost does no harm. How they travel is
a channel's work; who sends them when is ``news_exchange``'s.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol, cast, get_args

What = Literal["created", "entry", "archived", "deleted"]
WHATS: frozenset[str] = frozenset(get_args(What))
MOST_BYTES = 7_000
"""Of one message: PostgreSQL takes less than 8,000."""
MARK_BYTES = 16


@lru_cache(maxsize=1_024)
def mark_of(owner: str) -> str:
    """Give what stands for an owner in news: others on the same server need not read who it is."""
    return hashlib.blake2b(owner.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a session.

    Attributes:
        owner: The mark of whose it is.
        what: ``entry`` for each entry that was stored; the others as ``Observer`` has them.
        companion_type, kind, slot: The entry's; empty and 0 where there is none.
    """

    owner: str
    session_id: str
    what: What
    companion_type: str = ""
    kind: str = ""
    slot: int = 0


class Channel(Protocol):
    """A way to all processes on one store, over connections of its own."""

    async def send(self, message: str) -> None:
        """Send a message of at most ``MOST_BYTES`` to whoever listens now, this process included.

        Raises:
            StoreError: It was not sent.
        """
        ...

    async def listen(self, hear: Callable[[str], None], listening: Callable[[], None]) -> None:
        """Listen until cancelled or the connection is lost.

        Args:
            hear: Called with each message.
            listening: Called once from when on nothing is missed.

        Raises:
            StoreError: The connection could not be made, or was lost.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections; safe to call twice."""
        ...


def messages(sender: str, changes: Iterable[Change]) -> Iterator[str]:
    """Write changes down, as few messages as they fit into; one that alone is too long is left out."""
    line: list[str] = []
    size = 0
    for change in changes:
        written = json.dumps(astuple(change))
        if size + len(written) > MOST_BYTES - 100 and line:
            yield _message(sender, line)
            line, size = [], 0
        if len(written) <= MOST_BYTES - 100:
            line.append(written)
            size += len(written) + 1
    if line:
        yield _message(sender, line)


def read(message: str, *, but_of: str) -> list[Change]:
    """Read a message; nothing of one's own, and of one that another program wrote nothing that is not understood."""
    try:
        sender, lines = json.loads(message)
        return [change for line in lines if (change := _change(line)) is not None] if sender != but_of else []
    except (ValueError, TypeError, RecursionError):
        return []


def _message(sender: str, line: list[str]) -> str:
    return f"[{json.dumps(sender)},[{','.join(line)}]]"


def _change(line: object) -> Change | None:
    match line:
        case [str(owner), str(session_id), str(what), str(companion_type), str(kind), int(slot)] if what in WHATS:
            return Change(
                owner=owner,
                session_id=session_id,
                what=cast("Any", what),
                companion_type=companion_type,
                kind=kind,
                slot=slot,
            )
        case _:
            return None
