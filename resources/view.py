"""The view of a session's thinking inside a chat: an MCP App that hosts show beside what ``show_thinking`` answers.

The page is one file of ours, the same for everybody; what it shows, a host hands to it. It asks for nothing from
elsewhere, and its metadata says so, from which hosts make its policy.
"""

from pathlib import Path

from fastmcp import FastMCP
from fastmcp.apps import AppConfig, ResourceCSP

URI = "ui://thinking"
"""Short, since it stands in the listing of tools, which every model reads."""
PAGE = Path(__file__).parent / "thinking.html"


def register(mcp: FastMCP) -> None:
    """Add the page to a server."""
    page = PAGE.read_text(encoding="utf-8")
    nothing = ResourceCSP(connect_domains=[], resource_domains=[], frame_domains=[], base_uri_domains=[])

    @mcp.resource(
        URI, name="thinking", title="The thinking of a session", app=AppConfig(csp=nothing, prefers_border=True)
    )
    async def thinking() -> str:  # pyright: ignore[reportUnusedFunction] (the decorator keeps it)
        """The view of a session that hosts with MCP Apps show."""
        return page
