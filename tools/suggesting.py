"""What of the knowledge about loops a reply tells: as much as there is room for, behind what the step itself calls for.

What is known, and how it is worded, is ``sessions.intelligence``'s and ``companions.outlook``'s work.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastmcp.tools import ToolResult
from mcp_types import TextContent

OWN_PART = 1_500
"""Most characters of a step's reply besides its texts, in each channel."""


def suggestions(known: Mapping[str, Any] | None) -> list[str]:
    """Give what of the knowledge about a loop its caller should be told."""
    return [] if known is None else known["suggestions"]


def with_suggestions(tell: Callable[[list[str]], ToolResult], lines: list[str]) -> ToolResult:
    """Tell something with suggestions, unless it becomes too long by them."""
    if lines and _own_part(result := tell(lines)) <= OWN_PART:
        return result
    return tell([])


def _own_part(result: ToolResult) -> int:
    """Count the characters of the longer channel without the texts in it."""
    body = result.structured_content or {}
    texts = [body.get("text", ""), *body.get("instructions", {}).values()]
    own = json.dumps({name: value for name, value in body.items() if name not in {"text", "instructions"}})
    prose = sum(len(block.text) for block in result.content if isinstance(block, TextContent))
    return max(len(own), prose - sum(map(len, texts)))
