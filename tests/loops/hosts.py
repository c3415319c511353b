"""A host whose model only waits: it calls again and again as each answer says, and finds its session after a loss.

It times its calls and tells what it was answered wrongly; what is stored is judged elsewhere.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.survival.lines import UNREACHED
from tests.wire.processes import Connection
from tests.wire.scripted_caller import Result, assert_sized, prose_of

JSON = dict[str, Any]
ALLOWANCE_SECONDS = 3.0
"""What a call may take beyond the reply budget: its way there and back, and a program that has just started."""

MOST_TURNED_DOWN = 50
PAUSE_SECONDS = 0.1


@dataclass(slots=True, kw_only=True)
class Host:
    """One question, put with one tool.

    Attributes:
        asks: The arguments of the first call, the query among them.
        reply_seconds: The reply budget that calls are held to.
        allowance: Seconds that a call may take beyond it.
        session_id: Where it is thought through, once an answer or a list has said so.
        running: Calls that were answered as running.
        longest: Seconds of the longest call that was answered.
        turned_down: Calls that a program on a busy machine turned down, taking its store to be away.
        wrong: What must not have been answered.
    """

    tool: str
    asks: Mapping[str, Any]
    reply_seconds: float
    allowance: float = ALLOWANCE_SECONDS
    session_id: str | None = None
    calls: int = 0
    running: int = 0
    longest: float = 0.0
    turned_down: int = 0
    wrong: list[str] = field(default_factory=list[str])

    async def think(self, client: Connection) -> JSON:
        """Call until the answer is no longer ``running``; gives the last one, or nothing after an error."""
        tool, arguments = self.tool, await self._first(client)
        while True:
            body = await self.call(client, tool, arguments)
            self.session_id = body.get("session_id", self.session_id)
            if body.get("status") != "running":
                return body
            tool, arguments = body["next"]["tool"], body["next"]["arguments"]

    async def call(self, client: Connection, tool: str, arguments: Mapping[str, Any]) -> JSON:
        """Call once; gives the structured content, or nothing after an error."""
        result = await self.ask(client, tool, arguments)
        return {} if result is None else result.structured_content

    async def ask(self, client: Connection, tool: str, arguments: Mapping[str, Any]) -> Result | None:
        """Call until the store is there, and hold the answer to its time and size; ``None`` after an error."""
        while True:
            began = time.monotonic()
            result = await client.call_tool(tool, dict(arguments), raise_on_error=False)
            self._timed(tool, time.monotonic() - began)
            if not result.is_error:
                assert_sized(result)
                self.running += result.structured_content.get("status") == "running"
                return result
            said = prose_of(result)
            if UNREACHED.search(said) is None or self.turned_down == MOST_TURNED_DOWN:
                self.wrong.append(f"{tool} failed: {said}")
                return None
            self.turned_down += 1
            await asyncio.sleep(PAUSE_SECONDS)

    def _timed(self, tool: str, taken: float) -> None:
        self.calls, self.longest = self.calls + 1, max(self.longest, taken)
        if taken > self.reply_seconds + self.allowance:
            self.wrong.append(f"{tool} took {taken:.1f} s, with a reply budget of {self.reply_seconds:g} s")

    @property
    def figures(self) -> dict[str, float]:
        """What is told of its calls."""
        told: dict[str, float] = {
            "calls": self.calls,
            "answered running": self.running,
            "longest call, s": self.longest,
        }
        return told | ({"turned down": self.turned_down} if self.turned_down else {})

    async def _first(self, client: Connection) -> Mapping[str, Any]:
        """Give the arguments to begin with, or to go on with: a host that was never answered looks for its session."""
        if self.session_id is None:
            listed = await self.call(client, "list_sessions", {"search": self.asks["query"]})
            self.session_id = next((each["session_id"] for each in listed.get("sessions", [])), None)
        return self.asks if self.session_id is None else {"session_id": self.session_id}
