"""What a client sends and is answered, written down: connections that are made anew with each life of a server.

Which answers were to be expected is said here; what is asked, and whether what was answered is kept, is not.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.survival.checker import Step
from tests.survival.lives import Life, Lives
from tests.wire.processes import Connection, Era

JSON = dict[str, Any]
Tool = Literal["draft", "critique", "revise"]
DELIVERY_SECONDS = 0.2
"""For answers that a process had given before it was killed: they are on their way, and count."""
CLOSE_SECONDS = 5.0
MOST_FAULTS = 20
"""After which going on would show nothing new."""
AWAY = re.compile(r"\bstore is away\b", re.IGNORECASE)
UNREACHED = re.compile(
    r"cannot be reached|(does|did) not answer|store is away|on its way into the store", re.IGNORECASE
)
"""How an error words that its store is away: it names the store, was perhaps the first to notice, or is catching up."""


class BrokenOffError(Exception):
    """A call had no answer, as was to be expected; the same call may be made again."""


class RefusedError(Exception):
    """A call was answered in a way that ends the thinking in this session; the log has it as a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as its client saw it.

    Attributes:
        began: By the monotonic clock, in seconds.
        away: Whether the reply, or the error, says that the store is away.
        error: What an error said, or what broke the call off.
        expected: Whether the error was to be expected: its server was killed, or had no session in memory.
    """

    tool: str
    began: float
    ended: float
    away: bool = False
    error: str = ""
    expected: bool = False

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(slots=True)
class Log:
    """All that the clients of a load sent and were answered, in order of time.

    Attributes:
        sent: Every text that was sent, answered or not.
        faults: Calls that failed although nothing had been done to make them fail.
    """

    answered: list[Step] = field(default_factory=list[Step])
    sent: set[str] = field(default_factory=set[str])
    calls: list[Call] = field(default_factory=list[Call])
    faults: list[str] = field(default_factory=list[str])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, call: Call) -> None:
        self.calls.append(call)
        if call.error and not call.expected:
            self.faults.append(f"fault: {call.tool} after {call.seconds:.2f} s: {call.error}")
        self._news.set()

    def keep(self, step: Step) -> None:
        self.answered.append(step)
        self._news.set()

    async def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds, looking at every call and answer; too many faults end the run."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds() and len(self.faults) <= MOST_FAULTS:
                    self._news.clear()
                    await self._news.wait()
        told = "\n".join([f"after {len(self.calls)} calls", *self.faults])
        assert len(self.faults) <= MOST_FAULTS, f"too many faults {told}"
        assert holds(), f"not within {seconds:g} s {told}"

    async def more(self, count: int, seconds: float = 30) -> None:
        """Wait for so many answers from now on."""
        wanted = len(self.answered) + count
        await self.until(lambda: len(self.answered) >= wanted, seconds)


@dataclass(slots=True, kw_only=True)
class Line:
    """One client's connection, made anew with each life of the server.

    Attributes:
        may_be_away: Whether an error that says that the store is away is to be expected now.
    """

    lives: Lives
    era: Era
    log: Log
    may_be_away: Callable[[], bool]
    _life: Life | None = None
    _client: Connection = None
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def ask(self, tool: Tool, arguments: JSON) -> JSON:
        """Call a tool once; gives the structured content.

        Raises:
            BrokenOffError: The server was killed, or turned the call down because its store is away.
            RefusedError: Anything else but an answer.
        """
        life = await self.lives.present()
        began = time.monotonic()
        try:
            await _unless_over(life, self._connect(life))
            began = time.monotonic()
            result = await _unless_over(life, self._client.call_tool(tool, arguments, raise_on_error=False))
        except Exception as error:  # noqa: BLE001 (whatever a client's library raises for a connection that broke)
            self._life = None
            raise self._failed(tool, began, repr(error), expected=life.over.is_set()) from None
        if result.is_error:
            text = "\n".join(block.text for block in result.content)
            raise self._failed(tool, began, text, expected=UNREACHED.search(text) is not None and self.may_be_away())
        body = result.structured_content
        away = AWAY.search("\n".join(body.get("advice", []))) is not None
        self.log.note(Call(tool=tool, began=began, ended=time.monotonic(), away=away))
        return body

    async def close(self) -> None:
        """Let go of the connection, also of one to a process that is dead."""
        self._life, self._client = None, None
        stack, self._open = self._open, AsyncExitStack()
        with suppress(Exception):  # a server that was killed takes no farewell
            await asyncio.wait_for(stack.aclose(), CLOSE_SECONDS)

    async def _connect(self, life: Life) -> None:
        if self._life is not life:
            await self.close()
            self._client = await self._open.enter_async_context(life.client(self.era))
            self._life = life

    def fault(self, tool: Tool, body: JSON) -> Exception:
        """Note an answer that says that something else stands than was sent."""
        return self._failed(tool, time.monotonic(), f"something else stands: {str(body)[:500]}", expected=False)

    def _failed(self, tool: Tool, began: float, error: str, *, expected: bool) -> Exception:
        away = UNREACHED.search(error) is not None
        call = Call(tool=tool, began=began, ended=time.monotonic(), away=away, error=error, expected=expected)
        self.log.note(call)
        return BrokenOffError(error) if expected else RefusedError(error)


async def _unless_over(life: Life, work: Coroutine[Any, Any, Any]) -> Any:
    """Wait for an answer for as long as there may be one."""
    task, over = asyncio.create_task(work), asyncio.create_task(life.over.wait())
    try:
        await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=DELIVERY_SECONDS)
        if not task.done():
            raise ConnectionError("the server was killed")
        return task.result()
    finally:
        over.cancel()
        task.cancel()
        await asyncio.wait({task, over})
