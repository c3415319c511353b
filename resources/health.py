"""Whether this process can do its work: ``/health``, for load balancers and whoever looks after the server.

It tells states and counts, and nothing of anybody's sessions.
"""

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import JSONResponse

from companions.errors import StoreError
from sessions.keeping import Keeper
from sessions.sessions import Sessions

VERSION = version("persistent-companions")
"""Looked up once: it stands on the disk, and a probe must not make the event loop wait for that."""


@dataclass(frozen=True, slots=True)
class Health:
    """Answers ``/health``: 200 while steps can be taken, also with the store away, else 503."""

    sessions: Sessions

    def register(self, mcp: FastMCP) -> None:
        """Serve it beside MCP."""
        mcp.custom_route("/health", methods=["GET"])(self.answer)

    async def answer(self, _: Request) -> JSONResponse:
        """Look at the store, within its deadline, and tell."""
        body = await self.told()
        return JSONResponse(body, status_code=503 if body["status"] == "failing" else 200)

    async def told(self) -> dict[str, Any]:
        """Give the body; ``reason`` says why ``status`` is degraded (steps are taken) or failing (they are not)."""
        keeper, store = self.sessions.writer.keeper, "ok"
        writable = keeper.spool is None or await keeper.spool.usable()
        try:
            await self.sessions.store.head("-")
        except StoreError as error:
            store = error.code.removeprefix("store_")
        status, reason = _judged(keeper, store, writable=writable)
        told: dict[str, Any] = {"status": status, "version": VERSION, "store": store}
        if reason:
            told["reason"] = reason
        if keeper.spool is not None:
            spool = keeper.spool.state()
            oldest = spool.oldest_at
            told["spool"] = {
                "entries": spool.entries,
                "bytes": spool.bytes,
                "limit": spool.limit,
                "oldest_seconds": None if oldest is None else round(time.time() - oldest, 1),
            }
        return told


def _judged(keeper: Keeper, store: str, *, writable: bool) -> tuple[Literal["ok", "degraded", "failing"], str]:
    """Say how the process is, and why it is not well.

    Args:
        keeper: Where its steps go.
        store: ``ok``, or what is wrong with the store.
        writable: Whether the spool's folder could take them.
    """
    if store != "ok":
        if not keeper.away:
            return "failing", "The store refuses; the log says why."
        if keeper.full("") or not writable:
            return "failing", "The store is away, and COMPANIONS_SPOOL takes no more."
        return "degraded", "The store is away; steps wait in COMPANIONS_SPOOL."
    if not writable:
        return "degraded", "COMPANIONS_SPOOL cannot be written: no step could be kept if the store went away."
    if keeper.spool is not None and keeper.spool.entries:
        return "degraded", "Steps wait in COMPANIONS_SPOOL for the store to take them."
    return "ok", ""
