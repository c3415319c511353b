"""The caller's numbers as a resource. What they are is ``sessions.metrics``'s; here they get their URI."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from fastmcp import FastMCP
from fastmcp.resources import ResourceContent, ResourceResult
from mcp_types import Annotations

from sessions.metrics import Metrics

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsResource:
    """``resource://metrics``.

    Attributes:
        owner: Gives the principal of the present request.
    """

    metrics: Metrics
    owner: Callable[[], str]

    def register(self, mcp: FastMCP) -> None:
        """Add it to a server."""
        about = Annotations(audience=["user", "assistant"])
        mcp.resource("resource://metrics", name="metrics", mime_type=JSON, annotations=about)(self.read)

    async def read(self) -> ResourceResult:
        """What your sessions used: tokens, time and cost by model, provider and workflow; how often refining helped."""
        body = await self.metrics.of(self.owner())
        return ResourceResult(contents=[ResourceContent(json.dumps(body, ensure_ascii=False), mime_type=JSON)])
