"""An observer for tests: it notes what it hears, and fails or waits where a test says so."""

from dataclasses import dataclass, field

from companions.entries import Entry
from sessions.observers import Observed
from tests.sessions.faults import until
from tests.sessions.gate import Gate

Heard = tuple[str, str, str]
"""What, of which session, and of an entry its kind and seq."""


@dataclass(slots=True)
class Notes:
    """Notes all that it hears.

    Attributes:
        fails: What it raises for each event, once it has noted it.
        sessions: Those that it heard of.
    """

    fails: BaseException | None = None
    heard: list[Heard] = field(default_factory=list[Heard])
    sessions: list[Observed] = field(default_factory=list[Observed])
    gate: Gate = field(default_factory=Gate)

    async def on_created(self, session: Observed) -> None:
        await self._note(session, "created")

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        await self._note(session, "entry", f"{entry.kind} {entry.seq}")

    async def on_archived(self, session: Observed) -> None:
        await self._note(session, "archived")

    async def on_deleted(self, session: Observed) -> None:
        await self._note(session, "deleted")

    async def _note(self, session: Observed, what: str, entry: str = "") -> None:
        await self.gate.passed()
        self.heard.append((what, session.session_id, entry))
        self.sessions.append(session)
        if self.fails is not None:
            raise self.fails.with_traceback(None)

    def of(self, session_id: str) -> list[str]:
        return [f"{what} {entry}".strip() for what, heard, entry in self.heard if heard == session_id]

    async def until(self, count: int) -> None:
        """Wait until it has heard so much."""
        await until(lambda: len(self.heard) >= count)
