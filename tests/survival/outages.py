"""Takes a store away under load and brings it back: no call fails or waits long, and nothing of it is visible after.

How the store goes away, and for how long, is the caller's choice; the server may be killed in the middle of it too.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.survival.backends import How, Place
from tests.survival.checker import check_shown
from tests.survival.lines import UNREACHED, Log
from tests.survival.lives import Lives
from tests.survival.load import COMPANIONS, Load
from tests.survival.looking import checked, shown
from tests.survival.outage_report import Report

CLIENTS = 16
STEPS = 100_000
"""More than any run makes: every session is opened before the outage, and is thought in until the end."""
TOLD = 8
"""Most answers of each client, about, that only this machine holds when its server is killed."""
BACK_SECONDS = 30.0
"""Within which, once the store is back, every session must be as if nothing had happened."""
COLD = "A draft of a session that the next process does not hold in memory."


@dataclass(slots=True, kw_only=True)
class Outage:
    """One run on one store.

    Attributes:
        folder: Of the server's home, and of what it keeps while its store is away.
        seconds: How long the store is away.
        kill_server: Whether the server is killed and started again meanwhile.
    """

    place: Place
    folder: Path
    how: How
    seconds: float
    kill_server: bool = False
    clients: int = CLIENTS
    seed: int = 0
    log: Log = field(default_factory=Log)
    report: Report = field(default_factory=Report)
    _gone: float = 0.0
    _back: float = float("inf")
    _restarted: bool = False

    async def run(self) -> Report:
        """Load, take away, bring back, wait until the store has everything, look."""
        settings = {
            "COMPANIONS_STORE": self.place.url,
            "COMPANIONS_SPOOL": str(self.folder / "spool"),
            "COMPANIONS_LOG_LEVEL": "WARNING",
        }
        async with Lives(folder=self.folder, settings=settings) as lives:
            cold = await self._leave_a_session(lives)
            await lives.begin()
            await self._under_load(lives, cold)
            await self._on_a_cold_session(lives, cold, away=False)
            await self._look(lives)
            self.report.faults += lives.complaints()
        self.report.count(self.log, gone=self._gone, back=self._back, away=self.how != "none")
        return self.report

    async def _leave_a_session(self, lives: Lives) -> str:
        """Have a session made by a process that ends: the next one does not hold it in memory."""
        await lives.begin()
        life = await lives.present()
        async with life.client() as client:
            body = (await client.call_tool("draft", {"query": "Cold?", "text": COLD})).structured_content
        await lives.end()
        self.log.sent.add(COLD)
        return body["session_id"]

    async def _under_load(self, lives: Lives, cold: str) -> None:
        crews = self.clients // len(COMPANIONS)
        load = Load(lives=lives, log=self.log, crews=crews, steps=STEPS, may_be_away=self._may_be_away)
        async with load:
            await self._until_everyone_answered(3)
            try:
                await asyncio.to_thread(self.place.take_away, self.how)
                self._gone = time.monotonic()
                newcomer = asyncio.create_task(load.newcomer("a newcomer"))
                await self._while_away(lives, cold)
            finally:
                self._back = time.monotonic()
                await asyncio.to_thread(self.place.bring_back, self.how)
            await self._until_nobody_is_told()
            await self._until_everyone_answered(2)
            await asyncio.wait_for(newcomer, BACK_SECONDS)

    async def _while_away(self, lives: Lives, cold: str) -> None:
        """Spend the outage; what is asked on a cold session is asked apart from the load."""
        if self.how != "none":
            await self._on_a_cold_session(lives, cold, away=True)
        if self.kill_server:
            await self._until_told(random.Random(self.seed).randrange(1, TOLD))  # noqa: S311 (no secret)
            self._restarted = True
            await lives.kill()
            await lives.begin()
        await self._until_seconds(self.seconds)

    async def _until_seconds(self, seconds: float) -> None:
        """Let the store be away for so long."""
        await asyncio.sleep(max(0.0, self._gone + seconds - time.monotonic()))

    async def _until_told(self, times: int) -> None:
        """Wait until each client, on average, has had so many answers that are kept on this machine alone."""
        wanted = self.clients * times if self.how != "none" else 0
        await self.log.until(
            lambda: sum(call.away and not call.error for call in self.log.calls) >= wanted, self.seconds
        )

    def _may_be_away(self) -> bool:
        """Whether sessions may be in no memory while the store cannot be asked: after a restart of the server."""
        return self._restarted and time.monotonic() < self._back + BACK_SECONDS

    async def _on_a_cold_session(self, lives: Lives, session_id: str, *, away: bool) -> None:
        """Ask for a step of a session that is in no memory: turned down in time while the store is away."""
        life = await lives.present()
        async with life.client() as client:
            began = time.monotonic()
            result = await client.call_tool("critique", {"session_id": session_id}, raise_on_error=False)
            self.report.time("a step of a cold session", time.monotonic() - began)
        text = result.content[0].text
        if result.is_error is not away or (away and not UNREACHED.search(text)):
            self.report.faults.append(f"on a cold session: {text[:300]}")

    async def _until_everyone_answered(self, times: int) -> None:
        """Wait until each companion of each session has had answers, and all so many on average, from now on."""
        begun, wanted = len(self.log.answered), self.clients * times

        def everyone() -> bool:
            new = [(step.session_id, step.companion_type) for step in self.log.answered[begun:]]
            return len(new) >= wanted and len(set(new)) >= self.clients

        await self.log.until(everyone, BACK_SECONDS)

    async def _until_nobody_is_told(self) -> None:
        """Wait until no answer says any longer that the store is away."""
        if self.how == "none":
            return

        def nobody() -> bool:
            newest = self.log.calls[-2 * self.clients :]
            return len(newest) == 2 * self.clients and not any(call.away or call.began < self._back for call in newest)

        await self.log.until(nobody, BACK_SECONDS)
        self.report.drained = time.monotonic() - self._back

    async def _look(self, lives: Lives) -> None:
        found, stored = await checked(self.place.url, self.log.answered, self.log.sent)
        life = await lives.present()
        async with life.client() as client:
            companions = sorted({(step.session_id, step.companion_type) for step in stored})
            self.report.findings = found | check_shown(await shown(client, companions), stored)
