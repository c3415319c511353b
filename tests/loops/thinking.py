"""A question thought through, however often its program is killed: life after life, then a look at what came of it.

It knows moments to kill at and no tool: what is asked, and what must come of that, is its callers' to say.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sessions.opening import open_store
from tests.loops.hosts import ALLOWANCE_SECONDS, JSON, Host
from tests.loops.ledger import Ledger
from tests.loops.lives import Lives
from tests.loops.pace import Pace, comparing
from tests.provider.server import Exchange, Provider, serving
from tests.survival.checker import SHOWN, check_shown
from tests.survival.looking import shown
from tests.wire.processes import Connection, Era, Kind, with_model

LOOK_SECONDS = 0.02
MOMENT_SECONDS = 240.0
"""Within which a moment must come: the wait for a dead process's lease and several answers."""
REPLY_SECONDS = 45.0
"""The program's own reply budget."""

Moment = Callable[[Ledger], Awaitable[bool]]
"""Tells whether it has come, in the present life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Where and how fast something is tried.

    Attributes:
        store: The URL of a database that nobody else uses.
        eras: What the clients of its lives speak, in turn.
        seconds: How long a model call takes.
        reply_seconds: The reply budget; ``None`` leaves the program its own.
        allowance: Seconds that a call may take beyond it.
    """

    name: str
    store: str
    folder: Path
    kind: Kind
    eras: Sequence[Era]
    seconds: float
    reply_seconds: float | None = None
    allowance: float = ALLOWANCE_SECONDS

    def host(self, tool: str, asks: Mapping[str, Any]) -> Host:
        """Give a host with one question, put with one tool."""
        budget = self.reply_seconds or REPLY_SECONDS
        return Host(tool=tool, asks=asks, reply_seconds=budget, allowance=self.allowance)

    def lives(self, provider: Provider | None) -> Lives:
        """Give the program's lives; without a provider the caller writes."""
        settings = {"COMPANIONS_STORE": self.store, "COMPANIONS_LOG_LEVEL": "WARNING"}
        if self.reply_seconds is not None:
            settings["COMPANIONS_REPLY_SECONDS"] = f"{self.reply_seconds:g}"
        if provider is not None:
            settings |= with_model(provider)
        return Lives(folder=self.folder, kind=self.kind, eras=self.eras, settings=settings)

    @asynccontextmanager
    async def asking(self, query: str, answers: Pace) -> AsyncGenerator[tuple[Lives, Ledger]]:
        """Give a program whose model answers at a pace, and the accounts of one query."""
        store = open_store(self.store)
        try:
            with serving() as provider:
                provider.author = answers
                yield self.lives(provider), Ledger(provider=provider, store=store, query=query)
        finally:
            await store.close()


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of a trial: figures to be told, and all that must not be, in lines."""

    name: str
    figures: dict[str, float] = field(default_factory=dict[str, float])
    wrong: list[str] = field(default_factory=list[str])


async def think(lives: Lives, host: Host, ledger: Ledger, moments: Sequence[Moment] = ()) -> JSON:
    """Have a question thought through by one life after another, each but the last killed at its moment."""
    for moment in moments:
        async with lives.next() as (program, client):
            await ledger.begins()
            calling = asyncio.create_task(host.think(client))
            if not await _came(moment, ledger, calling):
                host.wrong.append(f"{moment.__name__} never came: {await ledger.counts()}")
            await asyncio.to_thread(program.kill)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
    async with lives.next() as (_, client):
        await ledger.begins()
        body = await host.think(client)
        host.wrong += await _differing(client, ledger)
    return body


async def _came(moment: Moment, ledger: Ledger, calling: "asyncio.Task[JSON]") -> bool:
    until = time.monotonic() + MOMENT_SECONDS
    while not calling.done() and time.monotonic() < until:
        if await moment(ledger):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


async def _differing(client: Connection, ledger: Ledger) -> list[str]:
    """Compare every stored step with the run_log and the timeline that the program shows."""
    stored = await ledger.steps()
    companions = sorted({(step.session_id, step.companion_type) for step in stored if step.kind in SHOWN})
    seen = [step for step in await shown(client, companions) if step.kind in SHOWN]
    return check_shown(seen, stored).lines()


async def a_call_waits(ledger: Ledger) -> bool:
    """Half of an answer is written."""
    return any(map(half_written, ledger.present))


async def an_answer_came(ledger: Ledger) -> bool:
    """A model has just given its whole answer, which may be stored or not."""
    return any(each.answered.is_set for each in ledger.present)


async def an_entry_was_stored(ledger: Ledger) -> bool:
    """An answer was just stored."""
    return await ledger.grown()


async def versions_are_compared(ledger: Ledger) -> bool:
    """Half of the pick's comparison is made."""
    return any(comparing(each.prompt) and half_written(each) for each in ledger.present)


def half_written(exchange: Exchange) -> bool:
    """Tell whether half of an answer's time is over, and not all of it."""
    return not exchange.answered.is_set and time.monotonic() - exchange.began > exchange.reply.seconds / 2
