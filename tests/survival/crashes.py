"""Kills a server at random moments while its callers think, and looks each time whether all that was answered is kept.

Which store it works on, and how often it is killed, is the caller's choice: a test's few points, a command's hundreds.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.survival.checker import Findings, Step, check, check_seen, check_shown
from tests.survival.lines import Log
from tests.survival.lives import Lives
from tests.survival.load import Load
from tests.survival.looking import checked, kept, shown

CREWS = 4
STEPS = 40
"""Steps of each caller in a session: one session is in use at several crashes, and its pages stay short."""
ANSWERS = 30
"""Most answers that a process gives before it is killed, about."""
WAIT_SECONDS = 0.02
"""Most time from an answer to the kill: no moment of a step is spared."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of a run.

    Attributes:
        broken_off: Calls that were under way when their server was killed.
        turned_down: Calls that a server on a busy machine turned down, taking its store to be away.
        faults: Calls that failed although nobody had killed their server.
    """

    points: int = 0
    answered: int = 0
    sessions: int = 0
    broken_off: int = 0
    turned_down: int = 0
    faults: list[str] = field(default_factory=list[str])
    findings: Findings = field(default_factory=Findings)
    seconds: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """All that must not be, in lines. A text kept beside a step is no damage here: its caller was told."""
        return [line for line in self.findings.lines() if not line.startswith("alternatives")] + self.faults


@dataclass(slots=True, kw_only=True)
class Crashes:
    """One run on one store."""

    url: str
    folder: Path
    points: int
    seed: int
    crews: int = CREWS
    tell: Callable[[int, Report], None] = lambda _, __: None
    log: Log = field(default_factory=Log)
    report: Report = field(default_factory=Report)

    async def run(self) -> Report:
        """Kill at every point, look, go on; then look at everything once more."""
        began, chosen = time.monotonic(), random.Random(self.seed)  # noqa: S311 (no secret)
        settings = {
            "COMPANIONS_STORE": self.url,
            "COMPANIONS_SPOOL": str(self.folder / "spool"),
            "COMPANIONS_LOG_LEVEL": "WARNING",
        }
        async with Lives(folder=self.folder, settings=settings) as lives:
            await lives.begin()
            async with Load(lives=lives, log=self.log, crews=self.crews, steps=STEPS, may_be_away=lambda: True):
                for point in range(1, self.points + 1):
                    await self._crash(lives, chosen)
                    self.report.points = point
                    self.tell(point, self._counted())
                await self.log.more(self.crews)
            await self._look_at_everything(lives)
            self.report.faults = [*self.log.faults, *lives.complaints()]
        self.report.seconds = time.monotonic() - began
        return self._counted()

    async def _crash(self, lives: Lives, chosen: random.Random) -> None:
        before = len(self.log.answered)
        await self.log.more(chosen.randrange(1, ANSWERS))
        await asyncio.sleep(chosen.uniform(0, WAIT_SECONDS))
        await lives.kill()
        answered = list(self.log.answered)
        touched = {step.session_id for step in answered[before:]}
        mine = [step for step in answered if step.session_id in touched]
        _, stored = await asyncio.gather(lives.begin(), kept(self.url, touched))
        found = check(mine, stored, self.log.sent)
        if found.lines():  # unless the process that died had it elsewhere, and the next one brings it
            found, _ = await checked(self.url, mine, self.log.sent, session_ids=touched)
        self.report.findings |= found | check_seen(mine, await self._shown(lives, mine))

    async def _look_at_everything(self, lives: Lives) -> None:
        found, stored = await checked(self.url, self.log.answered, self.log.sent)
        self.report.findings |= found | check_shown(await self._shown(lives, stored), stored)
        self.report.sessions = len({step.session_id for step in stored})

    async def _shown(self, lives: Lives, steps: list[Step]) -> list[Step]:
        life = await lives.present()
        async with life.client() as client:
            return await shown(client, sorted({(step.session_id, step.companion_type) for step in steps}))

    def _counted(self) -> Report:
        self.report.answered = len(self.log.answered)
        self.report.broken_off = sum(call.expected and not call.away for call in self.log.calls)
        self.report.turned_down = sum(call.expected and call.away for call in self.log.calls)
        return self.report
