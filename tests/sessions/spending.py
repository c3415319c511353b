"""Processes whose models may spend only so much, and loops in them that are stopped, for tests of what they spend."""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from companions.errors import BudgetError
from companions.models import Model, OnText, Sampling, Step, Task, Written
from companions.prices import Price, Prices
from companions.requests import Request
from sessions.allowance import Allowance
from sessions.asked import Caller
from sessions.budgets import Budget, Budgets, Loop
from sessions.estimates import FIRST
from sessions.store import Store
from tests.sessions.faults import OWNER, Process, ScriptedModel

PLENTY = Budget(tokens=1_000_000)
SERVER = Sampling(execution_mode="server")
PRICES = Prices(table={"scripted": Price(input=1_000_000, output=0)})
"""One of the currency for each token read."""


def spending(store: Store, *, prices: Prices | None = None, keeps: bool = False, **limits: Budget) -> Process:
    """Start a process with budgets."""
    process = Process.on(store, keeps=keeps)
    allowance = Allowance(limits=Budgets(**limits), prices=prices or Prices())
    process.calls = replace(process.calls, desk=replace(process.calls.desk, allowance=allowance))
    return process


def asked_bytes(task: Task) -> int:
    return sum(len(message.text.encode()) for message in task.messages)


def guessed(task: Task, most: int = FIRST) -> int:
    """Estimate a call of which nothing is known yet."""
    return math.ceil(asked_bytes(task) / 4) + most


@dataclass(frozen=True, slots=True)
class Silent:
    """The scripted model of a provider that reports no usage."""

    model: ScriptedModel

    @property
    def name(self) -> str:
        return self.model.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        return replace(await self.model.write(task, on_text), usage={})


@dataclass(frozen=True, slots=True)
class Named:
    """Models by name."""

    models: Mapping[str | None, Model]

    def get(self, name: str | None) -> Model:
        return self.models[name]


def with_models(process: Process, **models: Any) -> Process:
    """Give a process other models; the one named ``default`` is asked by default."""
    named: dict[str | None, Model] = {None if name == "default" else name: model for name, model in models.items()}
    process.calls = replace(process.calls, desk=replace(process.calls.desk, models=Named(named)))
    return process


@asynccontextmanager
async def running(store: Store, **chosen: Any) -> AsyncGenerator[Process]:
    process = spending(store, **chosen)
    yield process
    process.model.gate.open()
    await process.calls.close()


async def drafted(process: Process, companion_type: str = "generic", session_id: str | None = None) -> str:
    answer = await process.step("draft", session_id, companion_type, query="Q?", sampling=SERVER)
    return answer.session_id


async def refused(process: Process, session_id: str, **given: Any) -> BudgetError:
    """Ask for a critique that is not to be made, and see that none was."""
    asked, stored = len(process.model.tasks), len(await process.entries(session_id))
    with pytest.raises(BudgetError) as caught:
        await process.step("critique", session_id, "generic", **{"sampling": SERVER} | given)
    assert len(process.model.tasks) == asked
    assert len(await process.entries(session_id)) == stored
    return caught.value


def reported(process: Process) -> int:
    """Count as the provider does."""
    return sum(7 + len(f"Text {number} of the scripted model.") for number in range(1, len(process.model.tasks) + 1))


async def looped(process: Process, session_id: str, loop: Loop | None = None) -> None:
    """Make steps, as a loop does that never converges."""
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    for _ in range(20):
        step: Step = session.shown["generic"]["phase"]
        await process.calls.desk.step(session, "generic", Request(step=step, sampling=SERVER), Caller(loop=loop))


async def stopped(process: Process, session_id: str) -> BudgetError:
    with pytest.raises(BudgetError) as caught:
        await looped(process, session_id)
    return caught.value
