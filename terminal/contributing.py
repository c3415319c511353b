"""A consultation as a person watches it: who writes, side by side, each text as it is stored, then the synthesis.

It shows what the job says, and asks for nothing itself.
"""

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal

from rich.text import Text

from companions.errors import CompanionsError
from companions.models import OnText
from sessions.answers import Answer
from sessions.calls import Waiting
from sessions.heard import Heard
from terminal.screen import Screen, Stage, harmless
from terminal.telling import HEADING, QUIET, WARNING, tell_contribution, tell_synthesis
from terminal.watching import REPORT_SECONDS

SYNTHESIS = "Synthesis"
State = Literal["waiting", "writing", "done", "failed", "written before"]
STYLES: dict[State, str] = {"writing": "cyan", "done": "green", "failed": WARNING}


@dataclass(slots=True)
class Part:
    """One contributor's part, as it is seen.

    Attributes:
        characters: How many it has written so far.
        seconds: How long it took; 0 until it has ended.
        reason: Why it failed.
    """

    state: State = "waiting"
    characters: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def open(self) -> bool:
        """Whether more is to come of it."""
        return self.state in ("waiting", "writing")

    def told(self) -> str:
        """Tell how far it is, in one line."""
        if self.state == "failed":
            return f"failed: {' '.join(harmless(self.reason).split())}"
        characters = [f"{self.characters:,} characters"] if self.characters else []
        return ", ".join([self.state, *characters, *([f"{self.seconds:.0f} s"] if self.seconds else [])])


@dataclass(slots=True)
class ConsultationWatch:
    """One person's look at one consultation.

    Attributes:
        parts: By contributor, in the order in which they are shown.
    """

    screen: Screen
    parts: dict[str, Part]
    _since: float = field(default_factory=time.monotonic)
    _synthesis: Part = field(default_factory=Part)
    _stage: Stage = field(default_factory=Stage)
    _hear: OnText | None = None

    @contextlib.contextmanager
    def waiting(self) -> Generator[Waiting]:
        """Show what is made from here on; gives what the call is to be made with."""
        with self._stage:
            self._await()
            yield Waiting(
                seconds=float("inf"),
                every=REPORT_SECONDS,
                report=self._report,
                on_text=self._heard,
                on_step=self._made,
                on_failure=self._failed,
            )

    @property
    def _contributing(self) -> bool:
        return any(part.open for part in self.parts.values())

    def _await(self) -> None:
        """Show what is under way: the contributors, and once none of them is left the synthesis."""
        if self._contributing:
            self._stage.show(self.screen.changing(self._board))
        else:
            self._since = time.monotonic()
            self._hear = self._stage.show(self.screen.growing(SYNTHESIS))

    def _heard(self, companion_type: str, piece: str) -> None:
        part = self.parts.get(companion_type, self._synthesis)
        part.state = "writing"
        part.characters += len(piece)
        if self._hear is not None and part is self._synthesis:
            self._hear(piece)

    async def _made(self, answer: Answer) -> None:
        seconds, part = time.monotonic() - self._since, self.parts.get(answer.companion_type)
        if answer.entry is None:
            return
        if part is None:
            self._stage.clear()
            tell_synthesis(self.screen, answer, answer.entry, seconds)
            return
        part.state, part.characters, part.seconds = "done", len(answer.entry.text), seconds
        with self._ending():
            tell_contribution(self.screen, answer, answer.entry, seconds)

    async def _failed(self, companion_type: str, error: CompanionsError) -> None:
        part = self.parts[companion_type]
        part.state, part.reason = "failed", error.what
        with self._ending():
            self.screen.say(f"\n{companion_type} {part.told()}", WARNING)

    @contextlib.contextmanager
    def _ending(self) -> Generator[None]:
        """Tell the end of a part above the others; that of the last in their place."""
        if not self._contributing:
            self._stage.clear()
        yield
        if not self._contributing:
            self._await()

    def _board(self) -> Text:
        """Lay the parts out, a line each."""
        seconds, width = time.monotonic() - self._since, max(map(len, self.parts))
        lines = [Text()]
        for name, part in self.parts.items():
            line = Text(f"  {name:<{width}}  ", style=HEADING)
            so_far = f", {seconds:.0f} s" if part.open else ""
            line.append(f"{part.told()}{so_far}", style=f"not bold {STYLES.get(part.state, QUIET)}")
            line.truncate(self.screen.people.width, overflow="ellipsis")
            lines.append(line)
        return Text("\n").join(lines)

    async def _report(self, _told: str, _seconds: float, _heard_by_now: Heard) -> None:
        if self.screen.terminal:
            return
        told = [f"{name} {part.told()}" for name, part in self.parts.items()]
        if not self._contributing:
            told = [f"{SYNTHESIS} {self._synthesis.told()}"]
        self.screen.say(f"  {'; '.join(told)}: {time.monotonic() - self._since:.0f} s so far")
