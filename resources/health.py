"""Whether this process can do its work: ``/health`` and ``/health/live``, for whatever watches over it.

They tell states, counts and versions, and nothing of anybody's sessions, of a path or of an address.
"""

import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal

import fastmcp
from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import JSONResponse

from sessions.keeping import Keeper
from sessions.sessions import Sessions
from sessions.store_looks import AWAY, OK, STARTING, Look, StoreLooks

VERSIONS = {
    "companions": version("persistent-companions"),
    "fastmcp": fastmcp.__version__,
    "python": platform.python_version(),
}
"""Looked up once: they stand on the disk, and a probe must not make the event loop wait for that."""
UNREADY = 503


@dataclass(slots=True)
class Health:
    """Answers ``/health``: 200 while steps can be taken, also with the store away, else 503.

    Attributes:
        kind: Which kind of store it is.
        looks: Where the store is looked at.
    """

    sessions: Sessions
    kind: str
    looks: StoreLooks = field(init=False)
    _ending: bool = False

    def __post_init__(self) -> None:
        """Have looks of its own."""
        self.looks = StoreLooks(self.sessions)

    def register(self, mcp: FastMCP) -> None:
        """Serve it beside MCP."""
        mcp.custom_route("/health", methods=["GET"])(self.answer)
        mcp.custom_route("/health/live", methods=["GET"])(self.alive)

    def open(self) -> None:
        """Be ready, also again after ``close``."""
        self._ending = False

    def close(self) -> None:
        """Be ready no more: the program ends."""
        self._ending = True
        self.looks.stop()

    async def answer(self, _: Request) -> JSONResponse:
        """Look at the store, within a second, and tell."""
        body = await self.told()
        return JSONResponse(body, status_code=200 if body["ready"] else UNREADY)

    async def alive(self, _: Request) -> JSONResponse:
        """Say that the event loop turns."""
        return JSONResponse({"live": True})

    async def told(self) -> dict[str, Any]:
        """Give the body; ``reason`` says why ``status`` is degraded (steps are taken) or failing (they are not)."""
        look = self.looks.seen if self._ending else await self.looks.look()
        status, reason = _judged(self.sessions.writer.keeper, look)
        if self._ending or look.store == STARTING:
            status, reason = "failing", f"The program is {'ending' if self._ending else 'starting'}."
        told: dict[str, Any] = {"status": status, "live": True, "ready": status != "failing"}
        if reason:
            told["reason"] = reason
        told["store"] = {"kind": self.kind, "state": look.store}
        if self.sessions.spool is not None:
            spool = self.sessions.spool.state()
            oldest = spool.oldest_at
            told["spool"] = {
                "entries": spool.entries,
                "bytes": spool.bytes,
                "limit": spool.limit,
                "oldest_seconds": None if oldest is None else round(time.time() - oldest, 1),
            }
        return told | {"versions": {**VERSIONS, "schema": look.schema}}


def _judged(keeper: Keeper, look: Look) -> tuple[Literal["ok", "degraded", "failing"], str]:
    """Say how the process is, and why it is not well."""
    spool = keeper.spool
    if look.store == AWAY:
        if spool is None or spool.full or not look.writable:
            return "failing", "The store is away, and COMPANIONS_SPOOL takes no more."
        return "degraded", "The store is away; steps wait in COMPANIONS_SPOOL."
    if look.store != OK:
        return "failing", "The store refuses; the log says why."
    if not look.writable:
        return "degraded", "COMPANIONS_SPOOL cannot be written: no step could be kept if the store went away."
    if spool is not None and spool.entries:
        return "degraded", "Steps wait in COMPANIONS_SPOOL for the store to take them."
    return "ok", ""
