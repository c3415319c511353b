"""Whether this process can do its work: ``/health``, for load balancers and whoever looks after the server.

It tells states and counts, and nothing of anybody's sessions.
"""

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import JSONResponse

from companions.errors import StoreError
from sessions.sessions import Sessions


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
        """Give the body: ``status`` is ok, degraded (steps are kept on this machine's disk) or failing."""
        store = "ok"
        try:
            await self.sessions.store.head("-")
        except StoreError as error:
            store = error.code.removeprefix("store_")
        keeper = self.sessions.writer.keeper
        usable = store == "ok" or (keeper.away and not keeper.full(""))
        waits = keeper.spool is not None and keeper.spool.entries > 0
        told: dict[str, Any] = {
            "status": "failing" if not usable else "degraded" if waits or store != "ok" else "ok",
            "version": version("persistent-companions"),
            "store": store,
        }
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
