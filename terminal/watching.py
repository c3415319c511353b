"""A loop as a person watches it: each step while it grows, then as it was made. How it looks is ``telling``'s work.

It shows what the job says, and asks for nothing itself.
"""

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass, field

from companions.models import OnText, Step
from sessions.answers import Answer
from sessions.calls import Waiting
from sessions.heard import Heard
from sessions.session import Session
from terminal.screen import Screen, Stage
from terminal.telling import tell_step

REPORT_SECONDS = 5.0
"""How often plain text tells that a step goes on."""
WRITING = {"draft": "Drafting", "critique": "Critiquing", "revise": "Revising"}
COMPARING = "Comparing versions"


@dataclass(slots=True)
class Watch:
    """One person's look at one loop."""

    screen: Screen
    session: Session
    companion_type: str
    _name: str = COMPARING
    _since: float = 0.0
    _hear: OnText | None = None
    _stage: Stage = field(default_factory=Stage)

    @contextlib.contextmanager
    def waiting(self, step: Step | None) -> Generator[Waiting]:
        """Show what is made from here on; gives what a call is to be made with.

        Args:
            step: What comes first.
        """
        with self._stage:
            self._await(step)
            yield Waiting(
                seconds=float("inf"),
                every=REPORT_SECONDS,
                report=self._report,
                on_text=self._heard,
                on_step=self.made,
            )

    async def made(self, answer: Answer) -> None:
        """Show a step that was made, and what grows next."""
        self._stage.clear()
        companion = await self.session.look(self.companion_type)
        if answer.entry is not None:
            passed = time.monotonic() - self._since
            # What the model took, where it was counted: the first step also loads its library.
            tell_step(self.screen, answer, answer.entry, companion, answer.entry.meta.get("seconds", passed))
        self._await(answer.next.step)

    def _await(self, step: Step | None) -> None:
        self._name = COMPARING if step is None else WRITING[step]
        self._since = time.monotonic()
        self._hear = self._stage.show(self.screen.growing(self._name))

    def _heard(self, _companion_type: str, piece: str) -> None:
        if self._hear is not None:
            self._hear(piece)

    async def _report(self, _told: str, _seconds: float, _heard_by_now: Heard) -> None:
        if not self.screen.terminal:
            self.screen.say(f"  {self._name}: {time.monotonic() - self._since:.0f} s so far")
