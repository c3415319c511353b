"""Who reads a session's entries in this process's memory: its forks, and forks of those of them that were forgotten."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from sessions.erasure_store import Reader
from sessions.stores.memory.session import MemorySession


def readers_of(
    session_id: str, sessions: Mapping[str, MemorySession | None], forgotten: Mapping[str, tuple[str, int]]
) -> Sequence[Reader]:
    """Find the living readers of a session, the oldest first.

    Args:
        session_id: The session, living or forgotten.
        sessions: All there were; ``None`` for those that are forgotten.
        forgotten: Of forgotten forks, the parent and the base.
    """
    found = list[Reader]()
    for opening in [session.opening for session in sessions.values() if session is not None]:
        parent, at = opening.parent, opening.base
        while parent is not None and parent != session_id and sessions.get(parent) is None:
            parent, base = forgotten.get(parent, (None, 0))
            at = min(at, base)
        if parent == session_id:
            found.append(
                Reader(session_id=opening.session_id, owner=opening.owner, created_at=opening.created_at, at=at)
            )
    return sorted(found, key=attrgetter("created_at", "session_id"))
