"""Programs in this process, with clients of them over MCP, that ask the loopback provider; tests say what of them.

It makes drafts and reads what is stored of them; what the provider was asked, the provider tells.
"""

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from fastmcp import Client

import server
from companions.entries import Entry
from sessions.sessions import Sessions

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """A program in this process, and a client of it."""

    wired: server.Wired
    client: Client[Any]

    @property
    def sessions(self) -> Sessions:
        return self.wired.calls.desk.sessions

    async def __call__(self, tool: str, **arguments: Any) -> Body:
        body: Body = (await self.client.call_tool(tool, arguments)).structured_content or {}
        return body

    async def entries(self, session_id: str, kind: str = "draft") -> list[Entry]:
        return [each for each in await self.sessions.store.page(session_id, limit=1_000) if each.kind == kind]

    async def kept(self, session_id: str) -> list[Body]:
        return [entry.meta.get("native", {}) for entry in await self.entries(session_id)]


class Start(Protocol):
    """Starts programs on one store, with native sessions unless a setting says otherwise."""

    def __call__(self, **settings: Any) -> Awaitable[Program]: ...


async def drafted(program: Program, count: int, session_id: str | None = None) -> tuple[str, list[Body]]:
    """Make drafts of one session."""
    bodies = list[Body]()
    for number in range(count):
        given = {} if session_id is None else {"session_id": session_id}
        bodies.append(await program("draft", query=f"Query {time.monotonic_ns()} {number}?", **given))
        session_id = str(bodies[-1]["session_id"])
    assert session_id is not None
    return session_id, bodies
