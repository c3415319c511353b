"""A session under everything that can happen to it, compared after every step with what the contract says of it."""

import asyncio
from copy import deepcopy
from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from companions.errors import ConflictError, StoreError
from sessions.calls import Pending
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.asking import ASKS, FAULTS, TEXTS, TYPES, Ask
from tests.sessions.checks import check
from tests.sessions.faults import Fault, Process
from tests.sessions.machine import Played, Result

NUMBERS = st.integers(0, 1)


class Machine(Played):
    """The rules."""

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

    @rule(number=NUMBERS, ask=ASKS, cancels=st.booleans())
    def leave(self, number: int, ask: Ask, cancels: bool) -> None:
        """Go away in mid-step, or be told that it runs; the step is finished all the same."""
        process, turn = self.process(number), self.prepare(replace(ask, writer="server", failure=None))

        async def leave() -> Result | None:
            call = await self.thinking(process, turn)
            if cancels and not call.done():
                call.cancel()
                await asyncio.wait({call})
            elif not call.done():
                assert isinstance(await self.outcome(process, turn, seconds=0), Pending)
            process.model.gate.open()
            await process.calls.runs.finish()
            return None if call.cancelled() else await call

        result = self.run(leave())
        if result is None:
            turn.expected.write(ask.text)
        else:
            self.settle(turn, result)

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

    @rule(number=NUMBERS, ask=ASKS, turns=st.integers(0, 12), held=st.integers(0, 2))
    def cancel(self, number: int, ask: Ask, turns: int, held: int) -> None:
        """Cancel the step itself at any point, as a program that embeds it can."""
        before = deepcopy(self.oracle[ask.name].slots), dict(self.modes)
        process, turn = self.process(number), self.prepare(replace(ask, given=True))
        result, kinds = self.run(self.cancelled(process, turn, turns=turns, held=held))
        if not isinstance(result, asyncio.CancelledError):
            self.settle(turn, result)
        elif {"draft", "critique", "revision"} & kinds:
            turn.expected.write(ask.text)
        elif "query" not in kinds:
            self.oracle[ask.name].slots, self.modes = before

    @rule(number=NUMBERS, ask=ASKS, other=ASKS, same=st.booleans())
    def race(self, number: int, ask: Ask, other: Ask, same: bool) -> None:
        """Let a model think while another call goes through; whoever finds its companion changed has lost."""
        if same:
            other = replace(other, name=ask.name)
        if self.count == 1 and ask.name == other.name:
            return  # In one process the other waits for its turn.
        turn = self.prepare(replace(ask, writer="server", given=False, satisfied=False, failure=None))
        processes = self.process(number), self.process(number + 1)
        result, touched = self.run(self.raced(processes[0], turn, processes[1], replace(other, given=True)))
        if touched:
            assert isinstance(result, ConflictError)
            self.lost.append(ask.text)
        else:
            self.settle(turn, result)

    @rule(asks=st.tuples(*[ASKS] * len(TYPES)))
    def step_together(self, asks: tuple[Ask, ...]) -> None:
        """Let all companions of the session be written to at once, by any process."""
        turns = [self.prepare(replace(ask, name=name, given=True)) for ask, name in zip(asks, TYPES, strict=True)]

        async def together() -> list[Result]:
            return await asyncio.gather(*(self.outcome(self.process(n), turn) for n, turn in enumerate(turns)))

        for turn, result in zip(turns, self.run(together()), strict=True):
            self.settle(turn, result)

    @rule(number=NUMBERS, ask=ASKS, gently=st.booleans())
    def restart(self, number: int, ask: Ask, gently: bool) -> None:
        """End a process while its model thinks, and begin again with what is stored."""
        process, turn = self.process(number), self.prepare(replace(ask, writer="server", failure=None))

        async def restart() -> Result:
            call = await self.thinking(process, turn)
            await (process.calls.rest() if gently else self.killed(process))
            self.processes[number % self.count] = Process.on(await self.reopened(process), keeps=True)
            return await call

        result = self.run(restart())
        if turn.asks_model:
            assert isinstance(result, Pending)
        else:
            self.settle(turn, result)

    @invariant()
    def everything_holds(self) -> None:
        if self.session_id:
            self.run(check(self.session_id, self.processes, self.oracle, self.answered, self.lost))


class InMemory(Machine):
    """One process: what is in memory is no other's."""

    def opened(self) -> Store:
        return MemoryStore()

    async def reopened(self, process: Process) -> Store:
        return process.store.store


class InSQLite(Machine):
    """Two processes on one file, each of which may end and open it anew."""

    count = 2

    def opened(self) -> Store:
        return SQLiteStore(self.path, deadline=60.0)  # machines of tests stand still at times

    async def reopened(self, process: Process) -> Store:
        await process.store.store.close()
        return self.opened()


# Explaining a failure traces every line, which reads files in the event loop; the guard against that would complain.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
LONG = settings(deadline=None, stateful_step_count=30, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
InMemory.TestCase.settings = settings(LONG, max_examples=20)
InSQLite.TestCase.settings = settings(LONG, max_examples=8)
TestAProcessWithItsMemory = InMemory.TestCase
TestTwoProcessesOnAFile = InSQLite.TestCase
