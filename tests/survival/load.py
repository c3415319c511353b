"""Clients that think, several on each session: they go on by themselves, whatever was broken off, as a host would.

What they were answered stands in the log; whether it is kept is not judged here.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from companions.entries import Kind
from tests.survival.checker import Step
from tests.survival.lines import JSON, MOST_FAULTS, BrokenOffError, Line, Log, RefusedError, Tool
from tests.survival.lives import Lives
from tests.wire.processes import ERAS, Era

KINDS: dict[str, Kind] = {"draft": "draft", "critique": "critique", "revise": "revision"}
COMPANIONS = "generic", "strategy"
"""Those of each session: one client thinks in each, at the same time."""
ROUNDS = 3
"""Critiques, each with its revision, before a caller goes on to its next query."""
PAUSE_SECONDS = 0.05
"""Between two calls that the server had to turn down because its store is away."""
FINISH_SECONDS = 30.0
FILLER = " ".join(f"Sentence {number} of {{braces}} and 漢字 🧠, \\n and all." for number in range(25))


@dataclass(slots=True, kw_only=True)
class Caller:
    """A host's model with one companion: a draft, critiques and revisions in turn, then the next query."""

    name: str
    line: Line
    companion_type: str
    _texts: int = 0

    async def begin(self) -> str:
        """Open a session with a first draft; gives its id."""
        while True:
            # A call that was broken off may have opened a session that nobody knows: it is not asked again as it was.
            query, text = f"Asks {self.name}, {self._texts}?", self._write("draft")
            try:
                return (await self._ask("draft", {"query": query}, text)).session_id
            except BrokenOffError:
                await asyncio.sleep(PAUSE_SECONDS)

    async def think(self, session_id: str, steps: range, goes_on: Callable[[], bool]) -> None:
        """Make steps in a session, by their numbers, each until it is answered."""
        for number in steps:
            if not goes_on():
                return
            tool, arguments = _planned(number), {"session_id": session_id}
            if tool == "draft":
                arguments["query"] = f"Asks {self.name} in {session_id}, {number}?"
            await self._until_answered(tool, arguments, self._write(tool))

    async def _until_answered(self, tool: Tool, arguments: JSON, text: str) -> None:
        while True:
            try:
                await self._ask(tool, arguments, text)
            except BrokenOffError:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return

    async def _ask(self, tool: Tool, arguments: JSON, text: str) -> Step:
        body = await self.line.ask(tool, {**arguments, "companion_type": self.companion_type, "text": text})
        if body["status"] != "done" or body.get("text", text) != text:
            raise self.line.fault(tool, body)
        step = Step(
            session_id=body["session_id"],
            companion_type=body["companion_type"],
            kind=KINDS[tool],
            slot=body["slot"],
            index=max(body["iteration"] - 1, 0),
            seq=body["seq"],
            text=text,
        )
        self.line.log.keep(step)
        return step

    def _write(self, tool: Tool) -> str:
        self._texts += 1
        text = f"Text {self._texts} of {self.name}, a {tool}. {FILLER}"
        self.line.log.sent.add(text)
        return text


def _planned(number: int) -> Tool:
    place = number % (1 + 2 * ROUNDS)
    return "draft" if place == 0 else "critique" if place % 2 else "revise"


@dataclass(slots=True, kw_only=True)
class Load:
    """Crews of callers, each on one session at a time; they think until the block ends.

    Attributes:
        crews: How many sessions are thought in at once.
        steps: How many steps each caller makes in a session before its crew opens the next one.
    """

    lives: Lives
    log: Log
    crews: int
    steps: int
    may_be_away: Callable[[], bool] = lambda: False
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])

    @property
    def callers(self) -> int:
        return self.crews * len(COMPANIONS)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._crew(number)) for number in range(self.crews)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let every caller finish the step that it is at."""
        self._stopping.set()
        done, late = await asyncio.wait(self._tasks, timeout=FINISH_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.wait(self._tasks)
        assert not late, f"{len(late)} crews did not finish; faults so far: {self.log.faults[:3]}"
        for task in done:
            task.result()

    async def newcomer(self, name: str) -> None:
        """Open a session of its own, however often the call is turned down because the store is away."""
        line = Line(lives=self.lives, era="auto", log=self.log, may_be_away=lambda: True)
        try:
            await Caller(name=name, line=line, companion_type=COMPANIONS[0]).begin()
        finally:
            await line.close()

    async def _crew(self, number: int) -> None:
        callers = [
            Caller(
                name=f"caller {number}.{place}",
                line=self._line(ERAS[(number + place) % len(ERAS)]),
                companion_type=named,
            )
            for place, named in enumerate(COMPANIONS)
        ]
        try:
            while not self._stopping.is_set() and len(self.log.faults) <= MOST_FAULTS:
                with suppress(RefusedError):
                    await self._session(callers)
        finally:
            for caller in callers:
                await caller.line.close()

    async def _session(self, callers: Sequence[Caller]) -> None:
        """Think in one session, until one caller is refused or all have made their steps."""
        session_id = await callers[0].begin()
        refused: list[RefusedError] = []

        def goes_on() -> bool:
            return not self._stopping.is_set() and not refused

        async def think(caller: Caller, steps: range) -> None:
            try:
                await caller.think(session_id, steps, goes_on)
            except RefusedError as error:
                refused.append(error)

        first, *others = callers
        await asyncio.gather(think(first, range(1, self.steps)), *(think(other, range(self.steps)) for other in others))

    def _line(self, era: Era) -> Line:
        return Line(lives=self.lives, era=era, log=self.log, may_be_away=self.may_be_away)
