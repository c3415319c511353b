"""All that a client reads, put on a server: resources, their completion, prompts, and ``/health``.

What each of them gives is its own module's work.
"""

from collections.abc import Callable

from fastmcp import FastMCP

from resources import view
from resources.health import Health
from resources.listing import Completions
from resources.metrics import MetricsResource
from resources.patterns import PatternsResource
from resources.prompts import Prompts
from resources.sessions import SessionResources
from sessions.metrics import Metrics
from sessions.reading import Reading


def register(mcp: FastMCP, *, reading: Reading, owner: Callable[[], str], store: str) -> Health:
    """Add all of it.

    Args:
        mcp: The server.
        reading: Where sessions are read.
        owner: Gives the principal of the present request.
        store: Which kind of store it is.

    Returns:
        What is to be told when the program begins to end.
    """
    desk = reading.calls.desk
    library = desk.sessions.read_library
    SessionResources(reading=reading, owner=owner, library=library).register(mcp)
    MetricsResource(metrics=Metrics(sessions=desk.sessions, allowance=desk.allowance), owner=owner).register(mcp)
    PatternsResource(reading).register(mcp)
    mcp.completion(Completions(reading=reading, owner=owner, library=library).complete)
    Prompts().register(mcp)
    view.register(mcp)
    health = Health(desk.sessions, store)
    health.register(mcp)
    return health
