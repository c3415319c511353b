"""What a model reads: ``show_thinking`` and ``list_sessions``, since most models cannot reach resources."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastmcp import FastMCP
from fastmcp.apps import AppConfig
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from sessions.reading import MARKDOWN, Part, Reading
from tools.arguments import CompanionTypeName, ComparedWith, SessionId

MOST_LISTED = 50
PICTURE = "resource://sessions/{session_id}/{companion_type}/convergence.svg"
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTools:
    """The read-only tools.

    Attributes:
        owner: Gives the principal of the present request.
        shown: Where hosts with MCP Apps show what is read.
    """

    reading: Reading
    owner: Callable[[], str]
    shown: AppConfig

    def register(self, mcp: FastMCP) -> None:
        """Add the tools to a server."""
        mcp.tool(self.show_thinking, output_schema=None, annotations=READ_ONLY, app=self.shown)
        mcp.tool(self.list_sessions, output_schema=None, annotations=READ_ONLY)

    async def show_thinking(
        self,
        session_id: SessionId,
        companion_type: CompanionTypeName = None,
        part: Part = "timeline",
        slot: Annotated[int | None, Field(ge=0, description="One query, from 0; default: the newest, or all")] = None,
        offset: Annotated[int, Field(ge=-1, description="As the page before said; -1: newest page")] = 0,
        compared_with: ComparedWith = None,
    ) -> ToolResult:
        """Read a session: its answer, steps, critiques, similarities."""
        body = await self.reading.part(
            self.owner(), session_id, companion_type, part, slot=slot, offset=offset, compared_with=compared_with
        )
        shown = {name: value for name, value in body.items() if value is not None} | {"part": part}
        if part == "convergence_analysis" and slot is None:
            # Named, not sent: hosts hand images on to models that take none of this kind.
            shown["picture"] = PICTURE.format(**shown)
        return ToolResult(content=_prose(shown, part), structured_content=shown)

    async def list_sessions(
        self,
        search: Annotated[str | None, Field(description="Words of titles, queries or texts, in any order")] = None,
        limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 10,
    ) -> ToolResult:
        """Find earlier sessions, newest first: ids, titles, phases, previews."""
        body = await self.reading.listing(self.owner(), search=search or None, limit=limit)
        lines = [_session_line(session) for session in body["sessions"]]
        lines += [body["searched"]] if "searched" in body else []
        prose = "\n".join(lines) if body["sessions"] else _none_found(search, body.get("searched", ""))
        return ToolResult(content=prose, structured_content=body)


def _prose(body: Mapping[str, Any], part: Part) -> str:
    """Tell a body as text: Markdown as it is, all else as JSON, which models read well."""
    if part in MARKDOWN or part == "instructions":
        system = f"{body['system']}\n\n" if body.get("system") else ""
        head = f"session_id {body['session_id']}, companion {body['companion_type']}, {part}:\n\n"
        return f"{head}{system}{body['text']}{_rest(body.get('more'))}"
    return json.dumps({name: value for name, value in body.items() if value is not None}, ensure_ascii=False)


def _rest(more: Mapping[str, Any] | None) -> str:
    if more is None:
        return ""
    slot = "" if more["slot"] is None else f"slot {more['slot']}, "
    return f"\n\nCut here; read on with show_thinking, part {more['part']}, {slot}offset {more['offset']}."


def _none_found(search: str | None, searched: str) -> str:
    if searched:
        return f"No session matches. {searched} List without search."
    if search:
        return f"No session has all words of {search[:80]!r}. Try one of them, or list without search."
    return "There are no sessions yet. Call draft with a query to open one."


def _session_line(session: Mapping[str, Any]) -> str:
    phases = ", ".join(
        f"{name}: ended, {values['stop_reason']}" if values.get("stop_reason") else f"{name}: {values.get('phase')}"
        for name, values in session["companions"].items()
    )
    return (
        f"{session['session_id']}  {session['last_used'][:16]}  {_titled(session)} ({phases})\n  {session['preview']}"
        f"{_found_line(session.get('found'))}"
    )


def _titled(session: Mapping[str, Any]) -> str:
    return f"[pinned] {session['title']}" if session.get("pinned") else session["title"]


def _found_line(found: Mapping[str, Any] | None) -> str:
    return "" if found is None else f"\n  slot {found['slot']} of {found['companion_type']}: {found['text']}"
