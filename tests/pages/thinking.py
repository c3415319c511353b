"""Sessions to look at, made through the program's own tools by a caller that writes, and the page of their store.

What is to be seen of them is each test's own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastmcp import Client, FastMCP

import server
from tests.provider.server import KEY, Provider
from tests.sessions.own_companions import SECTIONS
from tests.wire.processes import Connection, environment

DRAFT = "We should move to four days.\n\nPay stays as it is. Customers will alot of notice.\n\nWe begin in May."
CRITIQUE = "It does not say who answers on the fifth day."
REVISION = "We should move to four days.\n\nPay stays as it is. Customers hear it in March.\n\nWe begin in May."
SECOND = "We should move to four days.\n\nPay stays as it is. Customers hear it in March.\n\nWe begin in June."
EVIDENCE = "Of 61 firms that tried it, 56 went on with it."


@dataclass(frozen=True, slots=True)
class Writer:
    """A caller that writes, in a process of its own as far as the page can tell."""

    client: Connection

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        return (await self.client.call_tool(tool, given)).structured_content

    async def draft(self, query: str, text: str, **more: object) -> str:
        return (await self.call("draft", query=query, text=text, **more))["session_id"]

    async def critique(self, session_id: str, text: str = CRITIQUE, **more: object) -> dict[str, Any]:
        return await self.call("critique", session_id=session_id, text=text, **more)

    async def revise(self, session_id: str, text: str, **more: object) -> dict[str, Any]:
        return await self.call("revise", session_id=session_id, text=text, **more)

    async def week(self) -> str:
        """Think the four-day week through: the second of its revisions is guarded, the third written twice."""
        session_id = await self.draft("Should we move to a four-day week?", DRAFT)
        await self.critique(session_id, evidence=EVIDENCE)
        await self.revise(session_id, REVISION, score=0.6)
        await self.critique(session_id, "May is too soon.")
        await self.revise(session_id, "Bananas are yellow and grow in bunches far away from here.")
        await self.critique(session_id, "That was about bananas.")
        await self.revise(session_id, REVISION)
        await self.revise(session_id, SECOND, score=0.8, redo=True)
        return session_id


def wired(folder: Path) -> FastMCP:
    """Wire the program to a folder's store; not in an event loop, since it reads files."""
    settings = server.Settings(store=f"sqlite:///{folder / 'sessions.db'}", model="host", spool=folder / "spool")
    return server.Wired.of(settings).server()


def looking_up(folder: Path, provider: Provider) -> FastMCP:
    """Wire the program to the same store, with a model whose critic may look things up; not in an event loop either."""
    (folder / "own.md").write_text(f"---\nname: own\ndescription: Mine.\ncritic_tools: [read_version]\n---\n{SECTIONS}")
    asking: dict[str, Any] = {"model": "openai:loop", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url}
    asking |= {"store": f"sqlite:///{folder / 'sessions.db'}", "spool": folder / "spool", "library": folder}
    return server.Wired.of(server.Settings(**asking)).server()


@asynccontextmanager
async def writing(program: FastMCP) -> AsyncGenerator[Writer]:
    """Open a program for a caller."""
    async with Client(program) as client:
        yield Writer(client)


@contextmanager
def inspecting(folder: Path) -> Generator[str]:
    """Run ``companions inspect`` on a folder's store as a process of its own; gives the address that it prints."""
    command = [sys.executable, str(Path(server.__file__).resolve()), "inspect", "--no-open"]
    with (folder / "inspect.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment(folder, None), cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), (folder / "inspect.log").read_text()
        yield address
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
        process.stdout.close()
