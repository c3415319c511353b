"""Every way out while the store stands still: the process ends in time, and the next one has all that it answered."""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.survival.backends import Place
from tests.survival.checker import Step
from tests.survival.lives import Lives
from tests.survival.looking import checked
from tests.wire.processes import SERVER
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


DEAF = """
import asyncio, contextlib, pathlib

class Deaf:
    async def on_entry(self, session, entry):
        pathlib.Path(__file__).with_suffix(".heard").touch()
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    on_created = on_archived = on_deleted = lambda self, session: self.on_entry(session, None)
"""
"""An observer that hangs at the first word and does not let itself be cancelled."""

STARTED = (sys.executable, "-u", str(SERVER))
"""In full, not forked from a process that knows no such observer."""


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


@pytest.mark.parametrize("place", ["redis"], indirect=True)
async def test_observer_news_and_store_that_all_hang_keep_neither_the_end_nor_what_was_answered(
    place: Place, tmp_path: Path
) -> None:
    settings = {"COMPANIONS_STORE": place.url, "COMPANIONS_SPOOL": str(tmp_path / "spool")}
    about = tmp_path / "deaf-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: deaf\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[persistent_companions.observers]\ndeaf = deaf:Deaf\n")
    (tmp_path / "deaf.py").write_text(DEAF)
    # What is answered is not stored yet: the end has to see to it.
    early = settings | {"COMPANIONS_DURABILITY": "background", "PYTHONPATH": str(tmp_path)}
    async with raw_host(tmp_path, "auto", early, command=STARTED) as host:
        await host.begin()
        thinking = Thinking(host)
        session_ids = await thinking.draft()
        async with asyncio.timeout(60):
            while not (tmp_path / "deaf.heard").exists():  # noqa: ASYNC110 (another process makes it)
                await asyncio.sleep(0.02)
        await asyncio.to_thread(place.take_away, "freeze")
        try:
            thinking.all("critique", session_ids)
            await asyncio.gather(*thinking.calls)
            thinking.all("revise", session_ids)
            await asyncio.gather(*thinking.calls)
            assert len(thinking.answered) == 3 * SESSIONS
            await ends(host, signal.SIGTERM)
        finally:
            await asyncio.to_thread(place.bring_back, "freeze")
    async with Lives(folder=tmp_path, settings=settings) as lives:
        await lives.begin()
        found, _ = await checked(place.url, thinking.answered, thinking.sent, session_ids=session_ids)
        assert found.lines() == []
