"""What our server is compared with: FastMCP with one tool that does nothing.

Without an argument it serves over stdio, with a port over HTTP.
"""

import sys

from fastmcp import FastMCP

mcp = FastMCP("bare")


@mcp.tool
async def noop(session_id: str, text: str) -> str:
    """Take what a step takes, and do nothing."""
    del session_id, text
    return "ok"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        mcp.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), show_banner=False, log_level="critical")
    else:
        mcp.run(show_banner=False)
