"""What a store must do beside forgetting single sessions, so that nothing of what was erased stays behind unsaid.

It decides nothing: which sessions are erased, and whom that is told, is for those who erase. A store says here who
still reads what was forgotten, and has its own files give up what was deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MOMENT = 4_000_000
"""Bytes of a store's own file that are rewritten in a moment, so that steps can wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A living session that reads entries of another one: its fork, or a fork of a forgotten fork of it.

    Attributes:
        session_id, owner, created_at: As it was opened.
        at: The newest ``seq`` of the other one that it reads, at least 1.
    """

    session_id: str
    owner: str
    created_at: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiped:
    """What became of a store's own files.

    Attributes:
        done: What was rewritten, a sentence each.
        left: What may still hold what was erased, and until when or by whose hand it goes; a sentence each.
    """

    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class ErasureStore(Protocol):
    """A place of which it can be told, and seen to, what is left of the sessions that were forgotten there."""

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who reads entries of a session, living or forgotten: the oldest first; none of an unknown one."""
        ...

    async def wipe(self, owner: str | None = None) -> Wiped:
        """Take out of the store's own files what was erased, as far as the store can and its user may.

        Erasures that were interrupted are finished first. What cannot be done is told and raises nothing; it may take
        as long as all of the store is large.

        Args:
            owner: An owner whose sessions were all erased, of whom no index is to keep the name; ``None`` for a single
                session that was forgotten, after which only what takes a moment is done.
        """
        ...
