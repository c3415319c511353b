"""The one module that touches FastMCP's private parts; a test holds each use against the pinned release."""

from fastmcp import FastMCP


def skip_schema_lookups(mcp: FastMCP) -> None:
    """Spare each modern HTTP call a listing of all tools; only tools with header parameters need it."""
    server = mcp._mcp_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (there is no public way)
    server.get_tool_input_schema = _no_schema


def _no_schema(_: str) -> None:
    return None
