"""What was learned as a resource. What that is is ``sessions.patterns_view``'s; here it gets its URI."""

import json
from dataclasses import dataclass

from fastmcp import FastMCP
from fastmcp.resources import ResourceContent, ResourceResult
from mcp_types import Annotations

from sessions.reading import Reading

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class PatternsResource:
    """``resource://patterns/{companion_type}``: the same for every caller, since it holds nothing of anybody."""

    reading: Reading

    def register(self, mcp: FastMCP) -> None:
        """Add it to a server."""
        about = Annotations(audience=["user", "assistant"])
        mcp.resource("resource://patterns/{companion_type}", name="patterns", mime_type=JSON, annotations=about)(
            self.read
        )

    async def read(self, companion_type: str) -> ResourceResult:
        """What loops of a companion type have taught: how they end, when stopping is advised, what steps take."""
        body = await self.reading.patterns(companion_type)
        return ResourceResult(contents=[ResourceContent(json.dumps(body, ensure_ascii=False), mime_type=JSON)])
