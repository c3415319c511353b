"""Loops that a caller writes, without a key: led to the end by what it is told, whenever its program is killed.

Each text that was answered for must be stored once. What it writes is ``scripted_caller``'s.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.loops.hosts import Host
from tests.loops.ledger import patiently
from tests.loops.thinking import Report, Trial
from tests.survival.checker import TEXTS, Step
from tests.survival.looking import kept
from tests.wire.processes import Connection
from tests.wire.scripted_caller import Channel, Told, prose, structured, write

MOST_CALLS = 40
Kill = Literal["between", "during"]
KILLS: Sequence[Kill] = ("during", "between", "during")
LATE_SECONDS = 0.03
"""Most time from a call to the kill during it: no moment of a step is spared."""
RESULTS = {"refine": 1 + 2 * 2, "consult": 3 + 1}
"""Texts that each loop comes to; votes are none of them."""
BOUNDS: Mapping[str, Mapping[str, Any]] = {
    "refine": {"max_iterations": 2},
    "consult": {"companion_types": ["generic", "marketing", "bug_triage"]},
}


@dataclass(slots=True, kw_only=True)
class Writer:
    """A host's model that writes one loop.

    Attributes:
        host: Makes its calls.
        channel: The part of a reply that it reads.
        sent: Every text but votes, in order.
        answered: Those whose call was answered.
        broken_off: Calls that were not answered.
        end: What the last answer told.
    """

    host: Host
    channel: Channel
    sent: list[str] = field(default_factory=list[str])
    answered: list[str] = field(default_factory=list[str])
    broken_off: int = 0
    end: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _told: Told | None = None
    _call: Mapping[str, Any] | None = None

    async def go_on(self, client: Connection, calls: int = MOST_CALLS) -> None:
        """Make so many calls, or those to the end; one that was broken off is made again as it was."""
        for _ in range(calls):
            if self.host.wrong or (self._told is not None and self._told.tool is None):
                return
            self.broken_off += self._call is not None
            self._call = self._call or self._next(self._told)
            result = await self.host.ask(client, self.host.tool, self._call)
            if result is None:
                return
            self.answered += [text for text in self.sent[-1:] if self._call.get("text") == text]
            self._told, self._call, self.end = self.channel(result), None, result.structured_content

    def _next(self, told: Told | None) -> Mapping[str, Any]:
        """Do what the last answer says: write, compare, or call again."""
        if told is None:
            return self.host.asks
        if not told.writing:
            return told.arguments
        vote = next((one for one, two in ("AB", "CD") if f"Give {one}, {two}, or" in told.prompt), None)
        if vote is None:
            self.sent.append(f"{write(told.prompt, len(self.sent))} It is for {self.host.tool}.")
        return {**told.arguments, "text": vote or self.sent[-1]}

    def findings(self, stored: list[Step]) -> list[str]:
        """Compare what it wrote, and how it was told of the end, with what is stored of its session."""
        tool, session_id = self.host.tool, self.end.get("session_id")
        texts = Counter(step.text for step in stored if step.kind in TEXTS and step.session_id == session_id)
        ends = self.end.get("status"), self.end.get("picked", True), bool(self.end.get("text"))
        return [
            *self.host.wrong,
            *(f"stored {texts[text]} times: {text!r}" for text in self.sent if texts[text] != 1),
            *(f"stored and never sent: {text!r}" for text in texts if text not in self.sent),
            *(f"sent and never answered: {text!r}" for text in self.sent if text not in self.answered),
            *([] if ends == ("done", True, True) else [f"the end of {tool} is told as {self.end}"]),
            *([] if len(texts) == RESULTS[tool] else [f"{tool} came to {len(texts)} texts"]),
        ]


def _writer(trial: Trial, tool: str, channel: Channel) -> Writer:
    asks = {"query": f"What does {tool} keep? Asked by {trial.name}.", **BOUNDS[tool]}
    return Writer(host=trial.host(tool, asks), channel=channel)


async def written(trial: Trial, seed: int, kills: Sequence[Kill] = KILLS) -> Report:
    """Write both loops to their ends, in lives that are killed behind the first call of each, or during the second."""
    chosen, lives = random.Random(seed), trial.lives(None)  # noqa: S311 (no secret)
    writers = [_writer(trial, tool, channel) for tool, channel in (("refine", prose), ("consult", structured))]
    for kill in kills:
        async with lives.next() as (program, client):
            await asyncio.gather(*(writer.go_on(client, 1) for writer in writers))
            calling = [asyncio.create_task(writer.go_on(client, 1)) for writer in writers if kill == "during"]
            await asyncio.sleep(chosen.uniform(0, LATE_SECONDS))
            await asyncio.to_thread(program.kill)
            for call in calling:
                call.cancel()
            await asyncio.gather(*calling, return_exceptions=True)
    async with lives.next() as (_, client):
        await asyncio.gather(*(writer.go_on(client) for writer in writers))
    stored = await patiently(lambda: kept(trial.store))
    figures: dict[str, float] = {
        "calls": sum(writer.host.calls for writer in writers),
        "longest call, s": max(writer.host.longest for writer in writers),
        "kills": len(kills),
        "broken off": sum(writer.broken_off for writer in writers),
        "texts sent": sum(len(writer.sent) for writer in writers),
        "answered": sum(len(writer.answered) for writer in writers),
        "stored": sum(step.kind in TEXTS for step in stored),
    }
    wrong = [line for writer in writers for line in writer.findings(stored)]
    return Report(name=trial.name, figures=figures, wrong=[*wrong, *lives.complaints()])
