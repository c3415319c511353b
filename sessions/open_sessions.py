"""The sessions that are open in this process: bounded by what they hold in memory, the least recently used leave first.

It opens none and writes nothing; what has unwritten entries stays, whatever the bound.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from sessions.session import Session

OPEN_CHARACTERS = 64_000_000


@dataclass(slots=True)
class OpenSessions:
    """Open sessions by id.

    Attributes:
        most: The most characters that they may hold; a session counts for some thousand besides its texts.
    """

    most: int = OPEN_CHARACTERS
    _sessions: OrderedDict[str, Session] = field(default_factory=OrderedDict[str, Session])
    _held: int = 0

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._sessions)

    def get(self, session_id: str) -> Session | None:
        """Give a session if it is open."""
        return self._sessions.get(session_id)

    def use(self, session_id: str) -> None:
        """Note that a session is used now."""
        if session_id in self._sessions:
            self._sessions.move_to_end(session_id)

    def keep(self, session: Session) -> Session:
        """Keep a session open, unless it is open already: gives the one that is."""
        kept = self._sessions.setdefault(session.session_id, session)
        if kept is session:
            self._held += session.weight
            self._make_room(session)
        return kept

    def weigh(self, session: Session) -> None:
        """Count again what a session holds, and let others leave if that is too much."""
        before, session.weight = session.weight, session.measured()
        if self._sessions.get(session.session_id) is session:
            self._held += session.weight - before
            self._make_room(session)

    def leave(self, session_id: str) -> None:
        """Let a session go."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            self._held -= session.weight

    def clear(self) -> None:
        """Let all go."""
        self._sessions.clear()
        self._held = 0

    def _make_room(self, besides: Session) -> None:
        if self._held <= self.most:
            return
        for candidate in list(self._sessions.values()):
            if candidate is not besides and not candidate.busy:
                self.leave(candidate.session_id)
                if self._held <= self.most:
                    return
