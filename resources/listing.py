"""The concrete URIs of live sessions in ``resources/list``, and completion of arguments.

Some hosts read nothing that is not listed, so the newest sessions are; everything is filtered by owner.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mcp_types as mt
from fastmcp.resources import Resource, TextResource
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from pydantic import AnyUrl

from companions.companion_types import Library
from companions.errors import StoreError
from resources.sessions import NEWEST
from sessions.reading import Reading

MOST_VALUES = 100
PARTS = {
    "answer": ("the answer", "text/markdown"),
    "latest_critique": ("the newest critique", "application/json"),
    "convergence_analysis": ("the convergence", "application/json"),
}


class LiveResources(Middleware):
    """Adds the caller's newest sessions to the listing of resources; reading them goes through the templates."""

    def __init__(self, *, reading: Reading, owner: Callable[[], str]) -> None:
        """Take where sessions are read, and who asks."""
        self._reading = reading
        self._owner = owner

    async def on_list_resources(
        self, context: MiddlewareContext[mt.ListResourcesRequest], call_next: CallNext[Any, Sequence[Resource]]
    ) -> Sequence[Resource]:
        """List what FastMCP knows, then the live sessions."""
        listed = list(await call_next(context))
        try:
            body = await self._reading.listing(self._owner(), limit=NEWEST)
        except StoreError:
            return listed  # what does not depend on the store is there all the same
        for session in body["sessions"]:
            for companion_type in session["companions"]:
                listed += _parts(session["session_id"], companion_type, session["title"])
        return listed


def _parts(session_id: str, companion_type: str, title: str) -> list[Resource]:
    base = f"resource://sessions/{session_id}/{companion_type}"
    listed: list[Resource] = [
        TextResource(
            uri=AnyUrl(f"{base}/{part}"),
            name=f"{session_id}/{companion_type}/{part}",
            title=f"{title}: {words} ({companion_type})",
            mime_type=mime_type,
            text="",
        )
        for part, (words, mime_type) in PARTS.items()
    ]
    return listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """Completes session ids, by id or by words of the title, and companion types."""

    reading: Reading
    owner: Callable[[], str]
    library: Callable[[], Awaitable[Library]]

    async def complete(
        self,
        ref: mt.PromptReference | mt.ResourceTemplateReference,
        argument: mt.CompletionArgument,
        context: mt.CompletionContext | None,
    ) -> mt.Completion:
        """Give the values that an argument can take, for prompts and templates alike."""
        del ref, context
        match argument.name:
            case "session_id":
                values = await self.reading.session_ids(self.owner(), argument.value, MOST_VALUES)
            case "companion_type":
                values = [kind.name for kind in (await self.library()).types if kind.name.startswith(argument.value)]
            case _:
                values = []
        return mt.Completion(values=values[:MOST_VALUES], total=len(values), has_more=False)
