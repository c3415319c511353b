"""A host that speaks JSON-RPC over the pipes of a process itself, to see every byte of them and how the process ends.

It answers nothing and judges nothing but one thing: each line of standard output is a JSON-RPC message.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.wire.processes import SERVER, Era, environment

JSON = dict[str, Any]
STDIO = (sys.executable, str(SERVER))
ANSWER_SECONDS = 20
MODERN = "2026-07-28"
LEGACY = "2025-06-18"
"""As Codex and Gemini CLI send it."""
WHO = {"name": "raw-host", "version": "1"}


@dataclass(slots=True)
class RawHost:
    """One process and what was said.

    Attributes:
        lines: All of its standard output so far.
        log: Its standard error.
    """

    process: asyncio.subprocess.Process
    era: Era
    log: Path
    lines: list[bytes] = field(default_factory=list[bytes])
    notes: list[JSON] = field(default_factory=list[JSON])
    _sent: int = 0
    _answers: dict[int, "asyncio.Future[JSON]"] = field(default_factory=dict[int, "asyncio.Future[JSON]"])

    async def begin(self) -> JSON:
        """Shake hands as the era does; gives the server's description of itself."""
        if self.era == "auto":
            return await self.ask("server/discover")
        told = await self.ask("initialize", protocolVersion=LEGACY, capabilities={}, clientInfo=WHO)
        self._write({"method": "notifications/initialized"})
        return told

    def send(self, method: str, **params: Any) -> "asyncio.Future[JSON]":
        """Send a request; the future is its answer, as the whole message."""
        self._sent += 1
        if self.era == "auto":
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": WHO,
                "io.modelcontextprotocol/clientCapabilities": {},
            } | params.get("_meta", {})
        answer = self._answers[self._sent] = asyncio.get_running_loop().create_future()
        self._write({"id": self._sent, "method": method, "params": params})
        return answer

    def raw(self, number: int, line: bytes) -> "asyncio.Future[JSON]":
        """Send a line as it is; the future is the answer to a request of that number, if it is one."""
        assert self.process.stdin is not None
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(line + b"\n")
        return answer

    async def ask(self, method: str, **params: Any) -> JSON:
        """Send a request and wait for its result."""
        answer = await asyncio.wait_for(self.send(method, **params), ANSWER_SECONDS)
        assert "result" in answer, answer
        return answer["result"]

    def call(self, tool: str, **arguments: Any) -> "asyncio.Future[JSON]":
        """Call a tool; the future is the answer's whole message."""
        return self.send("tools/call", name=tool, arguments=arguments)

    async def done(self, tool: str, **arguments: Any) -> JSON:
        """Call a tool and give its structured content."""
        answer = await asyncio.wait_for(self.call(tool, **arguments), ANSWER_SECONDS)
        assert "structuredContent" in answer["result"], answer
        return answer["result"]["structuredContent"]

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def listen(self) -> None:
        """Read standard output until it ends; what is no JSON-RPC message fails whoever waits, and the test."""
        assert self.process.stdout is not None
        try:
            async for line in self.process.stdout:
                self.lines.append(line)
                self._hear(json.loads(line))
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.cancel()

    def _hear(self, message: JSON) -> None:
        assert message["jsonrpc"] == "2.0"
        number = message.get("id")
        answer = self._answers.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            self.notes.append(message)
        else:
            answer.set_result(message)

    def _write(self, message: JSON) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


@asynccontextmanager
async def raw_host(
    folder: Path,
    era: Era,
    settings: Mapping[str, str] | None = None,
    *,
    without: Sequence[str] = (),
    command: Sequence[str] = STDIO,
) -> AsyncGenerator[RawHost]:
    """Start a process, listen to it, and end it with the block unless it has ended."""
    given = environment(folder, settings)
    log = folder / "raw.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={name: value for name, value in given.items() if name not in without},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=2**24,
        )
    host = RawHost(process, era, log)
    listening = asyncio.create_task(host.listen())
    try:
        yield host
    finally:
        host.close_stdin()
        await end(process)
        await listening


async def end(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that was told to end, and kill it if it does not."""
    try:
        await asyncio.wait_for(process.wait(), ANSWER_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
