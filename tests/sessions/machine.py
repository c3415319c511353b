"""A session, the processes that work on it, and what its companions must be: what the state machines play with.

It makes calls and compares what came of them; which calls are made, and when, is the machines' business.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from companions.errors import CompanionsError, InputError
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller
from sessions.calls import Pending
from sessions.store import Store
from tests.sessions.asking import TYPES, Ask
from tests.sessions.faults import OWNER, Process, until
from tests.sessions.gate import Gate
from tests.sessions.oracle import Expected, OracleCompanion
from tests.sessions.writing import log_of

T = TypeVar("T")
Result = Answer | Pending | BaseException


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


class Played(RuleBasedStateMachine):
    """A session under test; each has an event loop of its own, which runs only while a rule is at work.

    Attributes:
        count: How many processes work on it.
        oracle: By companion type.
        modes: Who writes for a companion unless a call says otherwise: whoever its first call named.
        answered: The texts of all entries that were answered, by id.
        lost: Texts that came second, in order.
    """

    count = 1

    def __init__(self) -> None:
        super().__init__()
        # The writer's log tells of every bug that a rule puts into the store.
        self.log = ExitStack()
        self.log.enter_context(log_of("companions.keeping"))
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
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.end())
        self.loop.close()
        self.log.close()
        self.folder.cleanup()

    async def end(self) -> None:
        for process in self.processes:
            await process.calls.rest()
            await process.store.store.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is left running"

    def process(self, number: int) -> Process:
        return self.processes[number % self.count]

    def prepare(self, ask: Ask) -> Turn:
        """Say what a call comes to; a query that it records first is in the oracle from here on."""
        companion = self.oracle[ask.name]
        if ask.step == "next":
            ask = replace(ask, step=companion.next_step, query="same", redo=False)
        known = companion.newest.query if companion.newest is not None else "First?"
        query, begun = known if ask.query == "same" else ask.query, bool(companion.slots)
        request = ask.request(query)
        expected = companion.expect(request.step, query, redo=ask.redo, text=request.text)
        if companion.slots and not begun:
            self.modes[ask.name] = ask.writer or "client"
        writer = "caller" if ask.by_caller else ask.writer or self.modes.get(ask.name, "client")
        return Turn(ask, request, expected, writer)

    def settle(self, turn: Turn, result: Result) -> None:
        """Compare what came of a call with what had to, and take in what was written."""
        if turn.expected.kind == "error":
            assert isinstance(result, InputError)
        elif turn.asks_model and isinstance(turn.ask.failure, asyncio.CancelledError):
            assert isinstance(result, Pending)
        elif turn.asks_model and turn.ask.failure is not None:
            assert result is turn.ask.failure
        else:
            assert isinstance(result, Answer), result
            assert turn.expected.kind == "insist" or result.already_done is (turn.expected.kind == "repeat")
            self.take(turn, result)

    def take(self, turn: Turn, answer: Answer) -> None:
        entry = answer.entry
        if turn.expected.kind == "write" and turn.writer == "client":
            assert (answer.status, entry) == ("write", None)
            return
        assert entry is not None
        written = {"caller": turn.ask.caller_text, "server": turn.ask.text}.get(turn.writer, entry.text)
        assert entry.text == (turn.expected.text if turn.expected.kind == "repeat" else written)
        turn.expected.write(entry.text)
        self.answered[entry.id] = entry.text

    async def outcome(self, process: Process, turn: Turn, *, seconds: float = 30.0) -> Result:
        """Make a call as a surface does."""
        process.model.script.clear()
        process.model.script.append(turn.ask.failure or turn.ask.text)
        try:
            return await process.ask(turn.request, self.session_id, turn.ask.name, seconds=seconds)
        except CompanionsError as error:
            return error

    async def thinking(self, process: Process, turn: Turn, *, seconds: float = 30.0) -> "asyncio.Task[Result]":
        """Begin a call, and come back when its model thinks, or when it was answered without one."""
        process.model.gate.close()
        call = asyncio.create_task(self.outcome(process, turn, seconds=seconds))
        await first_of(call, process.model.gate.reached)
        return call

    async def cancelled(self, process: Process, turn: Turn, *, turns: int, held: int) -> tuple[Result, set[str]]:
        """Cancel a step after some turns of the loop, or at one of its appends; tell which kinds it stored."""
        before = len(await process.entries(self.session_id))
        session = await process.calls.desk.sessions.find(OWNER, self.session_id)
        gate = process.store.holds("append") if held else Gate()
        step = asyncio.create_task(process.calls.desk.step(session, turn.ask.name, turn.request, Caller()))
        for append in range(held):
            if append:
                gate.open()
                gate.close()
            await first_of(step, gate.reached)
        for _ in range(0 if held else turns):
            await asyncio.sleep(0)
        step.cancel()
        (result,) = await asyncio.gather(step, return_exceptions=True)
        gate.open()
        await until(lambda: session.place.flying == 0)
        return result, {entry.kind for entry in (await process.entries(self.session_id))[before:]}

    async def raced(self, process: Process, turn: Turn, second: Process, other: Ask) -> tuple[Result, bool]:
        """Let another call go through while a model thinks; tell whether that changed the same companion."""

        async def mine() -> int:
            return sum(entry.companion_type == turn.ask.name for entry in await process.entries(self.session_id))

        call = await self.thinking(process, turn)
        before = await mine()
        if not call.done():
            then = self.prepare(other)
            self.settle(then, await self.outcome(second, then))
        touched = await mine() != before
        process.model.gate.open()
        return await call, touched

    async def killed(self, process: Process) -> None:
        """End a process as a signal does: what it had in memory and under way is gone."""
        runs = [task for task in asyncio.all_tasks() if task.get_name() in ("companions-step", "companions-learning")]
        for task in runs:
            task.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        await process.calls.desk.sessions.writer.stop()


async def first_of(task: "asyncio.Task[Any]", event: asyncio.Event) -> None:
    """Wait until a task is done or an event is set."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await asyncio.wait({waiting})
