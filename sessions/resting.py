"""How the sessions of a process come to rest: what was answered is stored first, then whatever there is time for.

Each part has at most half of the time that is left, so that one that hangs leaves the others theirs. When the end is,
and what is closed behind the sessions, is said elsewhere.
"""

from sessions.ending import UNHURRIED, End
from sessions.sessions import Sessions


async def rest(sessions: Sessions, end: End = UNHURRIED) -> None:
    """Let the writer finish and end, and forget what is open: the next event loop opens it anew."""
    sessions.store.hurry(end)
    await sessions.writer.drain()
    await sessions.learner.rest(end)
    await sessions.leases.rest()
    await sessions.writer.drain()
    await sessions.projector.flush()
    await sessions.projector.rest()
    await sessions.writer.stop()
    await sessions.writer.keeper.rest()
    await sessions.observing.rest(end)
    await sessions.store.rest()
    sessions.open.clear()
