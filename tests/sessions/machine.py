"""A session and everything that can happen to it, as a hypothesis machine; what must hold stands in ``checks``.

Each machine has an event loop of its own, and runs it only while a rule is at work.
"""

import asyncio
from collections.abc import Coroutine
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from companions.errors import ConflictError, InputError, StoreError
from companions.requests import Request
from sessions.answers import Answer
from sessions.calls import Pending
from sessions.steps import Caller
from sessions.store import Store
from tests.sessions.asking import ASKS, FAULTS, TEXTS, TYPES, Ask
from tests.sessions.checks import check
from tests.sessions.faults import OWNER, Fault, Gate, Process, until
from tests.sessions.oracle import Expected, OracleCompanion

T = TypeVar("T")
Result = Answer | Pending | BaseException
NUMBERS = st.integers(0, 1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A call, what it must come to, and who writes it."""

    ask: Ask
    request: Request
    expected: Expected
    writer: str

    @property
    def asks_model(self) -> bool:
        return self.expected.kind == "write" and self.writer == "server"


class Machine(RuleBasedStateMachine):
    """One session, the processes that work on it, and what its companions must be.

    Attributes:
        oracle: By companion type.
        modes: Who writes for a companion unless a call says otherwise: whoever its first call named.
        answered: The texts of all entries that were answered, by id.
        lost: Texts that came second, in order.
    """

    count = 1

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "sessions.db"
        self.processes = [Process.on(self.opened(), keeps=True) for _ in range(self.count)]
        self.session_id = ""
        self.oracle: dict[str, OracleCompanion] = {name: OracleCompanion() for name in TYPES}
        self.modes: dict[str, str] = {}
        self.answered: dict[str, str] = {}
        self.lost: list[str] = []

    def opened(self) -> Store:
        """Open the store for a process that starts."""
        raise NotImplementedError

    async def reopened(self, process: Process) -> Store:
        """Give the store of a process that has ended to the one that follows it."""
        raise NotImplementedError

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 20))

    def teardown(self) -> None:
        async def end() -> None:
            for process in self.processes:
                process.model.gate.open()
                await process.calls.rest()
                await process.store.store.close()
            assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is left running"

        # The task of ``wait_for`` is the one around it.
        self.loop.run_until_complete(end())
        self.loop.close()
        self.folder.cleanup()

    @initialize(text=st.sampled_from(TEXTS))
    def open(self, text: str) -> None:
        turn = self.prepare(Ask(name="generic", step="draft", query="First?", text=text, given=True))
        answer = self.run(self.processes[0].step("draft", query="First?", text=text))
        self.session_id = answer.session_id
        self.settle(turn, answer)

    @rule(number=NUMBERS, ask=ASKS)
    def step(self, number: int, ask: Ask) -> None:
        """Make a call and wait for its answer."""
        turn = self.prepare(ask)
        self.settle(turn, self.run(self.outcome(self.process(number), turn)))

    @rule(number=NUMBERS, ask=ASKS, waits=st.booleans())
    def leave(self, number: int, ask: Ask, waits: bool) -> None:
        """Ask a model and go away, or be told that it runs; the step is finished all the same."""
        process, turn = self.process(number), self.prepare(replace(ask, writer="server", failure=None))

        async def leave() -> Result | None:
            call = await self.begun(process, turn, seconds=30.0 if waits else 0.0)
            if not turn.asks_model:
                return await outcome_of(call)
            call.cancel()
            await asyncio.wait({call})
            process.model.gate.open()
            await process.calls.runs.finish()
            return None

        result = self.run(leave())
        if result is None:
            turn.expected.write(ask.text)
        elif not isinstance(result, Pending):
            self.settle(turn, result)
        else:
            self.run(process.calls.runs.finish())
            self.found(turn)

    @rule(number=NUMBERS, ask=ASKS, fault=FAULTS, after=NUMBERS)
    def break_the_store(self, number: int, ask: Ask, fault: Fault, after: int) -> None:
        """Let an append fail, before or after it was committed, and call until there is an answer."""
        process, turn = self.process(number), self.prepare(replace(ask, given=True))
        process.store.breaks("append", *[None] * after, fault)
        result = self.run(self.outcome(process, turn))
        while isinstance(result, StoreError):
            result = self.run(self.outcome(process, turn))
        process.store.faults.clear()
        self.settle(turn, result)

    async def outcome(self, process: Process, turn: Turn, *, seconds: float = 30.0) -> Result:
        """Make a call as a surface would."""
        process.model.script.clear()
        process.model.script.append(turn.ask.failure or turn.ask.text)
        try:
            return await process.ask(turn.request, self.session_id, turn.ask.name, seconds=seconds)
        except CompanionsError as error:
            return error

    async def cancelled(self, process: Process, turn: Turn, *, turns: int, held: int) -> tuple[Result, set[str]]:
        """Cancel a step after some turns of the loop, or while one of its appends is held; tell what was stored."""
        before = len(await process.entries(self.session_id))
        session = await process.calls.desk.sessions.find(OWNER, self.session_id)
        gate = process.store.holds("append") if held >= 0 else Gate()
        step = asyncio.create_task(process.calls.desk.step(session, turn.ask.name, turn.request, Caller()))
        for number in range(turns if held < 0 else held + 1):
            ...
        step.cancel()
        await asyncio.wait({step})
        gate.open()
        await until(lambda: session.place.flying == 0)
