"""Whose the entries are that wait on this machine's disk, also where they do not open or cannot come home.

It reads heads and openings alone, and decides nothing: what is erased, or left out of an archive, is said elsewhere.
"""

from collections.abc import AsyncGenerator

from sessions.sessions import Sessions
from sessions.store import Opening


async def opening_of(sessions: Sessions, session_id: str) -> Opening | None:
    """Read how a session was opened: in the store or, where it is not there yet, on this machine's disk.

    Returns:
        ``None`` if neither tells: such entries are nobody's, as far as can be known.

    Raises:
        StoreError: The store or the disk failed.
    """
    head = await sessions.store.head(session_id)
    if head is not None:
        return head.opening
    return None if sessions.spool is None else await sessions.spool.opening(session_id)


async def waiting(sessions: Sessions) -> AsyncGenerator[tuple[str, Opening | None]]:
    """Give each session of which something waits on this machine's disk, what ended processes left there included.

    Raises:
        StoreError: The store or the disk failed.
    """
    await sessions.writer.read_in()
    for session_id in list(sessions.spool.waiting if sessions.spool is not None else ()):
        yield session_id, await opening_of(sessions, session_id)
