"""All that a model calls, put on a server. What each tool does is its own module's work."""

from collections.abc import Callable

from fastmcp import FastMCP
from fastmcp.apps import AppConfig

from sessions.attaching import Attaching
from sessions.consulting import Consultations
from sessions.reading import Reading
from sessions.sharing import Sharing
from tools.consult import Consult
from tools.editing import EditingTool
from tools.keeping import KeepingTools
from tools.reading import ReadingTools
from tools.refine import Refine
from tools.sharing import SharingTool
from tools.steps import Steps


def register(
    mcp: FastMCP,
    *,
    reading: Reading,
    owner: Callable[[], str],
    reply_seconds: float,
    text_limit: int,
    attachment_limit: int,
    view: str,
    sharing: Sharing | None = None,
) -> None:
    """Add all of it.

    Args:
        mcp: The server.
        reading: Where sessions are read, and with them the calls that write.
        owner: Gives the principal of the present request.
        reply_seconds: How long a call may take before it is answered as running.
        text_limit: The most bytes of any one text.
        attachment_limit: The most bytes of all attachments of a query together.
        view: The URI of the page on which hosts with MCP Apps show what is read.
        sharing: How sessions are shared; ``None`` where callers are not told apart.
    """
    calls, seconds, limit = reading.calls, reply_seconds, text_limit
    attaching = Attaching(reading=reading, limit=attachment_limit)
    Steps(calls=calls, owner=owner, reply_seconds=seconds, text_limit=limit, attaching=attaching).register(mcp)
    shown = AppConfig(resource_uri=view)
    Refine(calls=calls, owner=owner, reply_seconds=seconds, text_limit=limit, shown=shown).register(mcp)
    held = Consultations(calls=calls)
    Consult(consultations=held, owner=owner, reply_seconds=seconds, text_limit=limit).register(mcp)
    ReadingTools(reading=reading, owner=owner, shown=shown).register(mcp)
    EditingTool(calls=calls, owner=owner, text_limit=limit).register(mcp)
    KeepingTools(sessions=calls.desk.sessions, owner=owner).register(mcp)
    if sharing is not None:
        SharingTool(sharing=sharing, owner=owner).register(mcp)
