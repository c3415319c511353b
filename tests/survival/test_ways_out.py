"""Every way out while the store stands still: the process ends in time, and the next one has all that it answered."""

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.survival.backends import Place
from tests.survival.checker import Step
from tests.survival.lives import Lives
from tests.survival.looking import checked
from tests.wire.raw_stdio import RawHost, raw_host

END_SECONDS = 2.0
"""After which a host kills."""
SESSIONS = 6
pytestmark = pytest.mark.timeout(300)  # several real processes start in each test, on whatever machine there is
WAYS = {
    "closed stdin": None,
    "SIGTERM": signal.SIGTERM,
}
MOMENTS = [("postgres", "closed stdin", "once it knows"), ("redis", "SIGTERM", "at once")]
"""Whether the process ends while its first calls still wait for the store, or after it has given up waiting."""


class Thinking:
    """Sessions thought in at the same time over one pipe, and what was answered."""

    def __init__(self, host: RawHost) -> None:
        self.host = host
        self.answered: list[Step] = []
        self.sent: set[str] = set()
        self.calls: list[asyncio.Future[Any]] = []

    async def draft(self) -> list[str]:
        """Open the sessions; gives their ids."""
        for number in range(SESSIONS):
            self._call("draft", query=f"Question {number}?", text=self._text(f"draft of {number}"))
        await asyncio.gather(*self.calls)
        return [step.session_id for step in self.answered]

    def all(self, tool: str, session_ids: Sequence[str]) -> None:
        """Ask for a step in every session, without waiting for the answers."""
        for session_id in session_ids:
            self._call(tool, session_id=session_id, text=self._text(f"{tool} in {session_id}"))

    def _text(self, text: str) -> str:
        self.sent.add(text)
        return text

    def _call(self, tool: str, **arguments: str) -> None:
        def hear(answer: "asyncio.Future[Any]") -> None:
            if not answer.cancelled():
                self._keep(answer.result()["result"].get("structuredContent", {}), arguments["text"])

        call = self.host.call(tool, **arguments)
        call.add_done_callback(hear)
        self.calls.append(call)

    def _keep(self, body: dict[str, Any], text: str) -> None:
        if body.get("status") == "done":
            self.answered.append(
                Step(
                    session_id=body["session_id"],
                    companion_type=body["companion_type"],
                    kind="revision" if body["step"] == "revise" else body["step"],
                    slot=body["slot"],
                    index=max(body["iteration"] - 1, 0),
                    seq=body["seq"],
                    text=text,
                )
            )


async def ends(host: RawHost, number: signal.Signals | None) -> None:
    """Leave by one way and see the end come in time."""
    began = time.monotonic()
    if number is None:
        host.close_stdin()
    else:
        host.process.send_signal(number)
    async with asyncio.timeout(END_SECONDS + 5):
        await host.process.wait()
    assert time.monotonic() - began < END_SECONDS


@pytest.mark.parametrize(("place", "way", "moment"), MOMENTS, indirect=["place"])
async def test_a_process_that_ends_while_its_store_stands_still_loses_nothing(
    place: Place, way: str, moment: str, tmp_path: Path
) -> None:
    settings = {"COMPANIONS_STORE": place.url, "COMPANIONS_SPOOL": str(tmp_path / "spool")}
    async with raw_host(tmp_path, "auto", settings) as host:
        await host.begin()
        thinking = Thinking(host)
        session_ids = await thinking.draft()
        await asyncio.to_thread(place.take_away, "freeze")
        try:
            thinking.all("critique", session_ids)
            if moment == "once it knows":
                await asyncio.gather(*thinking.calls)
                assert len(thinking.answered) == 2 * SESSIONS
                thinking.all("revise", session_ids)
            await host.ask("tools/list")  # the calls before it are under way by then
            await ends(host, WAYS[way])
        finally:
            await asyncio.to_thread(place.bring_back, "freeze")
    async with Lives(folder=tmp_path, settings=settings) as lives:
        await lives.begin()
        found, _ = await checked(place.url, thinking.answered, thinking.sent, session_ids=session_ids)
        assert found.lines() == []
